"""``gaesup.yaml``: what is right becomes a command, what is wrong becomes one error with a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gaesup_tui.domain.errors import GaesupError, Invalid, NotFound
from gaesup_tui.service import project

MODULE = b"\0asm\1\0\0\0"
DIGEST = "93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476"

GOOD = """\
apiVersion: gaesup/v1
environments:
  production: {replicas: 2}
  development: {strategy: rolling}
units:
  cart:
    artifact: cart-{version}.wasm
    versions:
      v41:
      v42: {config: {pricing: "new"}, memory: 128Mi}
    memory: 64Mi
    deadline: 500ms
    config: {currency: EUR}
    strategy: canary
    canary:
      steps:
        - weight: 5
        - pause: 60s
        - analysis: 2m
        - pause:
        - weight: 50
      bake: 10m
    guards: [{metric: p95, above: 300ms}]
    smokeTests: [{path: /health, contains: ok}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for version in ("v41", "v42"):
        (tmp_path / f"cart-{version}.wasm").write_bytes(MODULE)
    (tmp_path / "gaesup.yaml").write_text(GOOD)
    return tmp_path


def error_of(folder: Path, text: str) -> str:
    (folder / "gaesup.yaml").write_text(text)
    with pytest.raises(GaesupError) as caught:
        project.load(project.find())
    assert isinstance(caught.value, Invalid)
    return str(caught.value)


def test_a_version_in_an_environment_becomes_one_command(folder: Path) -> None:
    command = project.deploy_command(project.load(project.find()), "cart", "v42", "production")
    assert command.deployment == "cart@production"
    assert command.strategy == "canary"
    assert command.replicas == 2
    assert command.project == str(folder / "gaesup.yaml")
    revision = command.revision
    assert (revision.version, revision.sha256) == ("v42", DIGEST)
    assert revision.artifact == str(folder / "cart-v42.wasm")
    assert revision.config == {"currency": "EUR", "pricing": "new"}
    assert revision.limits.memory_bytes == 128 * 2**20
    assert revision.limits.deadline_ms == 500
    assert [c.contains for c in command.checks] == ["ok"]


def test_durations_and_short_forms_are_read_as_people_write_them(folder: Path) -> None:
    spec = project.deploy_command(project.load(project.find()), "cart", "v41", "production").spec
    steps = spec.canary.steps
    assert steps[1].pause is not None
    assert steps[1].pause.duration == 60.0
    assert steps[2].analysis is not None
    assert steps[2].analysis.duration == 120.0
    assert steps[3].pause is not None
    assert steps[3].pause.duration is None, "a pause without a time waits for a person"
    assert spec.canary.bake == 600.0
    assert spec.guards[0].above == 0.3


def test_what_an_environment_says_wins_over_the_unit(folder: Path) -> None:
    command = project.deploy_command(project.load(project.find()), "cart", "v41", "development")
    assert command.strategy == "rolling"


def test_config_changes_the_revision(folder: Path) -> None:
    before = project.deploy_command(project.load(project.find()), "cart", "v41", "production")
    (folder / "gaesup.yaml").write_text(GOOD.replace("EUR", "USD"))
    after = project.deploy_command(project.load(project.find()), "cart", "v41", "production")
    assert before.revision.id != after.revision.id


BAD = [
    ("    memory: 64Mi", "    memory: 64Mb", "gaesup.yaml:11: units.cart.memory: '64Mb' is not a"),
    ("    memory: 64Mi", "    memroy: 64Mi", "gaesup.yaml:11: units.cart.memroy: there is no such"),
    ("weight: 5\n", "weight: 130\n", "gaesup.yaml:17: units.cart.canary.steps[0].weight: must be"),
    ("deadline: 500ms", "deadline: soon", "gaesup.yaml:12: units.cart.deadline: 'soon' is not a"),
    ("pause: 60s", "pause: 60x", "gaesup.yaml:18: units.cart.canary.steps[1].pause: '60x' is not"),
    ("weight: 50", "weight: 1", "gaesup.yaml:15: units.cart.canary: step 5 goes back from 5 to 1"),
    (
        "{replicas: 2}",
        "{replicas: two}",
        "gaesup.yaml:3: environments.production.replicas: must be a whole number, not 'two'",
    ),
    (
        "units:\n",
        "unites:\n",
        "gaesup.yaml:5: unites: there is no such field: did you mean units?",
    ),
    ("  cart:", "  Cart:", "gaesup.yaml:6: units.Cart: 'Cart' is not a name"),
    (
        "    deadline: 500ms",
        "    memory: 1Gi",
        "gaesup.yaml:12: units.cart.memory is written",
    ),
    ("    strategy: canary", "   strategy: canary", "gaesup.yaml:14: the indentation does not fit"),
    ("    strategy: canary", "\tstrategy: canary", "gaesup.yaml:14: there is a tab"),
    ("strategy: canary", "strategy: blue", "gaesup.yaml:14: units.cart.strategy: there is no"),
    ("gaesup/v1", "gaesup/v9", "gaesup.yaml:1: apiVersion: must be 'gaesup/v1', not 'gaesup/v9'"),
    ("    artifact: cart-{version}.wasm\n", "", "gaesup.yaml:6: units.cart.artifact: is missing"),
    ("cart-{version}.wasm", "cart.wasm", "gaesup.yaml:6: units.cart: 2 versions share"),
    ("currency: EUR", "currency: 3", "gaesup.yaml:13: units.cart.config.currency: 3 is not text"),
    ("units:\n", "units: []\nx:\n", "gaesup.yaml:5: units: must be names with values, not a list"),
    ("metric: p95", "metric: p99", "gaesup.yaml:23: units.cart.guards[0].metric: must be"),
    ("path: /health", "path: health", "gaesup.yaml:24: units.cart.smokeTests[0].path: 'health' is"),
    (
        "    strategy: canary",
        "    dependsOn: [price]",
        "gaesup.yaml:14: units.cart.dependsOn[0]: there is no unit 'price'",
    ),
    (
        "    strategy: canary",
        "    dependsOn: [cart]",
        "gaesup.yaml:14: units.cart.dependsOn: units depend on each other in a circle: cart → cart",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_bad_input_is_one_error_with_file_line_field_and_what_to_do(
    folder: Path, old: str, new: str, message: str
) -> None:
    assert old in GOOD
    said = error_of(folder, GOOD.replace(old, new, 1))
    assert said.startswith(message), said
    assert "\n" not in said
    assert len(said.rpartition(": ")[2]) > 5, f"says not what to do: {said}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "gaesup.yaml:1: the file is empty"),
        ("[1, 2]", "gaesup.yaml:1: must be names with values, not a list"),
        ("a: [1, 2", "gaesup.yaml:1: this is not YAML"),
        ("? {a: b}\n: c", "gaesup.yaml:1: a name is not text"),
        ("a: !!python/object:os.system x", "gaesup.yaml:1: a: there is no such field"),
        ("[" * 3000, "gaesup.yaml:1: values are nested too deeply"),
        ("a: 1\n\x1b[31m: 1", "gaesup.yaml:2: this is not YAML: it holds a character 0x001b"),
        ("a: 1\n---\nb: 2", "gaesup.yaml:2: this is not YAML: expected a single document"),
        (
            "units: {}\napiVersion: gaesup/v1\nenvironments: {a: {}}",
            "gaesup.yaml:1: units: is empty",
        ),
    ],
)
def test_what_is_no_configuration_at_all_is_said(folder: Path, text: str, message: str) -> None:
    said = error_of(folder, text)
    assert said.startswith(message), said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ("deadline: 0", "deadline: 0 s is not possible: give 10ms to 60s"),
        ("deadline: 2h", "deadline: 7200 s is not possible: give 10ms to 60s"),
        ("memory: 9Gi", "memory: must be at most 4.0Gi, not '9Gi'"),
    ],
)
def test_a_limit_no_replica_could_have_is_refused_in_the_units_it_was_written_in(
    folder: Path, limit: str, says: str
) -> None:
    usual = "memory: 64Mi" if limit.startswith("memory") else "deadline: 500ms"
    assert says in error_of(folder, GOOD.replace(usual, limit, 1))


def test_a_file_without_an_end_is_not_read_to_it() -> None:
    with pytest.raises(Invalid, match="/dev/zero is larger than 1 MiB"):
        project.load(Path("/dev/zero"))


def test_a_small_file_cannot_ask_for_a_billion_values(folder: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "too many values" in error_of(folder, "\n".join(lines))


def test_an_unknown_field_is_answered_with_the_one_that_was_meant(folder: Path) -> None:
    said = error_of(folder, GOOD.replace("smokeTests", "smokeTest"))
    assert "did you mean smokeTests?" in said


def refused(folder: Path, unit: str, version: str, environment: str) -> str:
    with pytest.raises(Invalid) as caught:
        project.deploy_command(project.load(project.find()), unit, version, environment)
    return str(caught.value)


def test_unknown_names_are_answered_with_the_known_ones(folder: Path) -> None:
    assert "no unit 'kart': units here: cart" in refused(folder, "kart", "v41", "production")
    assert "no cart version 'v9'" in refused(folder, "cart", "v9", "production")
    assert "no environment 'prod'" in refused(folder, "cart", "v41", "prod")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "cannot be read (No such file or directory): build it"),
        (b"hello", "is not a WebAssembly module: compile it"),
        (b"(module)", "is WebAssembly text, not a module: turn it into binary"),
        (b"\0asm\x0d\0\1\0", "is a component, not a core module: build a core module"),
        (b"\0asm\1\0\0\0" + bytes(8 << 20), "bytes long: a module is a file of at most 8 MiB"),
    ],
)
def test_an_artifact_that_is_no_module_is_an_error_at_its_line(
    folder: Path, body: bytes | None, message: str
) -> None:
    path = folder / "cart-v42.wasm"
    path.unlink()
    if body is not None:
        path.write_bytes(body)
    said = refused(folder, "cart", "v42", "production")
    assert said.startswith(f"gaesup.yaml:10: units.cart.versions.v42: {path} ")
    assert message in said


def test_another_digest_is_an_error_with_both(folder: Path) -> None:
    (folder / "gaesup.yaml").write_text(GOOD.replace("v41:\n", f"v41: {{sha256: {'a' * 64}}}\n"))
    said = refused(folder, "cart", "v41", "production")
    assert said.startswith("gaesup.yaml:9: units.cart.versions.v41.sha256: ")
    assert DIGEST in said
    assert "a" * 64 in said


def test_a_file_is_found_from_a_folder_below(folder: Path) -> None:
    deep = folder / "a" / "b"
    deep.mkdir(parents=True)
    assert project.find(deep) == folder / "gaesup.yaml"


def test_without_a_file_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="gaesup init"):
        project.find(tmp_path)


def test_the_example_is_valid_and_all_its_modules_are_what_their_digests_say() -> None:
    example = Path(__file__).resolve().parents[2] / "examples" / "shop" / "gaesup.yaml"
    loaded = project.load(example)
    assert project.check_artifacts(loaded) >= 20
    assert all(
        version.sha256 for unit in loaded.file.units.values() for version in unit.versions.values()
    )


WINDOWS = GOOD.replace(
    "production: {replicas: 2}",
    """production:
    replicas: 2
    freezeWindows:
      - {name: weekend, from: "Fri 16:00", until: "Mon 08:00", timezone: Europe/Berlin}
      - name: launch
        from: 2026-12-20T00:00
        until: 2027-01-02T08:00""",
)


def test_freeze_windows_travel_with_the_deploy(folder: Path) -> None:
    (folder / "gaesup.yaml").write_text(WINDOWS)
    policy = project.deploy_command(
        project.load(project.find()), "cart", "v42", "production"
    ).policy
    assert policy is not None
    assert [(w.name, w.begins, w.ends, w.timezone) for w in policy.windows] == [
        ("weekend", "Fri 16:00", "Mon 08:00", "Europe/Berlin"),
        ("launch", "2026-12-20T00:00", "2027-01-02T08:00", "UTC"),
    ]
    assert policy.source == str(folder / "gaesup.yaml")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "Fri 16:00",
            "Friday at 4",
            "gaesup.yaml:6: environments.production.freezeWindows[0].from: "
            "'Friday at 4' is no moment",
        ),
        ("Europe/Berlin", "Berlin", "gaesup.yaml:6: environments.production.freezeWindows[0].t"),
        ("Mon 08:00", "2026-12-01T08:00", "gaesup.yaml:6: environments.production.freezeWindows"),
        ("2027-01-02T08:00", "2025-01-02T08:00", "the window ends before it begins"),
        ("from: 2026-12-20T00:00", "from: 2026-12-40T00:00", "gaesup.yaml:8: "),
        ("name: launch", "name: weekend", "two freezeWindows are called weekend"),
        ("        from: 2026-12-20T00:00\n", "", "freezeWindows[1].from: is missing"),
    ],
)
def test_what_is_wrong_in_a_window_is_said_with_its_line(
    folder: Path, old: str, new: str, says: str
) -> None:
    assert says in error_of(folder, WINDOWS.replace(old, new))
