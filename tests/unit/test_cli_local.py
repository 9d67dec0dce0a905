"""Commands that need no engine: init, validate, info, doctor."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gaesup_tui.cli.main import main
from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import Invalid

CART = Path(__file__).parents[2] / "examples" / "shop" / "artifacts" / "cart-v41.wasm"
Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("GAESUP_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def test_init_writes_a_file_that_validates_once_its_module_is_there(
    tmp_path: Path, capsys: Said
) -> None:
    assert main(["init"]) == 0
    assert main(["validate"]) == 2
    said = capsys.readouterr().err
    assert "units.hello.versions.v1" in said
    assert "cannot be read" in said
    (tmp_path / "artifacts").mkdir()
    module = tmp_path / "artifacts" / "hello-v1.wasm"
    module.write_bytes(CART.read_bytes())
    assert main(["validate"]) == 0
    said = capsys.readouterr().out
    assert "valid. 1 unit, 1 version, for production, development" in said
    assert "without a digest" in said


@pytest.mark.parametrize(
    ("after_header", "why"),
    [
        (b"", "export 'memory' is missing"),
        (b"garbage", "module is cut off at byte 10"),
        (b"\x02\x0e\x01\x03env\x06system\0\0", "import env.system is not allowed for a unit"),
    ],
)
def test_a_module_the_node_would_refuse_is_not_called_valid(
    after_header: bytes, why: str, tmp_path: Path, capsys: Said
) -> None:
    main(["init"])
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "hello-v1.wasm").write_bytes(b"\0asm\1\0\0\0" + after_header)
    assert main(["validate"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("gaesup: gaesup.yaml:14: units.hello.versions.v1: ")
    assert why in said
    assert "backend local never runs it" in said


def test_a_backend_that_is_not_installed_here_is_told_with_its_line(
    tmp_path: Path, capsys: Said
) -> None:
    main(["init"])
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "hello-v1.wasm").write_bytes(CART.read_bytes())
    file = tmp_path / "gaesup.yaml"
    file.write_text(file.read_text().replace("{backend: local, replicas: 2", "{backend: lokal"))
    assert main(["validate"]) == 0
    assert "line 6: environments.production.backend: no backend is called lokal" in (
        capsys.readouterr().out
    )


def test_init_never_overwrites(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "gaesup.yaml").write_text("mine")
    assert main(["init"]) == 2
    assert "exists already and was not touched" in capsys.readouterr().err
    assert (tmp_path / "gaesup.yaml").read_text() == "mine"


@pytest.mark.parametrize("path", ["nowhere/gaesup.yaml", "."])
def test_a_file_that_cannot_be_written_or_read_is_one_line(path: str, capsys: Said) -> None:
    assert main(["init", "--file", path]) == 2
    assert main(["validate", "--file", path]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_schema_is_printed_as_json(capsys: Said) -> None:
    assert main(["validate", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "gaesup.yaml"


def test_info_says_where_things_are_and_makes_none_of_them(home: Path, capsys: Said) -> None:
    assert main(["info", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["state"] == str(home / "state")
    assert told["socket"].endswith("engine.sock")
    assert not home.exists()


def test_doctor_finds_nothing_wrong_where_nothing_is(home: Path, capsys: Said) -> None:
    assert main(["doctor"]) == 0
    assert "BAD" not in capsys.readouterr().out
    assert not home.exists(), "looking changes nothing"


def test_doctor_finds_a_folder_that_others_can_write(home: Path, capsys: Said) -> None:
    state = home / "state"
    state.mkdir(parents=True)
    state.chmod(0o777)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "can be written by others" in said
    assert f"chmod 700 {state}" in said


def test_doctor_finds_a_project_that_is_wrong(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "gaesup.yaml").write_text("apiVersion: gaesup/v2\n")
    assert main(["doctor", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    bad = [finding for finding in findings if finding["level"] == "bad"]
    assert [finding["what"] for finding in bad] == ["project"]
    assert "gaesup.yaml:1: apiVersion" in bad[0]["text"]


def test_without_an_engine_asking_starts_none(home: Path, capsys: Said) -> None:
    for words in (["status"], ["history"], ["watch", "cart"], ["logs", "cart"]):
        assert main(words) == 5
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4
    assert all("`gaesup engine start` starts one" in line for line in said)
    assert not (home / "state").exists()


def test_a_relative_home_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    monkeypatch.setenv("GAESUP_HOME", "here")
    assert main(["status"]) == 2
    assert "give an absolute path" in capsys.readouterr().err


def test_the_console_needs_a_terminal(capsys: Said) -> None:
    assert main([]) == 2
    assert "the console needs a terminal" in capsys.readouterr().err


def test_a_demo_without_its_example_says_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from gaesup_tui.cli import stories

    monkeypatch.setattr("gaesup_tui.__file__", str(tmp_path / "site" / "gaesup_tui" / "x.py"))
    with pytest.raises(Invalid, match="run the demo from a checkout"):
        stories.example()


def test_output_to_a_file_is_plain(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+", encoding="utf-8") as file:
        Output(file).line("text", "bad")
        file.seek(0)
        assert file.read() == "text\n"


def test_doctor_reads_the_settings_of_the_engine(home: Path, capsys: Said) -> None:
    (home / "config").mkdir(parents=True)
    settings = home / "config" / "engine.yaml"
    settings.write_text("keepHistory: 90d\n")
    assert main(["doctor"]) == 0
    assert "events are kept for 90d00h at least" in capsys.readouterr().out
    settings.write_text("keepHistory: soon\n")
    assert main(["doctor"]) == 1
    assert f"{settings}:1: keepHistory: 'soon' is not a duration" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("redirected", "code", "says"),
    [
        ("info >&-", 0, ""),
        ("info <&-", 0, ""),
        ("info > /dev/full", 1, "gaesup: the output cannot be written: No space left on device\n"),
        ("nonsense 2>&-", 2, ""),
    ],
)
def test_a_stream_that_takes_nothing_is_no_defect(
    home: Path, redirected: str, code: int, says: str
) -> None:
    command = f'"{sys.executable}" -m gaesup_tui.cli.main {redirected}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (code, says)
