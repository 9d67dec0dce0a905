"""An event loop whose time jumps whenever nothing is ready, and that can stop between any two
callbacks as if the machine had lost power.

It holds just what the engine uses. A crash is: stop calling ``step``, and forget the loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class Idle(Exception):
    """Nothing is ready and no timer is set: nothing will ever happen again."""


def virtual_loop(start: float) -> VirtualLoop:
    """A loop that begins at ``start``. What asyncio's loops have besides, nobody here calls."""
    return VirtualLoop(start)  # type: ignore[abstract]


class VirtualLoop(asyncio.AbstractEventLoop):
    """Seconds are counted from ``start``, which a next life takes over."""

    def __init__(self, start: float) -> None:
        self._now = start
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._number = 0
        self._tasks: list[asyncio.Task[Any]] = []
        self.errors: list[dict[str, Any]] = []

    # What a driver uses.

    def step(self) -> None:
        """Runs one callback, moving time to the next timer when nothing is ready."""
        timers = self._timers
        if not self._ready:
            while timers and timers[0][2].cancelled():
                heapq.heappop(timers)
            if not timers:
                raise Idle
            self._now = max(self._now, timers[0][0])
        while timers and (timers[0][0] <= self._now or timers[0][2].cancelled()):
            handle = heapq.heappop(timers)[2]
            if not handle.cancelled():
                self._ready.append(handle)
        handle_now = self._ready.popleft()
        if not handle_now.cancelled():
            handle_now._run()

    def run(self, main: Coroutine[Any, Any, _T]) -> _T:
        """Runs until ``main`` is done."""
        with self:
            task: asyncio.Task[_T] = self.create_task(main)
            while not task.done():
                self.step()
            return task.result()

    def __enter__(self) -> VirtualLoop:
        asyncio._set_running_loop(self)
        return self

    def __exit__(self, error: object, *_: object) -> None:
        asyncio._set_running_loop(None)
        if error is not None:
            self.drop()  # nobody comes back for what was under way

    def drop(self) -> None:
        """A crash: nothing that was under way goes on, and nothing is tidied up."""
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                coroutine = task.get_coro()
                assert isinstance(coroutine, Coroutine)
                coroutine.close()
        self._tasks.clear()
        self._ready.clear()
        self._timers.clear()

    # What asyncio uses.

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        if len(self._tasks) > 200:
            self._tasks = [each for each in self._tasks if not each.done()]
        self._tasks.append(task)
        return task

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are left out when their time comes."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., _T], *args: Any
    ) -> Any:
        """Threads would bring real time in: the work is done at once."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future
