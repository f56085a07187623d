"""Runs are summed and pooled by month of their dates; only the last months are kept."""

from dataclasses import replace
from typing import Any

from melanoma.reporting.months import MAX_MONTHS, Month, months_of
from melanoma.runs.records import Counts
from melanoma.runs.run_history import RunSummary, summary_of
from tests.helpers.reports import RECORD


def run(date: str, scored: int = 0, failed: int = 0, psi: float | None = None, **seen: Any) -> RunSummary:
    record = replace(RECORD, run_date=date, counts=Counts(scored + failed, scored, failed))
    return {**summary_of(record, {}), "drift": psi, "drift_earlier": psi and 2 * psi, "seen": seen}


def seen(n: int, share: float) -> dict[str, Any]:
    return {"n": n, "histograms": {"p_nevus": [1 - share, share]}, "top_label": {"nevus": share, "melanoma": 1 - share}}


def test_the_runs_of_a_month_are_summed_and_pooled_by_their_photographs() -> None:
    runs = [
        run("2026-01-02", 100, 1, psi=0.3, **seen(100, 0.5)),
        run("2026-01-31", 300, 2, psi=0.1, **seen(300, 0.9)),
        run("2026-02-01"),
    ]
    january, february = months_of(runs)
    assert (january.name, january.runs, january.scored, january.failed, january.drift) == ("2026-01", 2, 400, 3, 0.3)
    assert january.drift_earlier == 0.6
    share = (100 * 0.5 + 300 * 0.9) / 400
    assert january.seen["n"] == 400 and abs(january.seen["top_label"]["nevus"] - share) < 1e-12
    assert abs(january.seen["histograms"]["p_nevus"][1] - share) < 1e-12
    assert february == Month("2026-02", runs=1, scored=0, failed=0, drift=None, drift_earlier=None, seen={})


def test_only_the_last_months_are_kept() -> None:
    runs = [run(f"{2000 + place // 12}-{place % 12 + 1:02}-01") for place in range(50)]
    names = [month.name for month in months_of(runs)]
    assert len(names) == MAX_MONTHS and names[0] == "2001-03" and names[-1] == "2004-02"


def test_a_run_without_a_date_belongs_to_no_month() -> None:
    assert months_of([run("<b>"), run("")]) == []
