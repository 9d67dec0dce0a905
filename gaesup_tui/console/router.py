"""From an action's name to what does it: the one place where a key finds its meaning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaesup_tui.console import commandline
from gaesup_tui.console.clipboard import copy
from gaesup_tui.console.desk import shown_key
from gaesup_tui.console.doors import open_deployment, open_page
from gaesup_tui.console.lines import TypedLines
from gaesup_tui.console.offers import moving_keys, no_movement
from gaesup_tui.console.replica import EVERYTHING, Diff
from gaesup_tui.console.watch import Watches, notice
from gaesup_tui.domain.actions import BY_ID
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.views import DeploymentView

if TYPE_CHECKING:
    from gaesup_tui.console.app import Console
    from gaesup_widgets.footer import KeyHint

_EVERYWHERE = ("help", "command", "stop")


class Router:
    """Decides who does an action: the page in sight, a dialog, or the console itself."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._watches = Watches()
        self.lines = TypedLines(console, self.run_text)

    # The footer -----------------------------------------------------------------------------

    def view(self) -> DeploymentView | None:
        """The deployment under the cursor."""
        console = self._console
        if not console.stack.tab:
            return None
        key = console.stack.page.subject()
        return console.desk.replica.deployments.get(key) if key else None

    def _ids(self) -> list[str]:
        console = self._console
        ids = [*console.stack.page.actions, *_EVERYWHERE]
        engine = console.desk.replica.engine
        if engine is not None and engine["stops"]:
            ids.insert(0, "release")
        return ids

    def show_keys(self) -> None:
        """Bring the footer up to date with what the cursor is on: what can be done first."""
        console = self._console
        if not console.stack.tab:
            return
        view = self.view()
        hints = [self._hint(action_id, view) for action_id in self._ids()]
        open_ones = [hint for hint in hints if hint.reason is None]
        closed = [hint for hint in hints if hint.reason is not None]
        console.foot.show([*open_ones, *closed])

    def _hint(self, action_id: str, view: DeploymentView | None) -> KeyHint:
        page, desk = self._console.stack.page, self._console.desk
        if hint := page.hint(action_id):
            return hint
        nothing = no_movement(action_id, page, desk.replica.deployments)
        hint = desk.hint(action_id, view)
        if action_id == "filter" and page.searches:
            hint = replace(hint, title="Search", about="Find a text; n and N go through the lines")
        return hint if nothing is None else replace(hint, reason=nothing)

    def reason(self, action_id: str) -> str | None:
        """Why an action is not possible on what the cursor is on; None when it is."""
        return self._hint(action_id, self.view()).reason

    # Actions --------------------------------------------------------------------------------

    def act(self, action_id: str) -> None:
        """Do it, or say why not."""
        console = self._console
        if console.stack.tab and console.stack.page.do(action_id):
            return
        if reason := self._no_look(action_id):
            console.foot.say(f"{BY_ID[action_id].title}: {reason}", "dim")
            return
        handler = getattr(self, f"_do_{action_id}", None)
        if handler is not None:
            handler()
            return
        action = BY_ID[action_id]
        if action.scope == "deployment" and action.mutating:
            fields = console.stack.page.fields(action_id) if console.stack.tab else {}
            self.decide(action_id, self.view(), fields)
        else:
            console.foot.say(
                f"{action.title.lower()}: nothing to {action.title.lower()} here", "dim"
            )

    def _no_look(self, action_id: str) -> str | None:
        """Why what only looks or moves does nothing here; None for what changes something."""
        action = BY_ID.get(action_id)
        if action is None or action.mutating or not self._console.stack.tab:
            return None
        return self.reason(action_id)

    def decide(self, action_id: str, view: DeploymentView | None, more: dict[str, Any]) -> None:
        """Ask about an action on a deployment, or say why it is not possible."""
        from gaesup_tui.console.deeds import Deed

        console = self._console
        if reason := console.desk.why_not(action_id, view):
            console.foot.say(f"{BY_ID[action_id].title.lower()}: {reason}", "warn")
            return
        assert view is not None  # why_not says so when there is none
        if action_id in ("scale_up", "scale_down"):
            step = 1 if action_id == "scale_up" else -1
            more = {"replicas": max(0, view["replicas"] + step)}
        console.start(Deed(console, action_id, view, more).ask(), f"ask {action_id}")

    def run_text(self, text: str) -> None:
        """Do what was typed after ``:``."""
        console = self._console
        try:
            self._run(
                commandline.understand(text, [*console.desk.replica.deployments], self._key())
            )
        except GaesupError as error:
            console.foot.say(str(error), "warn")

    def _run(self, asked: commandline.Asked) -> None:
        console = self._console
        match asked:
            case commandline.Go("quit"):
                console.leave()
            case commandline.Go(where):
                self.act(where)
            case commandline.Open(page, key):
                open_page(console, page, key)
            case commandline.Run(words, mutating):
                self._run_program(words, mutating)
            case commandline.Deed(action_id, key, more):
                view = console.desk.replica.deployments.get(key)
                if view is not None and "replicas" in more:
                    count = commandline.replicas(str(more["replicas"]), view["replicas"])
                    more = {**more, "replicas": count}
                self.decide(action_id, view, more)

    def _run_program(self, words: Any, mutating: bool) -> None:
        from gaesup_tui.console.asking import ask_to_run
        from gaesup_tui.console.output import Output

        console = self._console
        if reason := console.desk.engine.refusal(words[0] if mutating else ""):
            console.foot.say(f"{words[0]}: {reason}", "warn")
        elif mutating:
            ask_to_run(console, words)
        else:
            self.push(Output(console.desk, words))

    # Watching -------------------------------------------------------------------------------

    def watch(self, diff: Diff) -> None:
        """Tell of watched deployments that came to rest."""
        console = self._console
        if not self._watches.keys or not diff.deployments:
            return
        for text in self._watches.look(console.desk.replica.deployments, diff.deployments):
            console.foot.say(text, "accent")
            console.write(notice(text))

    def _do_watch(self) -> None:
        desk = self._console.desk
        known = desk.replica.deployments
        views = [known[key] for key in self._console.stack.page.subjects() if key in known]
        said = [self._watches.turn(view) for view in views]
        if len(said) == 1:
            self._console.foot.say(said[0])
        else:
            names = ", ".join(sorted(self._watches.keys)) or "nothing"
            self._console.foot.say(f"watching {names}")

    # Movement -------------------------------------------------------------------------------

    def _key(self) -> str | None:
        view = self.view()
        return view["key"] if view else None

    def _do_now(self) -> None:
        self._go("1")

    def _do_deployments(self) -> None:
        self._go("2")

    def _do_activity(self) -> None:
        self._go("6")

    def _do_trains(self) -> None:
        from gaesup_tui.console.trains import Trains

        self.push(Trains(self._console.desk))

    def _do_train_promote(self) -> None:
        self._decide_train("train_promote")

    def _do_train_abort(self) -> None:
        self._decide_train("train_abort")

    def _decide_train(self, action_id: str) -> None:
        from gaesup_tui.console.train_deeds import decide

        decide(self._console, action_id)

    def _go(self, tab: str) -> None:
        console = self._console
        console.stack.go(tab)
        self._shown()

    def _shown(self) -> None:
        self._console.show_tabs()
        self.show_keys()

    def push(self, page: Any) -> None:
        """Go into ``page``; a second time the same key does nothing more."""
        below = self._console.stack.page
        if type(below) is type(page) and below.title == page.title:
            return
        self._console.stack.push(page)
        self._shown()

    def _do_back(self) -> None:
        if not self._goes_back():
            self._console.leave()

    def _do_step_out(self) -> None:
        if not self._goes_back():
            self._do_how_to_leave()

    def _goes_back(self) -> bool:
        """Take the filter away, or go one page back; False where there is nothing of either."""
        console = self._console
        page = console.stack.page
        if page.filter_text and page.can_filter:
            page.set_filter("")
            console.foot.say("filter taken away")
            console.show_tabs()
        elif console.stack.back():
            self._shown()
        elif console.stack.tab != "1":
            self._go("1")
        else:
            return False
        return True

    def _do_how_to_leave(self) -> None:
        key = shown_key(self._console.desk.keys["back"])
        self._console.foot.say(f"{key} leaves, from the first screen; what runs goes on running")

    def _do_open(self) -> None:
        key = self._console.stack.page.subject()
        if key:
            open_deployment(self._console, key)

    def _do_logs(self) -> None:
        self._page_of_cursor("logs")

    def _do_timeline(self) -> None:
        self._page_of_cursor("timeline")

    def _do_ab(self) -> None:
        self._page_of_cursor("ab")

    def _do_verdicts(self) -> None:
        self._page_of_cursor("verdicts")

    def _page_of_cursor(self, action_id: str) -> None:
        if key := self._key():
            open_page(self._console, action_id, key)

    # Typing, copying, times -----------------------------------------------------------------

    def _do_command(self) -> None:
        self.lines.open_command()

    def _do_filter(self) -> None:
        self.lines.open_filter()

    def _do_deploy(self) -> None:
        self._prefilled("deploy", "deploy {} --version ")

    def _do_window(self) -> None:
        of = f"--environment {view['environment']}" if (view := self.view()) else "--all"
        self._prefilled("window", f"window add hold-on {of} --for 2h --reason ")

    def _do_extend(self) -> None:
        self._prefilled("extend", "extend {} --by 30m")

    def _do_load(self) -> None:
        self._prefilled("load", "load {} --rps 50 --duration 2m")

    def _do_ignore(self) -> None:
        view = self.view()
        rollout = view["rollout"] if view else None
        if rollout and rollout["check"]:
            self.decide("ignore", view, {})
        else:
            self._prefilled("ignore", "ignore {} --check ")

    def _do_scale(self) -> None:
        self._prefilled("scale", "scale {} --replicas ")

    def _prefilled(self, action_id: str, text: str) -> None:
        view = self.view()
        if reason := self._console.desk.why_not(action_id, view):
            self._console.foot.say(f"{action_id}: {reason}", "warn")
        else:
            self.lines.open_command(text.format(self._key()))

    def _do_copy(self) -> None:
        copied = copy(self._console.stack.page.copied())
        self._console.write(copied.sequence)
        self._console.foot.say(copied.notice)

    def _do_time(self) -> None:
        mode = self._console.desk.times.turn()
        self._console.stack.page.show(EVERYTHING)
        self._console.foot.say(f"times are shown as {mode}")

    def _do_export(self) -> None:
        from gaesup_tui.console.activity import Activity

        page = self._console.stack.page
        if not isinstance(page, Activity):
            self._console.foot.say("export: open the events (6 or e) first", "warn")
            return
        try:
            self._console.foot.say(f"written to {page.export(Path.cwd())}", "ok")
        except OSError as error:
            self._console.foot.say(f"export: cannot be written: {error}", "bad")

    # Dialogs --------------------------------------------------------------------------------

    def _do_help(self) -> None:
        from gaesup_widgets.help import Help

        desk, view = self._console.desk, self.view()
        here = [self._hint(action_id, view) for action_id in self._ids()]
        rest = [self._hint(a, view) for a in BY_ID if a not in self._ids()]
        movement = moving_keys(self._console.stack.page)
        title = self._console.stack.page.title
        self._console.push_screen(
            Help([(title, here), ("Moving", movement), ("Everywhere", rest)], symbols=desk.symbols)
        )

    def _do_palette(self) -> None:
        from gaesup_tui.console.palette import palette

        self._console.push_screen(palette())

    def _do_stop(self) -> None:
        from gaesup_tui.console.stop import StopDialog

        console = self._console
        if not isinstance(console.screen, StopDialog):
            console.push_screen(StopDialog(console.desk, self._key()))

    def _do_global_rollback(self) -> None:
        from gaesup_tui.console.stop import StopDialog

        console = self._console
        if reason := console.desk.why_not("global_rollback", None):
            console.foot.say(f"global rollback: {reason}", "warn")
        elif not isinstance(console.screen, StopDialog):
            console.push_screen(StopDialog(console.desk, self._key(), rollback=True))

    def _do_release(self) -> None:
        from gaesup_tui.console.asking import ask_release

        ask_release(self._console)
