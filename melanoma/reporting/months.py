"""The runs of one model by month."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from melanoma.reporting.drift import Distribution, pooled
from melanoma.runs.run_history import RunSummary

MAX_MONTHS = 36
_MONTH = re.compile(r"\d{4}-\d{2}(?=-)")


@dataclass(frozen=True)
class Month:
    """The runs of a model in one month.

    Attributes:
        name: Year and month, such as `2026-01`.
        runs: Number of runs.
        scored: Number of photographs scored.
        failed: Number of photographs that failed.
        drift: Largest drift index of its runs against the bundle's reference; None if none was assessed.
        drift_earlier: The same against earlier runs.
        seen: Distribution of the predictions; empty if nothing was scored.
    """

    name: str
    runs: int
    scored: int
    failed: int
    drift: float | None
    drift_earlier: float | None
    seen: Distribution


def months_of(runs: Iterable[RunSummary]) -> list[Month]:
    """Returns the last months in which a model ran, oldest first, at most `MAX_MONTHS`.

    Args:
        runs: Runs of one model.
    """
    by_month = dict[str, list[RunSummary]]()
    for run in runs:
        if found := _MONTH.match(run["run_date"]):
            by_month.setdefault(found.group(), []).append(run)
    return [_month(name, by_month[name]) for name in sorted(by_month)[-MAX_MONTHS:]]


def _month(name: str, runs: Sequence[RunSummary]) -> Month:
    return Month(
        name,
        runs=len(runs),
        scored=sum(run["counts"]["scored"] for run in runs),
        failed=sum(run["counts"]["failed"] for run in runs),
        drift=_largest(run["drift"] for run in runs),
        drift_earlier=_largest(run["drift_earlier"] for run in runs),
        seen=pooled([run["seen"] for run in runs]),
    )


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
