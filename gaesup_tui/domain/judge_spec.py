"""What a person may say about the judge, metric by metric; nothing has to be said."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gaesup_tui.domain.model import Duration, Spec


class MetricSpec(Spec):
    """How one metric is judged."""

    tolerance: Annotated[float, Field(gt=0, le=1000)] | None = None
    """The harm that is too much: percentage points for ``errors``, percent for the others. Absent:
    ``errorTolerance``, ``p95Tolerance``, and 10 for conversion, 25 for traffic."""
    weight: Annotated[float, Field(gt=0, le=1000)] | None = None
    """Share of the evidence it may bring; shares are made to sum to 1. Absent: 45 for errors, 40
    for p95, 8 for conversion, 7 for traffic."""
    critical: bool = True
    """Whether harm in it aborts; ``false``: it only holds the promotion, for a person."""
    no_data: Literal["hold", "fail", "ignore"] | None = None
    """Without data of it: ``hold`` the promotion, ``fail`` after ``noDataAfter``, or ``ignore`` it.
    Absent: ``hold``, and ``ignore`` for conversion."""
    enabled: bool = True
    """``false``: it is not judged at all."""


class JudgeSpec(Spec):
    """How the judge compares the new revision with the old one."""

    errors: MetricSpec = MetricSpec()
    """Replies of class 5xx."""
    p95: MetricSpec = MetricSpec()
    """The 95th percentile of the response time."""
    conversion: MetricSpec = MetricSpec()
    """Where the unit says what a conversion is."""
    traffic: MetricSpec = MetricSpec()
    """Whether the new revision gets the requests its share promises."""
    no_data_after: Duration = 300.0
    """How long a metric that may ``fail`` without data may be without."""

    @model_validator(mode="after")
    def _something_decides(self) -> JudgeSpec:
        metrics = (self.errors, self.p95, self.conversion, self.traffic)
        if not any(metric.enabled and metric.critical for metric in metrics):
            raise ValueError(
                "no metric that is enabled is critical, so nothing could abort: "
                "leave one critical, or say `autoAbort: false`"
            )
        for name, metric in (
            ("errors", self.errors),
            ("conversion", self.conversion),
            ("traffic", self.traffic),
        ):
            if metric.tolerance is not None and metric.tolerance >= 100:
                raise ValueError(
                    f"{name} cannot get worse by {metric.tolerance:g}: say less than 100"
                )
        return self
