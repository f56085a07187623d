"""Pages fit a phone: what is wider scrolls by itself; benchmarks/report_pictures.py measures it in a browser."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from melanoma.audit.page import page as audit_page
from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.pages.evaluation import page as evaluation_page
from melanoma.reporting.index import index_page
from melanoma.reporting.judging import judge
from melanoma.reporting.limits import Limits
from melanoma.reporting.model_page import ModelSetting, model_page
from melanoma.reporting.page import page
from melanoma.reporting.verdict import ReportedRun
from melanoma.runs.records import COMMITTED
from tests.helpers.labelled import labelled, set_of
from tests.helpers.predictions import random_predictions
from tests.helpers.reports import RECORD, content_of, summaries

PHONE = 390 - 32  # CSS pixels, without the margins of the page
PAGES: dict[str, Callable[[], str]] = {
    "report": lambda: page(ReportedRun(RECORD, content_of(), judge(RECORD, {}, Limits()))),
    "index": lambda: index_page(summaries(COMMITTED, COMMITTED)),
    "model": lambda: model_page("m-000000000001", _judged_runs(), ModelSetting()),
    "evaluation": lambda: evaluation_page(evaluate(random_predictions(100), seed=0), "Evaluation"),
    "audit": lambda: audit_page(set_of(labelled("a"), labelled("b", "melanoma")), [], {}, 0),
}


def _judged_runs() -> list:  # type: ignore[type-arg]
    return [{**run, "drift": 0.1, "drift_earlier": 0.1, "seen": content_of()["seen"]} for run in summaries(COMMITTED)]


class Layout(HTMLParser):
    """The elements of a page that neither scroll by themselves nor become cards.

    Attributes:
        elements: Name and attributes of each of them.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._scrolling: list[bool] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        is_inside = any(self._scrolling)
        if not is_inside:
            self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "img"):
            self._scrolling.append(bool({"scroll", "cards"} & set((dict(attrs).get("class") or "").split())))

    def handle_endtag(self, tag: str) -> None:
        self._scrolling.pop()


@pytest.fixture(params=PAGES)
def html(request: pytest.FixtureRequest) -> str:
    return PAGES[request.param]()


def test_every_table_scrolls_by_itself_or_becomes_cards(html: str) -> None:
    assert "<table" in html and not [tag for tag, _ in Layout(html).elements if tag == "table"]


def test_pictures_outside_of_scrolling_parts_take_the_width_that_they_get(html: str) -> None:
    style = html[html.index("<style>") : html.index("</style>")]
    for tag, attributes in Layout(html).elements:
        if tag == "svg":
            assert "width" not in attributes and "viewbox" in attributes
            assert re.search(r"(?m)(^|\})\s*svg \{[^}]*width: 100%", style)
            assert not _least_widths(style, (attributes.get("class") or "").split())
        if tag == "img":
            assert re.search(r"img \{[^}]*max-width: 100%", style)


def _least_widths(style: str, classes: list[str]) -> list[str]:
    """Returns the least widths, above that of a phone, that a style sheet gives pictures of these classes."""
    found = [rule for name in classes for rule in re.findall(rf"svg\.{name} \{{[^}}]*min-width: (\d+)px", style)]
    return [width for width in found if int(width) > PHONE]


def test_long_words_break(html: str) -> None:
    assert re.search(r"p, li \{[^}]*overflow-wrap: anywhere", html) and re.search(r"pre \{[^}]*pre-wrap", html)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html


def test_columns_of_grids_are_never_wider_than_a_phone(html: str) -> None:
    widths = [int(width) for width in re.findall(r"minmax\((\d+)px", html)]
    assert [width for width in widths if width > PHONE] == []
