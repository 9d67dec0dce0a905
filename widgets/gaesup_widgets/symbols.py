"""The characters we draw with: one set for UTF-8 terminals, one in plain ASCII.

Every symbol is one cell wide. State is always told by a symbol and a word, so either set may be
swapped for the other without loss.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Symbols:
    """One character (one cell) per meaning."""

    done: str
    running: str
    failed: str
    planned: str
    skipped: str
    paused: str
    waiting: str
    ok: str
    warn: str
    bad: str
    unknown: str
    cursor: str
    mark: str
    ascending: str
    descending: str
    ellipsis: str
    rule: str
    better: str
    worse: str
    same: str
    bars: str
    """Heights of a chart from least to full; the first one is drawn for the minimum."""
    gap: str
    """Stands for a sample nobody took."""
    fill: str
    rest: str
    band_edge_left: str
    band_edge_right: str
    band_track: str
    band_interval: str
    band_zero: str
    band_point: str
    band_limit: str


UNICODE = Symbols(
    done="✔",
    running="▶",
    failed="✖",
    planned="·",
    skipped="∅",
    paused="‖",
    waiting="◷",
    ok="●",
    warn="▲",
    bad="✖",
    unknown="?",
    cursor="▌",
    mark="◆",
    ascending="▴",
    descending="▾",
    ellipsis="…",
    rule="─",
    better="↓",
    worse="↑",
    same="≈",
    bars="▁▂▃▄▅▆▇█",
    gap="·",
    fill="█",
    rest="░",
    band_edge_left="[",
    band_edge_right="]",
    band_track="·",
    band_interval="▬",
    band_zero="┼",
    band_point="●",
    band_limit="│",
)

ASCII = Symbols(
    done="+",
    running=">",
    failed="x",
    planned=".",
    skipped="-",
    paused="=",
    waiting="@",
    ok="o",
    warn="!",
    bad="x",
    unknown="?",
    cursor=">",
    mark="*",
    ascending="^",
    descending="v",
    ellipsis="~",
    rule="-",
    better="-",
    worse="+",
    same="=",
    bars="_.-~=+*#",
    gap=" ",
    fill="#",
    rest=".",
    band_edge_left="[",
    band_edge_right="]",
    band_track=".",
    band_interval="=",
    band_zero="+",
    band_point="O",
    band_limit="|",
)
