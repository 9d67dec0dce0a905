"""Tests of the console and its widgets run on a clock that is turned, not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests import turned_clock

_TURNED = ("test_console_", "test_widgets_", "test_known_good", "test_load_traffic")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name.startswith(_TURNED):
        return {"turned": turned_clock.TurningLoop}
    return {"waiting": asyncio.new_event_loop}
