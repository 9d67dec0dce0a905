"""The process that workers are forked from.

It imports wasmtime once and never makes an engine: a fork after a compile hangs. The node sends
orders over a sequenced-packet socket, each with the three descriptors the worker lives on; the
zygote answers with pids and with exits. When the node goes away it ends its children and itself.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any, Final

import wasmtime  # noqa: F401  (imported before the first fork, so that each worker has it)

from gaesup_backends.local.worker import WorkerSpec, run_worker

ORDER_BYTES: Final = 192 * 1024
GRACE_S: Final = 0.5


class Zygote:
    """Forks, kills and reaps on the node's order."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: set[int] = set()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def run(self) -> None:
        """Serve until the node is gone."""
        gc.freeze()
        while True:
            sources: list[Any] = [self._control, self._wake_read]
            readable, _, _ = select.select(sources, [], [])
            if self._wake_read in readable:
                os.read(self._wake_read, 4096)
                self._reap()
            if self._control in readable and not self._order():
                break
        self._end_children()

    def _order(self) -> bool:
        try:
            data, fds, _, _ = socket.recv_fds(self._control, ORDER_BYTES, 3)
        except OSError:
            return False
        if not data:
            return False
        order: dict[str, Any] = json.loads(data)
        if order["op"] == "fork":
            self._fork(order, fds)
        elif order["op"] == "kill" and order["pid"] in self._children:
            os.kill(order["pid"], signal.SIGKILL)
        return True

    def _fork(self, order: dict[str, Any], fds: list[int]) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self._say({"op": "refused", "ticket": order["ticket"], "reason": str(error)})
            pid = -1
        if pid == 0:
            self._become_worker(order["spec"], fds)
        for fd in fds:
            os.close(fd)
        if pid > 0:
            self._children.add(pid)
            self._say({"op": "forked", "ticket": order["ticket"], "pid": pid})

    def _become_worker(self, spec: dict[str, Any], fds: list[int]) -> None:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            os.close(self._wake_read)
            os.close(self._wake_write)
            link_fd, out_fd, err_fd = fds
            os.dup2(out_fd, 1)
            os.dup2(err_fd, 2)
            os.close(out_fd)
            os.close(err_fd)
            run_worker(WorkerSpec(**spec), socket.socket(fileno=link_fd))
        finally:
            os._exit(1)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._children.discard(pid)
            self._say({"op": "exited", "pid": pid, "code": os.waitstatus_to_exitcode(status)})

    def _end_children(self) -> None:
        # Their links are closed with the node; those inside a call get a moment to notice.
        deadline = time.monotonic() + GRACE_S
        while self._children and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.02)
        for pid in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _say(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._control.send(json.dumps(message).encode())


def main() -> None:
    """``python -m gaesup_backends.local.zygote FD``: FD is the control socket."""
    Zygote(socket.socket(fileno=int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
