"""Turns the clocks before any test module is imported: what takes a clock by name has to take the
one that can be turned, whichever tests run first."""

from __future__ import annotations

from tests import turned_clock

turned_clock.turn_clocks()
