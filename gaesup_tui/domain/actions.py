"""The one table of what a person can do. Keys, footer, help, palette, commands, read-only mode,
audit names and the generated tests all come from it. Standard library only.

Whether an action is possible *now* is answered by ``allowed.why_not`` in the engine and travels
with every view as ``actions``: action id to None or the reason why not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["deployment", "everything", "view"]
Danger = Literal[0, 1, 2, 3]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do."""

    id: str
    """Audit name, and the name keys are remapped by."""
    key: str
    """Default key, as Textual names it."""
    title: str
    """One or two words for the footer."""
    help: str
    """One line for the help screen and the command's ``--help``."""
    command: str = ""
    """The command that does the same, with its argument; empty for pure movement in the view."""
    scope: Scope = "deployment"
    danger: Danger = 0
    """0 reads. 1 small and reversible. 2 asks first. 3 asks first and names what it takes."""
    confirm: str = ""
    """The confirming key; never the opening one."""
    asks_engine: str = ""
    """Whether it is possible comes from the view's ``actions`` under this name; empty: always."""

    @property
    def mutating(self) -> bool:
        return self.danger > 0


ACTIONS: tuple[Action, ...] = (
    Action(
        "promote",
        "p",
        "Promote",
        "Pass the step the rollout waits at",
        "promote UNIT",
        danger=2,
        confirm="y",
        asks_engine="promote",
    ),
    Action(
        "promote_full",
        "P",
        "Promote fully",
        "Pass every later step too; the guards keep watching",
        "promote UNIT --full",
        danger=3,
        confirm="y",
        asks_engine="promote_full",
    ),
    Action(
        "pause",
        "u",
        "Pause",
        "Hold the rollout where it stands until resumed",
        "pause UNIT",
        danger=1,
        confirm="y",
        asks_engine="pause",
    ),
    Action(
        "resume",
        "U",
        "Resume",
        "Let a paused rollout go on",
        "resume UNIT",
        danger=2,
        confirm="y",
        asks_engine="resume",
    ),
    Action(
        "extend",
        "E",
        "Extend",
        "Let a wait for you, or the judge's, expire later",
        "extend UNIT --by TIME",
        danger=1,
        confirm="y",
        asks_engine="extend",
    ),
    Action(
        "step_back",
        "Z",
        "Step back",
        "Back to the share before this one, and wait there for you",
        "step-back UNIT",
        danger=2,
        confirm="y",
        asks_engine="step_back",
    ),
    Action(
        "abort",
        "x",
        "Abort",
        "Return all traffic to the revision that was stable",
        "abort UNIT",
        danger=3,
        confirm="y",
        asks_engine="abort",
    ),
    Action(
        "abort_gradual",
        "X",
        "Abort gradually",
        "Return the traffic share by share; abort takes the rest at once",
        "abort UNIT --gradual",
        danger=3,
        confirm="y",
        asks_engine="abort_gradual",
    ),
    Action(
        "ignore",
        "I",
        "Ignore check",
        "Ignore one check of this step, once, with a reason",
        "ignore UNIT --reason WHY",
        danger=3,
        confirm="y",
        asks_engine="ignore",
    ),
    Action(
        "ack",
        "A",
        "Acknowledge",
        "Say that you have seen an automatic rollback",
        "ack UNIT",
        danger=1,
        confirm="y",
        asks_engine="ack",
    ),
    Action(
        "rollback",
        "b",
        "Rollback",
        "Back to the last revision that finished healthy",
        "rollback UNIT",
        danger=3,
        confirm="y",
        asks_engine="rollback",
    ),
    Action(
        "retry",
        "r",
        "Retry",
        "The last rollout again, from the start",
        "retry UNIT",
        danger=2,
        confirm="y",
        asks_engine="retry",
    ),
    Action(
        "retry_failed",
        "R",
        "Retry failed step",
        "The last rollout again, from the step that failed",
        "retry UNIT --from failed",
        danger=2,
        confirm="y",
        asks_engine="retry",
    ),
    Action(
        "deploy",
        "d",
        "Deploy",
        "Begin a rollout to another version",
        "deploy UNIT --version VERSION",
        danger=2,
        confirm="y",
        asks_engine="deploy",
    ),
    Action(
        "scale",
        "equals_sign",
        "Scale",
        "Ask for a number of replicas",
        "scale UNIT --replicas N",
        danger=2,
        confirm="y",
        asks_engine="scale",
    ),
    Action(
        "scale_up",
        "plus",
        "One more",
        "One replica more",
        "scale UNIT --replicas +1",
        danger=2,
        confirm="y",
        asks_engine="scale",
    ),
    Action(
        "scale_down",
        "minus",
        "One less",
        "One replica less",
        "scale UNIT --replicas -1",
        danger=2,
        confirm="y",
        asks_engine="scale",
    ),
    Action(
        "delete",
        "delete",
        "Delete",
        "Take a deployment away: traffic first, then its replicas; the history stays",
        "delete UNIT",
        danger=3,
        confirm="y",
        asks_engine="delete",
    ),
    Action(
        "unhold",
        "H",
        "Release hold",
        "Let a held unit's automation go on, with a reason",
        "release UNIT --reason WHY",
        danger=2,
        confirm="y",
        asks_engine="unhold",
    ),
    Action(
        "hold",
        "M",
        "Hold",
        "Hold a unit's automation: no gate passes and no share grows by itself",
        "hold UNIT --reason WHY",
        danger=1,
        confirm="y",
        asks_engine="hold",
    ),
    Action(
        "lock",
        "K",
        "Lock",
        "Have the next word: only you move this unit forward",
        "lock UNIT --reason WHY",
        danger=1,
        confirm="y",
        asks_engine="lock",
    ),
    Action(
        "unlock",
        "O",
        "Unlock",
        "End a lock; another's needs a reason",
        "unlock UNIT",
        danger=2,
        confirm="y",
        asks_engine="unlock",
    ),
    Action(
        "load",
        "m",
        "Make load",
        "Send requests to it, so that there is something to judge",
        "load UNIT --rps 50 --duration 2m",
        danger=1,
        confirm="y",
    ),
    Action(
        "unqueue",
        "D",
        "Drop next",
        "Take out the revision that is queued behind the one that moves",
        "unqueue UNIT",
        danger=2,
        confirm="y",
        asks_engine="unqueue",
    ),
    Action("logs", "l", "Logs", "What the replicas write", "logs UNIT -f"),
    Action("ab", "V", "A/B answer", "What the A/B test says, in full", "ab UNIT"),
    Action(
        "verdicts",
        "v",
        "Verdict",
        "How the judge's verdict came about, from the beginning",
        "judge explain UNIT --history",
    ),
    Action("timeline", "e", "Events", "Everything that happened here", "history UNIT"),
    Action(
        "stop",
        "exclamation_mark",
        "STOP",
        "Emergency stop: from anywhere, over anything",
        "stop --all",
        scope="everything",
        danger=3,
        confirm="S",
    ),
    Action(
        "global_rollback",
        "B",
        "Global rollback",
        "Everything in a scope back to its last good revision, dependents first",
        "global-rollback --all --reason WHY",
        scope="everything",
        danger=3,
        confirm="y",
    ),
    Action(
        "release",
        "L",
        "Let go",
        "Release a stop, a freeze or a global rollback, with a reason",
        "release --all --reason WHY",
        scope="everything",
        danger=2,
        confirm="y",
        asks_engine="release",
    ),
    Action(
        "train_promote",
        "",
        "Promote train",
        "Pass the gate of a release train, for every unit that waits at it",
        "train promote",
        scope="everything",
        danger=2,
        confirm="y",
        asks_engine="train_promote",
    ),
    Action(
        "train_abort",
        "",
        "Abort train",
        "Take everything a release train moved back, dependents first",
        "train abort",
        scope="everything",
        danger=3,
        confirm="y",
        asks_engine="train_abort",
    ),
    Action("trains", "T", "Trains", "Release trains: several units as one release", scope="view"),
    Action(
        "window",
        "W",
        "Freeze window",
        "Add a time in which nothing goes forward; `window list` shows all",
        "window add NAME --environment E --for 2h --reason WHY",
        scope="everything",
        danger=2,
        confirm="y",
    ),
    Action("open", "enter", "Open", "Go in", scope="view"),
    Action("back", "q", "Back", "Back, or leave from the first screen", scope="view"),
    Action("now", "1", "Now", "What needs me, what moves, what happened", "status", scope="view"),
    Action("deployments", "2", "Deployments", "Every unit in every environment", scope="view"),
    Action("activity", "6", "Activity", "Every event with who and why", "history", scope="view"),
    Action(
        "filter", "slash", "Filter", "Show less: words, !not, env:production, err>1", scope="view"
    ),
    Action("command", "colon", "Command", "Type a command", scope="view"),
    Action("help", "question_mark", "Help", "The keys of this screen", scope="view"),
    Action("mark", "space", "Mark", "Mark a row", scope="view"),
    Action("sort", "s", "Sort", "Sort by the next column", scope="view"),
    Action("sort_back", "S", "Sort back", "Turn the order of the sort round", scope="view"),
    Action("copy", "y", "Copy", "Copy the row's name", scope="view"),
    Action("time", "t", "Time", "Show times as age, local or UTC", scope="view"),
    Action("watch", "w", "Watch", "Tell me when it is done", "watch UNIT", scope="view"),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}
