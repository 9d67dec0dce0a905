"""What is recorded, what is on its way to the journal, and what acted already all the same.

``durable`` is in the journal. ``writing`` is a draft on its way there. ``held`` is what leads back,
acted from memory, and still has to be recorded. ``tip`` is all three: new decisions build on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gaesup_tui.domain.world import World
from gaesup_tui.engine.draft import Draft, Entry
from gaesup_tui.engine.journal import Journal


@dataclass(slots=True)
class Writing:
    """A draft on its way to the journal."""

    draft: Draft
    task: asyncio.Task[None]
    since: float
    acting: bool = False
    """Whether what leads back in it acts already."""

    @property
    def done(self) -> bool:
        """Whether the journal has answered, well or not."""
        return self.task.done()


class Ledger:
    """One write at a time; ``on_written`` is called when it ended, well or not."""

    def __init__(self, journal: Journal, on_written: Callable[[], None]) -> None:
        self._journal = journal
        self._on_written = on_written
        self.durable = World()
        self.tip = World()
        self.held: list[Entry] = []
        self.writing: Writing | None = None

    def restore(self, world: World) -> None:
        """Begins with what the journal told."""
        self.durable = self.tip = world

    def write(self, draft: Draft, now: float) -> Writing:
        """Begins to make a draft durable."""
        self.tip = draft.world
        task = asyncio.get_running_loop().create_task(self._journal.append(draft.batch()))
        task.add_done_callback(lambda _: self._on_written())
        self.writing = Writing(draft, task, now)
        return self.writing

    def write_held(self, now: float) -> None:
        """Begins to make durable what acted already; with nothing held, only tries the journal."""
        draft = self.in_force()
        self.held = []
        self.write(draft, now).acting = True

    def hold(self, draft: Draft) -> None:
        """Takes decisions that act before they are recorded; they were made on ``tip``."""
        self.tip = draft.world
        self.held += draft.entries

    def in_force(self) -> Draft:
        """What acts now: all that is durable, and what leads back besides."""
        writing = self.writing.draft if self.writing else None
        entries = [*(writing.entries if writing else ()), *self.held]
        follows = writing is None or writing.base is self.durable
        if follows and all(entry.safe for entry in entries):
            # All of it leads back, so nothing is left out: it is folded already, and a stop of a
            # thousand rollouts has no time to be folded again with each of its turns.
            return Draft(self.tip.copy(), entries, base=self.durable)
        draft = Draft.on(self.durable)
        draft.take_safe(entries)
        return draft

    def settle(self) -> tuple[Draft, BaseException | None]:
        """Ends a write that is done; returns its draft, and why it failed."""
        writing = self.writing
        assert writing is not None
        self.writing = None
        error = writing.task.exception()
        if error is None:
            self.durable = writing.draft.world
            if not self.held:
                self.tip = self.durable
        else:
            kept = Draft.on(self.durable)
            kept.take_safe((*writing.draft.entries, *self.held))
            self.held, self.tip = kept.entries, kept.world
        return writing.draft, error

    def held_keys(self) -> set[str]:
        """The deployments that what is held changes."""
        return {entry.recorded.deployment for entry in self.held} - {""}
