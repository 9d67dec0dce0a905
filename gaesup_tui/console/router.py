"""From an action's name to what does it: the one place where a key finds its meaning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaesup_tui.console import commandline
from gaesup_tui.console.clipboard import copy
from gaesup_tui.console.lines import TypedLines
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
        console = self._console
        return console.stack.page.hint(action_id) or console.desk.hint(action_id, view)

    # Actions --------------------------------------------------------------------------------

    def act(self, action_id: str) -> None:
        """Do it, or say why not."""
        console = self._console
        if console.stack.tab and console.stack.page.do(action_id):
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
                self._open_page(page, key)
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
            self._push(Output(console.desk, words))

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

        self._push(Trains(self._console.desk))

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

    def _push(self, page: Any) -> None:
        self._console.stack.push(page)
        self._shown()

    def _do_back(self) -> None:
        console = self._console
        page = console.stack.page
        if page.filter_text and page.can_filter:
            page.set_filter("")
            console.foot.say("filter taken away")
        elif console.stack.back():
            self._shown()
        elif console.stack.tab != "1":
            self._go("1")
        else:
            console.leave()

    def _do_how_to_leave(self) -> None:
        self._console.foot.say("q leaves, from the first screen; what runs goes on running")

    def _do_open(self) -> None:
        key = self._console.stack.page.subject()
        if key:
            self.open_deployment(key)

    def open_deployment(self, key: str) -> None:
        """Go into a deployment: its rollout when one moves, else the deployment itself; and from
        one of the two to the other."""
        from gaesup_tui.console.deployment import Deployment
        from gaesup_tui.console.rollout import Rollout
        from gaesup_tui.console.words import active_rollout

        console = self._console
        view = console.desk.replica.deployments.get(key)
        page = console.stack.page
        if view is None:
            console.foot.say(f"there is no deployment {key} any more", "warn")
        elif isinstance(page, Rollout | Deployment):
            other = Deployment if isinstance(page, Rollout) else Rollout
            if isinstance(console.stack.below, other):
                self._do_back()
            elif other is Deployment or view["rollout"] is not None:
                self._push(other(console.desk, key))
            else:
                console.foot.say(f"{key} had no rollout yet", "dim")
        elif active_rollout(view) is not None:
            self._push(Rollout(console.desk, key))
        else:
            self._open_page("deployment", key)

    def _open_page(self, name: str, key: str) -> None:
        desk = self._console.desk
        if name == "logs":
            from gaesup_tui.console.logs import Logs

            self._push(Logs(desk, key))
        elif name == "ab":
            from gaesup_tui.console.ab import ABAnswer

            self._push(ABAnswer(desk, key))
        elif name == "deployment":
            from gaesup_tui.console.deployment import Deployment

            self._push(Deployment(desk, key))
        elif name == "verdicts":
            self._open_verdicts(key)
        else:
            from gaesup_tui.console.activity import Activity

            self._push(Activity(desk, deployment=key))

    def _open_verdicts(self, key: str) -> None:
        from gaesup_tui.console.verdicts import Verdicts

        view = self._console.desk.replica.deployments.get(key)
        if view is None or view["rollout"] is None:
            self._console.foot.say(f"{key} had no rollout yet: nothing was judged", "dim")
        elif not isinstance(self._console.stack.page, Verdicts):
            self._push(Verdicts(self._console.desk, key, view["rollout"]["id"]))

    def _do_logs(self) -> None:
        self._page_of_cursor("logs")

    def _do_timeline(self) -> None:
        self._page_of_cursor("timeline")

    def _do_ab(self) -> None:
        self._page_of_cursor("ab")

    def _do_verdicts(self) -> None:
        self._page_of_cursor("verdicts")

    def _page_of_cursor(self, name: str) -> None:
        key = self._key()
        if key is None:
            self._console.foot.say(f"{name}: no deployment is under the cursor", "warn")
        else:
            self._open_page(name, key)

    # Typing, copying, times -----------------------------------------------------------------

    def _do_command(self) -> None:
        self.lines.open_command()

    def _do_filter(self) -> None:
        if self._console.stack.page.can_filter:
            self.lines.open_filter()
        else:
            self._console.foot.say("filter: this screen has nothing to filter", "dim")

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
        rest = [desk.hint(a, view) for a in BY_ID if a not in self._ids()]
        title = self._console.stack.page.title
        self._console.push_screen(Help([(title, here), ("Everywhere", rest)], symbols=desk.symbols))

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
