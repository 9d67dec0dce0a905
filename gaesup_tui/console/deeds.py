"""From a key to an effect that was seen: preview, question, command, answer, observation.

The dialog is only the face of it. The command lives in the outbox and goes on being sent whatever
becomes of the dialog; what the engine answers is told in the footer when nobody waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gaesup_tui.console.effects import body_of, seen_in
from gaesup_tui.console.outbox import Sending
from gaesup_tui.domain.actions import BY_ID
from gaesup_tui.domain.errors import GaesupError, Moved, NotFound, Refused, Unavailable
from gaesup_tui.domain.lock_views import APPROVED
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.views import DeploymentView, Preview, Receipt
from gaesup_widgets.confirm import Confirm, Question

if TYPE_CHECKING:
    from gaesup_tui.console.app import Console

_DEAD_TIME_S = 0.3
_SEEN_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.05
_WAYS_BACK = frozenset({"abort", "abort_gradual", "rollback"})
_TRUE_EVERY_S = 0.25


class Deed:
    """One action on one deployment, from the question to its effect."""

    def __init__(
        self, console: Console, action_id: str, view: DeploymentView, more: Mapping[str, Any]
    ) -> None:
        self._console = console
        self._action = action_id
        self._key = view["key"]
        self._more = dict(more)
        self._preview: Preview | None = None
        self._dialog: Confirm | None = None
        self._seq = view["seq"]
        """Of the deployment as the question shows it."""
        self._is_sent = False

    @property
    def _what(self) -> str:
        return f"{BY_ID[self._action].title.lower()} {self._key}"

    async def ask(self) -> None:
        """Open the dialog with what would happen; says why not when it cannot."""
        console = self._console
        try:
            self._preview = await self._previewed()
        except GaesupError as error:
            # The engine's own sentence begins with what was asked.
            console.foot.say(str(error), "warn")
            return
        preview = self._preview
        self._dialog = Confirm(
            Question(
                title=preview["title"],
                lines=[(label, text) for label, text in preview["lines"]],
                confirm_key=self._confirm_key(preview),
                confirm_title=preview["confirm_title"],
                opening_key=console.desk.hint(self._action, None).key,
                reason="required" if preview["needs_reason"] else "optional",
                typed_name=preview["typed"],
                is_danger=BY_ID[self._action].danger == 3,
            ),
            self._confirmed,
            dead_time_s=_DEAD_TIME_S + min(console.truth.line_lag_s or 0.0, 2.0),
            symbols=console.desk.symbols,
        )
        console.push_screen(self._dialog, self._closed)
        console.start(self._keep_true(), f"question {self._what}")

    async def _keep_true(self) -> None:
        """While nothing is sent the question is about how it is, not about how it was."""
        while self._dialog is not None and not self._is_sent:
            await asyncio.sleep(_TRUE_EVERY_S)
            view = self._console.desk.replica.deployments.get(self._key)
            if view is None or view["seq"] == self._seq:
                continue
            self._seq = view["seq"]
            lines: Sequence[tuple[str, str]]
            title = ""
            try:
                preview = await self._previewed()
            except (Refused, NotFound) as now:
                lines, notice = [("Now", now.message)], "it moved meanwhile: not possible any more"
            except GaesupError:
                continue
            else:
                lines, notice = preview["lines"], "it moved meanwhile: this is how it is now"
                title = preview["title"]
                if not self._is_sent:
                    self._preview = preview
            if self._dialog is not None and not self._is_sent:
                self._dialog.update_lines(list(lines), notice, title)

    def _confirm_key(self, preview: Preview) -> str:
        wanted = preview["confirm_key"] or "y"
        opening = self._console.desk.hint(self._action, None).key
        # A keymap may have made the two the same; then another one asks.
        return "Y" if wanted == opening else wanted

    async def _previewed(self) -> Preview:
        desk = self._console.desk
        action = "scale" if self._action.startswith("scale") else self._action
        query = {name: value for name, value in self._more.items() if name in _QUERY}
        if "for_s" in self._more:
            query["by_s"] = self._more["for_s"]
        if "by_s" in query:
            query["by_s"] = round(query["by_s"])
        try:
            # The way to safety is not kept waiting for a dialog's details.
            timeout_s = 1.0 if self._action == "abort" else 5.0
            return await desk.engine.preview(action, self._key, timeout_s=timeout_s, **query)
        except Unavailable as error:
            if self._action != "abort":
                raise Unavailable(f"{self._what}: {error.message}", hint=error.hint) from None
            return self._blind_abort(error)

    def _blind_abort(self, error: Unavailable) -> Preview:
        """The way to safety is open also when nobody answers: sent until somebody does."""
        desk = self._console.desk
        view = desk.replica.deployments[self._key]
        old = duration(desk.replica.age_s())
        return Preview(
            action="abort",
            deployment=self._key,
            title=f"Abort {self._key}",
            lines=[
                ("Known", f"{view['status_text']}   ({old} old)"),
                ("Engine", error.message),
                ("Then", "the abort is sent until the engine answers"),
            ],
            confirm_key="y",
            confirm_title="abort",
            typed="",
            needs_reason=False,
            check="",
            glass="",
            expect_seq=None,
        )

    # After the question ---------------------------------------------------------------------

    def _confirmed(self, reason: str) -> None:
        assert self._preview is not None  # the dialog is open
        assert self._dialog is not None
        more = dict(self._more)
        if self._preview["check"]:
            more["check"] = self._preview["check"]
        body = body_of(self._action, self._key, self._preview["expect_seq"], reason, more)
        if self._preview["glass"]:
            body["break_glass"] = reason
        if self._action in _WAYS_BACK:
            self._console.desk.link.need()
        self._is_sent = True
        sending = self._console.desk.outbox.send(body, self._what)
        self._dialog.set_busy("sent: waiting for the engine's answer")
        self._console.start(self._follow(sending), f"follow {self._what}")

    async def _follow(self, sending: Sending) -> None:
        began = time.monotonic()
        while not sending.answer.done():
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await asyncio.wait({sending.answer})
            if sending.problem and not sending.answer.done():
                self._busy(f"no answer ({sending.tries} tries, {sending.problem}); goes on trying")
        error = sending.answer.exception()
        if isinstance(error, Moved):
            await self._show_anew(error)
        elif error is not None:
            self._result(f"{self._what}: {error}", ok=False)
        else:
            await self._until_seen(sending.answer.result(), began)

    async def _show_anew(self, error: Moved) -> None:
        """Somebody was faster: say who, and ask about how it is now."""
        try:
            self._preview = await self._previewed()
        except (Refused, NotFound, Unavailable) as now:
            self._result(f"{error.message}. Now: {now.message}", ok=False)
            return
        dialog = self._dialog
        if dialog is None or not dialog.is_attached:
            self._console.foot.say(f"{self._what}: not done: {error.message}", "bad")
            return
        dialog.show_result(f"{error.message}: this is how it is now", ok=False)
        dialog.update_lines(list(self._preview["lines"]), title=self._preview["title"])

    async def _until_seen(self, receipt: Receipt, began: float) -> None:
        if receipt["text"].startswith(APPROVED):
            self._result(receipt["text"], ok=True)
            return
        self._busy(f"{receipt['text']}: waiting until it is seen")
        replica = self._console.desk.replica
        while time.monotonic() - began < _SEEN_WITHIN_S:
            view = replica.deployments.get(self._key)
            if view is not None and (seen := seen_in(self._action, view, receipt["seq"])):
                took_s = time.monotonic() - began
                self._result(f"{receipt['text']}: {seen} after {duration(took_s)}", ok=True)
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        self._result(f"{receipt['text']}; its effect is not seen yet", ok=True)

    def _busy(self, text: str) -> None:
        if self._dialog is not None and self._dialog.is_attached:
            self._dialog.set_busy(text)

    def _result(self, text: str, *, ok: bool) -> None:
        dialog = self._dialog
        if dialog is not None and dialog.is_attached:
            dialog.show_result(text, ok)
        else:
            self._console.foot.say(text, "ok" if ok else "bad")

    def _closed(self, text: str | None) -> None:
        self._dialog = None
        if text:
            self._console.foot.say(text, "ok")


_QUERY = ("replicas", "version", "by_s", "check")
