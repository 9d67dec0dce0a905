"""The commands against a real engine and node: what a script sees and can rely on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .stack import CART, Stack, running_stack, waits_for_person

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One engine and cart v41 for all of these: each leaves it at rest."""
    with running_stack() as stack:
        stack.serve("cart", "v41")
        yield stack


@pytest.fixture
def cart(stack: Stack) -> Iterator[Stack]:
    """Cart at rest on v41, before and after."""
    yield stack
    row = stack.row()
    if row["rollout"] and row["rollout"]["phase"] == "forward":
        stack.ask("abort")
    if row["stop"]:
        stack.client.command({"action": "release", "scope": "", "why": "test"})
    row = stack.until(CART, lambda r: r["status"] in ("healthy", "aborted"), "at rest")
    if row["hold"]:
        stack.ask("unhold", why="test")


def at_gate(stack: Stack) -> None:
    stack.canary_at_gate()


def test_status_is_a_table_for_people_and_json_for_scripts(cart: Stack) -> None:
    table = cart.run("status")
    assert table.returncode == 0
    assert re.search(r"^cart@production +v41 ", table.stdout, re.M)
    assert "\x1b" not in table.stdout
    told = json.loads(cart.run("status", "--json").stdout)
    assert [row["key"] for row in told["deployments"]] == [CART]


def test_status_json_imports_nothing_heavy(cart: Stack) -> None:
    code = (
        "import sys; from gaesup_tui.cli.main import main; main(['status', '--json']); "
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=cart.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    status, modules = done.stdout.splitlines()
    assert json.loads(status)["deployments"]
    loaded = {name.partition(".")[0] for name in modules.split()}
    heavy = {"textual", "rich", "wasmtime", "kubernetes", "httpx", "pydantic", "yaml", "asyncio"}
    assert not loaded & (heavy | {"http", "email", "ssl"})


def test_deploy_promote_and_watch_tell_what_was_seen(cart: Stack) -> None:
    begun = cart.run("deploy", "cart", "-e", "production", "--version", "v42", "--reason", "new")
    assert begun.returncode == 0, begun.stderr
    assert "v41→v42 canary: replicas are starting, seen after" in begun.stdout
    cart.until(CART, waits_for_person, "at the gate")
    promoted = cart.run("promote", "cart", "--reason", "flat")
    assert promoted.returncode == 0, promoted.stderr
    assert re.search(r"Then +v41 50 %   v42 50 %", promoted.stdout)
    assert "promoted: 50 % of the traffic on v42, seen after" in promoted.stdout
    watched = cart.run("watch", "cart", "--timeout", "30s")
    assert watched.returncode == 0, watched.stdout
    assert "v42 is stable" in watched.stdout
    assert watched.stdout.splitlines()[-1] == "cart@production  100 % on v42 (healthy)"
    back = cart.run("rollback", "cart", "--reason", "changed my mind")
    assert back.returncode == 0, back.stderr
    assert "back: 100 % of the traffic on v41, seen after" in back.stdout
    assert cart.run("promote", "cart").returncode == 0  # passes the bake
    assert cart.run("status", "cart", "--wait", "--timeout", "30s").returncode == 0


def test_abort_returns_the_traffic_and_waiting_scripts_are_told(cart: Stack) -> None:
    at_gate(cart)
    late = cart.run("status", "cart", "--wait", "--timeout", "200ms")
    assert late.returncode == 3
    aborted = cart.run("abort", "cart", "--reason", "too slow")
    assert aborted.returncode == 0, aborted.stderr
    assert "back: 100 % of the traffic on v41, seen after" in aborted.stdout
    assert cart.run("status", "cart", "--wait").returncode == 1
    assert (
        '"too slow"' in cart.run("history", "cart").stdout
        or "too slow" in cart.run("history", "cart", "--markdown").stdout
    )


def test_pause_holds_and_resume_lets_go(cart: Stack) -> None:
    at_gate(cart)
    assert "paused by" in cart.run("pause", "cart").stdout
    waits = next(line for line in cart.run("status", "cart").stdout.splitlines() if "waits" in line)
    assert waits.endswith("; stays so")
    refused = cart.run("promote", "cart")
    assert refused.returncode == 4
    assert re.fullmatch(
        r"gaesup: promote cart@production: paused by \S+: resume it first\n", refused.stderr
    )
    assert cart.run("resume", "cart").returncode == 0
    assert cart.run("abort", "cart").returncode == 0


def test_stop_brings_everything_to_rest_and_release_needs_a_reason(cart: Stack) -> None:
    at_gate(cart)
    stopped = cart.run("stop", "--all", "--reason", "fire")
    assert stopped.returncode == 0, stopped.stderr
    assert "everything in scope is at rest, seen after" in stopped.stdout
    assert "`gaesup release --all --reason WHY` lets new work begin again" in stopped.stdout
    assert "STOPPED everything by" in cart.run("status").stdout
    refused = cart.run("deploy", "cart", "-e", "production", "--version", "v42")
    assert refused.returncode == 4
    assert "release it first, with a reason: `gaesup release --all --reason" in refused.stderr
    assert cart.run("release", "--all", "--reason", " ").returncode == 2
    assert cart.run("release", "--all", "--reason", "out").returncode == 0


def test_scale_is_done_when_it_is_seen(cart: Stack) -> None:
    more = cart.run("scale", "cart", "--replicas", "+1")
    assert more.returncode == 0, more.stderr
    assert "3 of 3 ready, seen after" in more.stdout
    assert cart.run("scale", "cart", "--replicas", "2").returncode == 0


def test_logs_history_export_and_backup(cart: Stack) -> None:
    assert "cart v41 started" in cart.run("logs", "cart", "--tail", "50").stdout
    unknown = cart.run("logs", "cart", "--revision", "v9")
    assert unknown.returncode == 2
    assert "it runs v41" in unknown.stderr
    unknown = cart.run("logs", "cart", "--replica", "v9-1")
    assert unknown.returncode == 2
    assert "cart@production has no 'v9-1': it has v41-1" in unknown.stderr
    events = json.loads(cart.run("history", "cart", "--json").stdout)
    assert events[0]["kind"] == "rollout_created"
    assert cart.run("history", "--markdown").stdout.startswith("## Everything")
    exported = [json.loads(line) for line in cart.run("engine", "export").stdout.splitlines()]
    assert [each["seq"] for each in exported] == sorted(each["seq"] for each in exported)
    copy = cart.home / "copy.db"
    assert cart.run("engine", "backup", "--to", str(copy)).returncode == 0
    assert copy.read_bytes()[:15] == b"SQLite format 3"


def test_load_reports_what_clients_saw(cart: Stack) -> None:
    done = cart.run("load", "cart", "--rps", "50", "--duration", "1s", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["sent"] == 50
    assert all(name.startswith("v41-") for name in report["by_revision"])


def nobody_decided(cart: Stack, since: int) -> bool:
    """Nothing was recorded but what the engine saw of an earlier way back."""
    events = cart.client.history(after=since)
    return {event["kind"] for event in events} <= {"way_back_verified"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["promote", "kart"], 2, "there is no deployment kart: did you mean cart@production?"),
        (["deploy", "kart", "-e", "production", "--version", "v1"], 2, "no unit 'kart'"),
        (["deploy", "cart", "-e", "production", "--version", "v9"], 2, "no cart version 'v9'"),
        (["deploy", "cart", "-e", "prod", "--version", "v42"], 2, "no environment 'prod'"),
        (["deploy", "cart", "--version", "v42"], 2, "which environment?"),
        (
            ["deploy", "cart", "-e", "production", "--version", "v42", "--replicas", "0"],
            2,
            "give 1 to 1000",
        ),
        (["deploy", "cart", "-e", "production", "--version", "v41"], 4, "runs v41 already"),
        (["rollback", "cart"], 4, "no stable version to go back to"),
        (["stop", "-e", "moon"], 2, "nothing is called 'moon'"),
        (["release", "--all", "--reason", "x"], 4, "everything is not stopped"),
        (["resume", "cart"], 4, "nothing is paused"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(
    cart: Stack, words: list[str], code: int, message: str
) -> None:
    before = cart.client.hello()["seq"]
    done = cart.run(*words)
    assert done.returncode == code, done.stderr + done.stdout
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert nobody_decided(cart, before)


def test_a_module_no_node_would_run_begins_nothing(cart: Stack, tmp_path: Path) -> None:
    assert cart.run("init", cwd=tmp_path).returncode == 0
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "hello-v1.wasm").write_bytes(b"\0asm\1\0\0\0garbage")
    before = cart.client.hello()["seq"]
    words = ("deploy", "hello", "-e", "production", "--version", "v1")
    for more in ((), ("--dry-run",)):
        done = cart.run(*words, *more, cwd=tmp_path)
        assert done.returncode == 2
        assert "module is cut off at byte 10" in done.stderr
    assert nobody_decided(cart, before)


def test_a_watch_of_what_rests_says_so_once(cart: Stack) -> None:
    watched = cart.run("watch", "cart")
    assert watched.stdout == f"cart@production  {cart.row()['status_text']}\n"


def test_from_a_folder_of_something_else_a_deploy_finds_the_file_of_what_runs(
    cart: Stack, tmp_path: Path
) -> None:
    assert cart.run("init", cwd=tmp_path).returncode == 0
    found = cart.run("deploy", "cart", "--version", "v42", "--dry-run", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "cart@production  v41→v42 canary" in found.stdout
    unknown = cart.run("deploy", "hat", "--version", "v42", cwd=tmp_path)
    assert unknown.returncode == 2
    assert f"no unit 'hat' in {tmp_path}/gaesup.yaml: units there: hello" in unknown.stderr


def test_a_bad_file_is_an_error_with_its_line(cart: Stack, tmp_path: Path) -> None:
    bad = tmp_path / "gaesup.yaml"
    before, units, after = cart.project.read_text().partition("\nunits:")
    bad.write_text(before + units + after.replace("weight: 10", "weight: 130", 1))
    line = next(n for n, text in enumerate(bad.read_text().splitlines(), 1) if "130" in text)
    done = cart.run("deploy", "cart", "-e", "production", "--version", "v42", "--file", str(bad))
    assert done.returncode == 2
    assert done.stderr.startswith(f"gaesup: {bad}:{line}: units.cart.canary.steps[0].weight: must")


def test_completion_knows_what_runs(cart: Stack) -> None:
    words = ("completion", "bash", "2", "gaesup", "promote", "ca")
    assert cart.run(*words).stdout.split() == [CART]


def test_completion_knows_the_versions_of_a_unit_wherever_one_stands(
    cart: Stack, tmp_path: Path
) -> None:
    words = ("completion", "bash", "4", "gaesup", "deploy", CART, "--version", "v4")
    for folder in (cart.project.parent, tmp_path):
        found = cart.run(*words, cwd=folder).stdout.split()
        assert {"v41", "v42", "v43"} <= set(found)


def test_an_environment_nothing_is_in_is_answered_with_those_there_are(cart: Stack) -> None:
    done = cart.run("status", "--environment", "moon")
    assert done.returncode == 2
    assert done.stderr == "gaesup: nothing is deployed in moon: there are production\n"


def test_doctor_and_info_find_everything_in_order(cart: Stack) -> None:
    done = cart.run("doctor")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^ok +backend +local, seen", done.stdout, re.M)
    told = json.loads(cart.run("info", "--json").stdout)
    assert Path(told["socket"]).exists()
