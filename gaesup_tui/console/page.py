"""What a screen of the console is: a widget between the two lines of the frame and its footer."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.containers import Vertical
from textual.widget import Widget

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.replica import Diff
from gaesup_widgets.footer import KeyHint


class Page(Vertical):
    """One screen. Only the one in sight is told what changed; one that comes into sight is told
    that everything did."""

    actions: ClassVar[tuple[str, ...]] = ()
    """Ids of what can be done here, the most needed first: footer and help show them."""
    can_filter: ClassVar[bool] = False
    exports: ClassVar[bool] = False
    """Whether what is shown can be written into a file."""
    searches: ClassVar[bool] = False
    """Whether the filter hides nothing here but is looked for, as in a log."""

    def __init__(self, desk: Desk, title: str) -> None:
        super().__init__()
        self.desk = desk
        self.title = title
        """For the tab line and the help."""
        self.filter_text = ""

    def subject(self) -> str | None:
        """Key of the deployment actions are about; None: there is none."""
        return None

    def show(self, diff: Diff) -> None:
        """Take over what changed."""
        raise NotImplementedError

    def home(self) -> Widget:
        """What takes the keys."""
        raise NotImplementedError

    def point(self) -> None:
        """The cursor is on another row: show what follows from it."""

    def set_filter(self, text: str) -> None:
        """Show only what matches ``text``.

        Raises:
            Invalid: it is not a filter.
        """

    def do(self, action_id: str) -> bool:
        """True when the action was this page's own and is done."""
        return False

    def means(self, action_id: str) -> bool:
        """Whether a movement means something of this page's own now."""
        return False

    def hint(self, action_id: str) -> KeyHint | None:
        """How an action is shown that means something of its own here; None: as everywhere."""
        return None

    def fields(self, action_id: str) -> dict[str, Any]:
        """What the cursor says about an action beside the deployment: ``version`` …"""
        return {}

    def subjects(self) -> list[str]:
        """Keys of the marked deployments, or else of the one under the cursor."""
        key = self.subject()
        return [key] if key else []

    def copied(self) -> str:
        """What the copy key takes."""
        return "\n".join(self.subjects())
