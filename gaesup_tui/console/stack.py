"""Which page is in sight: a stack for each tab. Pages out of sight cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.widget import Widget

from gaesup_tui.console.page import Page
from gaesup_tui.console.replica import EVERYTHING


class Stack:
    """The pages of every tab, mounted in one container, one of them displayed."""

    def __init__(self, container: Widget, roots: Mapping[str, Callable[[], Page]]) -> None:
        self.tab = ""
        self._container = container
        self._roots = roots
        self._pages: dict[str, list[Page]] = {}

    @property
    def page(self) -> Page:
        """The one in sight."""
        return self._pages[self.tab][-1]

    @property
    def below(self) -> Page | None:
        """The one that comes back when the one in sight is left; None for a tab's first."""
        pages = self._pages[self.tab]
        return pages[-2] if len(pages) > 1 else None

    @property
    def path(self) -> list[str]:
        """Where one is below the tab; pages name what they are about themselves."""
        return [page.title for page in self._pages[self.tab][1:]][-1:]

    @property
    def tabs(self) -> list[str]:
        """The tabs there are."""
        return list(self._roots)

    def go(self, tab: str) -> None:
        """Show a tab; a second time: its first page."""
        if tab == self.tab:
            while self.back():
                pass
            return
        if tab not in self._pages:
            root = self._roots[tab]()
            self._pages[tab] = [root]
            self._container.mount(root)
        before = self._pages[self.tab][-1] if self.tab else None
        self.tab = tab
        self._reveal(before)

    def push(self, page: Page) -> None:
        """Go into ``page``."""
        before = self.page
        self._pages[self.tab].append(page)
        self._container.mount(page)
        self._reveal(before)

    def back(self) -> bool:
        """Leave the page in sight; False when it is the first of its tab."""
        pages = self._pages[self.tab]
        if len(pages) == 1:
            return False
        gone = pages.pop()
        self._reveal(None)
        gone.remove()
        return True

    def _reveal(self, before: Page | None) -> None:
        page = self.page
        if before is not None and before is not page:
            before.display = False
        page.display = True
        page.show(EVERYTHING)
        page.call_after_refresh(self._focus, page)

    def _focus(self, page: Page) -> None:
        if self.tab and page is self.page and page.is_attached:
            page.home().focus(scroll_visible=False)
            page.show(EVERYTHING)
