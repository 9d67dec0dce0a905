"""The engine as a process: started by whoever comes first, outliving them, killed, found again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gaesup_tui.domain.errors import GaesupError, Invalid, Unavailable
from gaesup_tui.service import autostart, lifecycle
from gaesup_tui.service.client import Client
from gaesup_tui.service.places import Places
from tests.service_world import Watcher, deploy_command, places_below, short_folder

pytestmark = pytest.mark.real
CART = "cart@production"
DEADLINE_S = 30.0


class Home:
    """A GAESUP_HOME of its own and whatever runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places: Places = places_below(folder)
        self.client = Client(self.places.socket)
        self.environment = {**os.environ, "GAESUP_HOME": str(folder)}
        self.children: list[subprocess.Popen[bytes]] = []

    def daemon(self, *, expect_answer: bool = True) -> subprocess.Popen[bytes]:
        """An engine over a backend in memory, as a child of ours."""
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.service_world"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.children.append(child)
        if expect_answer:
            until(lambda: child.poll() is not None or self.hello(), "the engine answers")
            assert child.stdout is not None
            assert child.poll() is None, child.stdout.read().decode()
        return child

    def hello(self) -> dict[str, Any] | None:
        with suppress(Unavailable):
            return dict(self.client.hello())
        return None

    def row(self) -> dict[str, Any]:
        (row,) = self.client.status(CART)["deployments"]
        return dict(row)

    def settle(self) -> None:
        """Waits for the node that an engine with the real backends starts: it is to be ended."""
        until(lambda: self.client.status()["engine"]["backends"]["local"], "the node is seen")

    def canary_at_its_gate(self) -> None:
        self.client.command(deploy_command(self.folder, CART, "v1"))
        until(lambda: self.row()["status"] == "healthy", "v1 healthy")
        self.client.command(deploy_command(self.folder, CART, "v2"))
        until(lambda: self.row()["status"] == "waiting", "v2 at its gate")

    def clean_up(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
            if child.stdout:
                child.stdout.close()
        with suppress(GaesupError):
            lifecycle.stop(self.places)
        stop_node(self.places)


def stop_node(places: Places) -> None:
    """Ends the node an engine with the real backends started below these places."""
    path = places.runtime / "local" / "node.sock"
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX) as control, suppress(OSError):
        control.settimeout(5)
        control.connect(str(path))
        control.sendall(b'{"id":1,"op":"shutdown"}\n')
        while control.recv(4096):
            pass
    until(lambda: not path.exists(), "the node is gone")


def until(holds: Callable[[], object], what: str) -> None:
    """Looks again and again: other processes give us no event to wait for."""
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.02)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with short_folder() as folder:
        monkeypatch.setenv("GAESUP_HOME", str(folder))
        made = Home(folder)
        try:
            yield made
        finally:
            made.clean_up()


def test_ten_who_need_an_engine_at_once_get_the_same_one(home: Home) -> None:
    code = (
        "from gaesup_tui.service import autostart, places\n"
        "print(autostart.ensure(places.find())['pid'])"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=home.environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(10)
    ]
    pids = {starter.communicate(timeout=60)[0].strip() for starter in starters}
    assert len(pids) == 1, pids
    assert [starter.returncode for starter in starters] == [0] * 10
    # Every starter is gone; the engine is not.
    home.settle()
    assert str(home.client.hello()["pid"]) in pids


def test_an_engine_is_stopped_started_and_told_about(home: Home) -> None:
    assert lifecycle.status(home.places) is None
    first = lifecycle.start(home.places)
    again = lifecycle.start(home.places)
    home.settle()
    assert (first.new, again.new) == (True, False)
    assert first.hello["pid"] == again.hello["pid"]
    stopped = lifecycle.stop(home.places)
    assert stopped is not None
    assert stopped["pid"] == first.hello["pid"]
    assert lifecycle.stop(home.places) is None
    assert not home.places.socket.exists()
    assert any("serves at" in line for line in lifecycle.logs(home.places))


def test_the_socket_is_this_users_from_the_first_moment(home: Home) -> None:
    home.daemon()
    assert stat.S_IMODE(home.places.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.places.runtime.stat().st_mode) == 0o700


def test_a_hangup_means_nothing_and_a_term_ends_it_cleanly(home: Home) -> None:
    child = home.daemon()
    watching = Watcher(home.client)
    watching.wait(lambda w: w.of("hello"), "attached")
    child.send_signal(signal.SIGHUP)
    watching.wait(lambda w: w.of("beat"), "still there")
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    assert child.wait(DEADLINE_S) == 0
    assert time.monotonic() - began < 3.0
    watching.wait(lambda w: w.over, "the end of the stream")
    home.daemon()
    lives = home.client.history(limit=2, kinds=["engine_stopped", "engine_started"])
    assert [(e["kind"], e["why"]) for e in lives] == [
        ("engine_stopped", "SIGTERM"),
        ("engine_started", ""),
    ]


def test_it_ends_in_time_with_a_client_that_reads_nothing(home: Home) -> None:
    child = home.daemon()
    home.canary_at_its_gate()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(str(home.places.socket))
        deaf.sendall(b"GET /v1/stream?after=0 HTTP/1.1\r\nhost: x\r\n\r\n")
        deaf.recv(1)
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(DEADLINE_S) == 0
        assert time.monotonic() - began < 3.0


def test_killed_and_started_again_it_stands_where_it_stood(home: Home) -> None:
    child = home.daemon()
    home.canary_at_its_gate()
    before = home.row()
    receipt = home.client.command({"action": "pause", "deployment": CART, "why": "lunch"}, "k1")
    child.kill()
    child.wait()
    home.daemon()
    (last,) = home.client.history(limit=1, kinds=["engine_started"])
    assert last["text"] == "engine 0.1.0 started after it was killed"
    again = home.client.command({"action": "pause", "deployment": CART, "why": "lunch"}, "k1")
    assert (again["seq"], again["repeated"]) == (receipt["seq"], True)
    row = home.row()
    assert (row["status"], row["rollout"]["step"]) == ("paused", before["rollout"]["step"])


def test_a_command_whose_answer_was_lost_is_asked_for_again_and_done_once(home: Home) -> None:
    child = home.daemon()
    home.canary_at_its_gate()
    child.send_signal(signal.SIGSTOP)
    answers: list[Any] = []

    def ask() -> None:
        answers.append(home.client.command({"action": "promote", "deployment": CART}))

    asking = threading.Thread(target=ask)
    asking.start()
    # It is in the stopped engine's hands: the connection is made, the request is sent.
    until(lambda: connections(child.pid, home.places.socket) >= 1, "the request is on its way")
    child.kill()
    child.wait()
    home.daemon()
    asking.join(DEADLINE_S)
    assert answers
    assert len(home.client.history(CART, kinds=["decision_made"])) == 1


def connections(_pid: int, path: Path) -> int:
    """How many are connected to a Unix socket, from the kernel's table."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    return sum(line.endswith(f" {path}") and line.split()[5] in ("02", "03") for line in lines)


def test_a_second_engine_on_the_same_places_says_so_and_ends(home: Home) -> None:
    first = home.daemon()
    second = home.daemon(expect_answer=False)
    assert second.wait(DEADLINE_S) == 1
    assert second.stdout is not None
    assert "another engine runs here" in second.stdout.read().decode()
    hello = home.hello()
    assert hello is not None
    assert hello["pid"] == first.pid


def test_an_engine_that_is_ending_is_waited_for_not_refused(home: Home) -> None:
    first = home.daemon()
    first.send_signal(signal.SIGTERM)
    second = home.daemon(expect_answer=False)
    until(lambda: (hello := home.hello()) and hello["pid"] == second.pid, "the next one answers")
    assert first.wait(DEADLINE_S) == 0


def test_what_a_killed_engine_left_behind_is_no_obstacle(home: Home) -> None:
    child = home.daemon()
    child.kill()
    child.wait()
    assert home.places.socket.exists()
    with pytest.raises(Unavailable, match="no engine answers"):
        home.client.hello()
    home.daemon()
    assert home.hello()


def test_an_engine_whose_folder_was_swept_away_is_found_again(home: Home) -> None:
    """Logging out takes the session's folder; the engine and what it watches live on."""
    child = home.daemon()
    shutil.rmtree(home.places.runtime)
    until(lambda: home.hello(), "it listens again")
    hello = home.hello()
    assert hello is not None
    assert hello["pid"] == child.pid
    second = home.daemon(expect_answer=False)
    assert second.wait(DEADLINE_S) == 1


def test_an_engine_that_cannot_start_says_why_to_the_one_who_asked(home: Home) -> None:
    home.places.state.mkdir(mode=0o700)
    home.places.journal.write_bytes(b"not a journal at all" * 500)
    with pytest.raises(Unavailable) as failure:
        autostart.ensure(home.places)
    assert "the engine did not start" in failure.value.message
    assert "journal" in failure.value.message
    assert "Traceback" not in str(failure.value)


def test_folders_open_to_others_are_refused_before_anything_starts(home: Home) -> None:
    home.places.runtime.mkdir()
    home.places.runtime.chmod(0o777)
    with pytest.raises(Invalid, match="chmod 700"):
        autostart.ensure(home.places)
    assert not home.places.journal.exists()


def test_an_engine_of_another_version_is_told_apart_and_can_be_stopped(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.daemon()
    monkeypatch.setattr("gaesup_tui.__version__", "0.2.0")
    with pytest.raises(Unavailable) as refusal:
        autostart.ensure(home.places)
    assert "is version 0.1.0, this is 0.2.0" in refusal.value.message
    assert "gaesup engine stop" in refusal.value.hint
    assert lifecycle.stop(home.places) is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as somebody else")
def test_who_asks_is_what_the_kernel_says_and_only_the_owner_may(home: Home) -> None:
    home.daemon()
    # The folder and the socket keep others out; were both opened by mistake, the engine still does.
    assert "Permission" in as_nobody(home.places.socket)
    home.folder.chmod(0o755)
    home.places.runtime.chmod(0o755)
    home.places.socket.chmod(0o666)
    answer = as_nobody(home.places.socket)
    assert answer.startswith("HTTP/1.1 403")
    assert json.loads(answer.partition("\r\n\r\n")[2])["code"] == "forbidden"


def as_nobody(path: Path) -> str:
    """What another user gets to hear at a socket; or why it gets to hear nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(str(path))
                asking.sendall(b"GET /v1/hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                while piece := asking.recv(65536):
                    os.write(writing, piece)
        except OSError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(child, 0)
    return said


def test_the_one_who_decides_is_named_by_the_kernel(home: Home) -> None:
    import pwd

    home.daemon()
    home.canary_at_its_gate()
    home.client.command({"action": "promote", "deployment": CART})
    decision = home.client.history(CART, kinds=["decision_made"])[-1]
    assert decision["by"] == pwd.getpwuid(os.getuid()).pw_name


def test_two_homes_are_two_worlds(home: Home) -> None:
    home.daemon()
    home.canary_at_its_gate()
    with short_folder() as folder:
        other = Home(folder)
        try:
            other.daemon()
            assert other.client.status()["deployments"] == []
            assert other.client.hello()["pid"] != home.client.hello()["pid"]
        finally:
            other.clean_up()


def test_a_wrong_line_in_engine_yaml_is_bad_input_with_its_line(home: Home) -> None:
    settings = home.places.engine_settings
    settings.parent.mkdir(parents=True)
    settings.write_text("keepHistory: soon\n")
    command = [sys.executable, "-m", "gaesup_tui.cli.main", "engine", "start"]
    done = subprocess.run(command, env=home.environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"gaesup: {settings}:1: keepHistory: 'soon' is not a duration")
    assert done.stderr.count("\n") == 1
    assert home.hello() is None
