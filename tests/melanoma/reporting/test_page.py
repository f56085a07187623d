"""What a report shows, and that it shows nothing else: no name, no script, no remote address."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from melanoma.errors import ErrorKind
from melanoma.reporting import index, messages, metrics
from melanoma.reporting.facts import bottleneck
from melanoma.reporting.page import page
from melanoma.runs.records import COMMITTED, KILLED, NOTHING_NEW, STAGES, STOPPED, STORE_DOWN, Counts, RunRecord, Stage
from melanoma.runs.run_history import summary_of

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


class Tags(HTMLParser):
    """Collects what a browser would act upon."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def acted_upon(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    return tags


def facts() -> dict[str, object]:
    sample = [{"photograph": HOSTILE, "margin": 0.01, "top_label": "nevus"}]
    moved = [{"photograph": HOSTILE, "distance": 0.4, "from": "nevus", "to": "melanoma"}]
    suspicious = [{"photograph": HOSTILE, "p_melanoma": 0.9}]
    seen = {"n": 10, "histograms": {"p_nevus": [0.1] * 10}, "top_label": {"nevus": 1.0}}
    none = {"judged": False, "reason": "fewer than 200", "columns": {}, "n": 0}
    return {
        "seen": seen,
        "earlier": {"nights": 0},
        "reference": {},
        "drift": {"bundle": none, "earlier": none},
        "sample": {"least_certain": sample, "most_moved": moved, "suspicious": suspicious},
        "bottleneck": bottleneck(RECORD),
    }


def test_a_page_accounts_for_every_photograph_and_says_what_to_do() -> None:
    html = page(RECORD, facts(), is_over_budget=False)
    assert "20 listed = 10 scored + 3 failed + 4 skipped + 1 duplicates + 2 deferred, which adds up" in html
    assert "Committed: 10 photographs scored, 3 failed, 2 put off" in html
    assert messages.advice_on("timeout") in html and messages.advice_on("truncated") in html
    assert "a root is empty" in html and "not a diagnosis" in html and ".txt 5" in html and "48 min" in html


def test_a_page_acts_on_nothing_whatever_photographs_are_called() -> None:
    html = page(RECORD, facts(), is_over_budget=True)
    found = acted_upon(html)
    assert not {"script", "img", "iframe", "object", "link", "form"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    links = [value for name, value in found.attributes if name in ("href", "src", "action")]
    assert links == ["index.html"]
    assert "\x1b" not in html and "default-src 'none'" in html
    assert not re.search(r"https?://", html)


def test_a_ranking_by_malignancy_stands_under_the_line_that_it_is_no_diagnosis() -> None:
    html = page(RECORD, facts(), is_over_budget=False)
    assert html.index("not a diagnosis") < html.index("Largest probabilities of melanoma")
    plain = facts() | {"sample": {"least_certain": [], "most_moved": []}}
    assert "Largest probabilities" not in page(RECORD, plain, is_over_budget=False)


def test_counts_that_do_not_add_up_are_said_to_be_a_defect() -> None:
    wrong = replace(RECORD, counts=replace(COUNTS, scored=9))
    assert "The counts do not add up" in page(wrong, {}, is_over_budget=False)


@pytest.mark.parametrize(
    ("outcome", "counts", "over", "kind", "text"),
    [
        (COMMITTED, Counts(5, 5), False, "good", "All well: 5 photographs scored"),
        (COMMITTED, Counts(5, 3, 2), True, "bad", "Too many failures: 3 scored, 2 failed"),
        (COMMITTED, Counts(5, 3, deferred=2), False, "look", "Committed: 3 photographs scored, 2 put off"),
        (NOTHING_NEW, Counts(5, skipped=5), False, "good", "All well: nothing new among 5 photographs"),
        (NOTHING_NEW, Counts(5, deferred=5), False, "look", "Nothing was begun in time: 5 put off"),
        (STORE_DOWN, Counts(5, deferred=5), False, "bad", "The store gave no photograph"),
        (STOPPED, Counts(), False, "bad", "The night ended early"),
        (KILLED, Counts(), False, "bad", "The night was killed"),
    ],
)
def test_the_first_line_says_whether_all_is_well(
    outcome: str, counts: Counts, over: bool, kind: str, text: str
) -> None:
    record = RunRecord("r", "2026-01-02", "m", outcome, counts)
    found = messages.headline(record, over)
    assert found[0] == kind and found[1].startswith(text)
    assert text in page(record, {}, over)


def test_one_line_tells_a_night() -> None:
    assert messages.one_line(RECORD) == (
        "OK 15 new, 10 scored, 3 failed (truncated, timeout), 2 put off, 48 min, table v118, 1 warnings"
    )
    assert messages.one_line(RECORD, is_over_budget=True).startswith("OVER BUDGET 15 new")
    assert messages.one_line(replace(RECORD, outcome=STORE_DOWN)).startswith("FAILED The store gave no photograph")


def test_every_kind_of_failure_wants_something() -> None:
    assert all(messages.advice_on(kind.value) for kind in ErrorKind)
    healing = {kind for kind in ErrorKind if "three nights" in messages.advice_on(kind.value)}
    assert healing == {kind for kind in ErrorKind if kind.may_heal}


def stages(**seconds: float) -> RunRecord:
    return replace(RECORD, seconds=100.0, stages={name: Stage(value, 13) for name, value in seconds.items()})


@pytest.mark.parametrize(
    ("record", "stage"),
    [
        (stages(infer=80.0, read=300.0, decode=20.0), "infer"),
        (stages(list=60.0, infer=10.0), "list"),
        (stages(infer=20.0, read=300.0, decode=50.0), "read"),
        (stages(infer=20.0, read=30.0, decode=50.0), "decode"),
        (stages(infer=1.0, read=1.0), "start-up"),
        (replace(RECORD, seconds=None), ""),
        (replace(RECORD, counts=Counts(5, skipped=5)), ""),
    ],
)
def test_the_bottleneck_is_what_the_rest_waited_for(record: RunRecord, stage: str) -> None:
    assert bottleneck(record)["stage"] == stage
    assert bool(messages.bottleneck(bottleneck(record))) == bool(stage)


def nights(count: int) -> list[dict[str, object]]:
    outcomes = [COMMITTED, NOTHING_NEW, STORE_DOWN]
    records = [
        replace(RECORD, run_id=f"202601{n // 60:02}T{n % 60:02}0000Z-00000000", outcome=outcomes[n % 3])
        for n in range(count)
    ]
    return [summary_of(record, {}) for record in records]


def test_the_index_shows_the_newest_night_first_and_links_each_report() -> None:
    html = index.page(nights(5))
    links = [value for name, value in acted_upon(html).attributes if name == "href"]
    assert links == [f"{night['run_id']}.html" for night in reversed(nights(5))]
    assert "Last night: nothing new" in html


def test_the_index_says_when_the_last_good_night_was() -> None:
    assert "the last good night was 2026-01-02" in index.page(nights(3))
    assert "No night has run yet" in index.page([])


def test_the_index_stays_small_over_years() -> None:
    html = index.page(nights(1500))
    assert len(html) < 700_000 and "The last 1,000 of 1,500 runs" in html


METRIC = re.compile(r'[a-z_]+(\{([a-z]+="[a-z0-9_-]*",?)*\})? -?[0-9.e+-]+')


def test_metrics_are_lines_that_prometheus_reads() -> None:
    text = metrics.text([(RECORD, {"drift": {}})], now=1767322800.25, last_success=1767322800.25)
    lines = text.splitlines()
    assert text.endswith("\n") and all(METRIC.fullmatch(line) for line in lines if not line.startswith("#"))
    assert 'melanoma_photographs{model="m-000000000001",outcome="scored"} 10' in lines
    assert 'melanoma_failures{model="m-000000000001",kind="timeout"} 1' in lines
    assert "melanoma_success_timestamp_seconds 1767322800.25" in lines
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
