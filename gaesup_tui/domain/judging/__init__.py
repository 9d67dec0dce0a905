"""The sequential judge: stays right however often somebody looks.

``begin`` makes a state from settings and the baseline's history, ``step`` takes one tick of counts
and says PROMOTE, CONTINUE, ABORT or NO EVIDENCE. Standard library only; nothing here reads a clock.
"""

from gaesup_tui.domain.judging.feed import Arm, Tick
from gaesup_tui.domain.judging.settings import METRICS, Metric, MetricPolicy, Metrics, Start
from gaesup_tui.domain.judging.state import State, begin
from gaesup_tui.domain.judging.step import step
from gaesup_tui.domain.judging.verdicts import Cause, Judgement, Kind

__all__ = [
    "METRICS",
    "Arm",
    "Cause",
    "Judgement",
    "Kind",
    "Metric",
    "MetricPolicy",
    "Metrics",
    "Start",
    "State",
    "Tick",
    "begin",
    "step",
]
