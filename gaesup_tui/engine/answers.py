"""Idempotency keys: a command that is sent again gets its first answer again."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace

from gaesup_tui.domain.commands import COMMAND, Command
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.engine.draft import Order, Receipt
from gaesup_tui.engine.journal import KEEP_ANSWERS, Answer, Journal


class Answers:
    """The newest answers by key, and the commands that wait for theirs.

    A key belongs to the person who used it. A refusal is not remembered: nothing happened, so the
    same command is decided anew.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: OrderedDict[str, Answer] = OrderedDict()
        self._open: dict[str, Order] = {}

    def keep(self, answers: Iterable[Answer]) -> None:
        """Takes what the journal holds, or what has just become durable."""
        for answer in answers:
            self._known[answer.key] = answer
            if len(self._known) > KEEP_ANSWERS:
                self._known.popitem(last=False)

    async def earlier(self, command: Command, by: Actor, idempotency_key: str) -> Receipt | None:
        """The first answer to this key, if there was one or is one on its way.

        Raises:
            Invalid: the key was used for another command.
        """
        key, digest = self._of(command, by, idempotency_key)
        order, answer = self._open.get(key), self._known.get(key)
        known = order.digest if order else answer.digest if answer else digest
        if known != digest:
            raise Invalid(
                "this idempotency key was used for another command",
                hint="use a new key for every command",
            )
        if order:
            return replace(await asyncio.shield(order.answer), repeated=True)
        if answer:
            events = await self._journal.read(answer.first - 1, answer.last - answer.first + 1)
            if events and events[0].seq == answer.first:
                return Receipt(answer.last, events, repeated=True)
            del self._known[key]  # as old as what the journal no longer keeps
        return None

    def order(self, command: Command, by: Actor, idempotency_key: str | None) -> Order:
        """The command on its way; found by its key until it is answered."""
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        if not idempotency_key:
            return Order(command, by, future)
        key, digest = self._of(command, by, idempotency_key)
        order = self._open[key] = Order(command, by, future, key, digest)
        future.add_done_callback(lambda _: self._open.pop(key, None))
        return order

    @staticmethod
    def _of(command: Command, by: Actor, idempotency_key: str) -> tuple[str, str]:
        who = by.name if by.uid is None else str(by.uid)
        digest = hashlib.sha256(COMMAND.dump_json(command)).hexdigest()[:32]
        return f"{who}/{idempotency_key}", digest
