"""A run's record, the content of its report, and a reader of the pages made from them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from melanoma.reporting.bottleneck import bottleneck
from melanoma.reporting.judging import judge
from melanoma.reporting.limits import Limits
from melanoma.reporting.verdict import ReportedRun
from melanoma.runs.records import COMMITTED, STAGES, Counts, RunRecord, Stage, write_record
from melanoma.runs.run_history import RunSummary, summary_of
from tests.helpers.outputs import layout_of

COUNTS = Counts(listed=20, scored=10, failed=3, skipped=4, duplicates=1, deferred=2, ignored=5)
RECORD = RunRecord(
    "20260102T030405Z-00000000",
    "2026-01-02",
    "m-000000000001",
    COMMITTED,
    COUNTS,
    table_version=118,
    failures={"truncated": 2, "timeout": 1},
    ignored={".txt": 5},
    stages={name: Stage(1.0 + place, 13, 1000) for place, name in enumerate(STAGES)},
    warnings=("a root is empty",),
    seconds=2880.0,
)
HOSTILE = "<img src=x onerror=alert(1)>\"'>\x1b[2J.jpg"
NOT_JUDGED = {"judged": False, "reason": "fewer than 200 photographs", "columns": {}, "n": 0}


def content_of(record: RunRecord = RECORD) -> dict[str, Any]:
    """Returns the content of a report in which every photograph has a hostile name."""
    return {
        "seen": {"n": 10, "histograms": {"p_nevus": [0.1] * 10}, "top_label": {"nevus": 1.0}},
        "earlier": {"nights": 0},
        "reference": {},
        "drift": {"bundle": NOT_JUDGED, "earlier": NOT_JUDGED},
        "sample": {
            "least_certain": [{"photograph": HOSTILE, "margin": 0.01, "top_label": "nevus"}],
            "most_moved": [{"photograph": HOSTILE, "distance": 0.4, "from": "nevus", "to": "melanoma"}],
            "suspicious": [{"photograph": HOSTILE, "p_melanoma": 0.9}],
        },
        "bottleneck": bottleneck(record),
    }


def summaries(*outcomes: str) -> list[RunSummary]:
    """Returns the summaries of runs, one per minute, with these outcomes."""
    records = [
        replace(RECORD, run_id=f"20260102T{place // 60:02}{place % 60:02}00Z-00000000", outcome=outcome)
        for place, outcome in enumerate(outcomes)
    ]
    return [summary_of(record, {}) for record in records]


def name_model(output: Path | str, model_id: str, name: str) -> None:
    """Leaves the record of a run that names a model."""
    write_record(layout_of(output), replace(RECORD, model_id=model_id, model_name=name))


def reported(record: RunRecord = RECORD, content: Mapping[str, Any] | None = None, **limits: float) -> ReportedRun:
    """Returns a run with the verdict on it."""
    content = content or {}
    return ReportedRun(record, content, judge(record, content, Limits(**limits)))


class Page(HTMLParser):
    """What a browser makes of HTML: its elements, what they act upon, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements = Counter[str]()
        self.classes = Counter[str]()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self._void = {"meta", "br", "img"}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += attrs
        self.classes.update(name for key, value in attrs if key == "class" for name in (value or "").split())
        if tag not in self._void:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self._void:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open.pop() != tag:
            raise ValueError(f"</{tag}> closes another element")

    def handle_data(self, data: str) -> None:
        if "style" not in self._open and data.strip():
            self.texts.append(data.strip())

    @property
    def is_closed(self) -> bool:
        """Whether every element is closed."""
        return not self._open

    @property
    def text(self) -> str:
        """All text, separated by spaces."""
        return " ".join(self.texts)

    @property
    def links(self) -> list[str | None]:
        """Every address that the page points to."""
        return [value for name, value in self.attributes if name in ("href", "src", "action")]

    def values(self, name: str) -> list[float]:
        """Returns the numbers of an attribute, in order."""
        return [float(value or "nan") for key, value in self.attributes if key == name]
