"""A report page describes the run and contains no script and no remote address."""

import re
from dataclasses import replace

import pytest

from melanoma.reporting.messages import Headline
from melanoma.reporting.page import head, page
from melanoma.reporting.style import STYLE
from melanoma.runs.records import COMMITTED, KILLED, Counts, RunRecord
from tests.helpers.reports import HOSTILE, RECORD, Page, content_of, reported


def test_a_page_has_its_sections_in_order() -> None:
    found = Page(page(reported(RECORD, content_of())))
    wanted = [
        "Run of 2026-01-02",
        "Committed: 10 photographs scored, 3 failed, 2 deferred",
        *("2 photographs left for the next run, which starts with them", "a root is empty"),
        "Every photograph accounted for",
        "What failed",
        "Where the time went",
        "Predicted classes",
        "Distribution of the probabilities",
        "A sample for quality control",
    ]
    assert [text for text in found.texts[1:] if text in wanted] == wanted
    assert found.is_closed and found.texts[-1].startswith("These are probabilities from a statistical model, not a")


def test_a_page_identifies_the_run() -> None:
    texts = Page(page(reported(replace(RECORD, adopted=1234)))).texts
    for name, value in (
        ("run", RECORD.run_id),
        ("model", "m-000000000001"),
        ("duration", "48 min"),
        ("table", "version 118"),
        ("resumed", "1,234 rows scored by a killed run"),
    ):
        assert texts[texts.index(name) + 1] == value


def test_unknown_facts_about_a_killed_run_are_left_out() -> None:
    found = Page(page(reported(RunRecord("r", "2026-01-02", "m", KILLED, Counts()))))
    assert "The run was killed" in found.text
    assert not {"duration", "table", "resumed"} & set(found.texts) and found.elements["h2"] == 0


def test_hostile_names_add_no_active_content_or_remote_address() -> None:
    html = page(reported(replace(RECORD, warnings=(HOSTILE,)), content_of()))
    found = Page(html)
    assert not {"script", "img", "iframe", "object", "link", "form"} & set(found.elements)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert found.links == ["index.html", "m-000000000001.html"]
    assert "\x1b" not in html and "default-src 'none'" in html
    assert not re.search(r"https?://", html)


@pytest.mark.parametrize("level", ["good", "look", "bad"])
def test_the_first_line_is_coloured_by_its_level(level: str) -> None:
    found = Page(head(Headline(level, "All <well>")))
    assert found.classes == {"head": 1, level: 1} and found.texts == ["All <well>"]
    assert f".head.{level} " in STYLE


def test_too_many_failures_are_in_the_headline() -> None:
    record = replace(RECORD, outcome=COMMITTED, counts=Counts(listed=20, scored=10, failed=10))
    texts = Page(page(reported(record))).texts
    assert texts[2] == "Too many failures: 10 photographs scored, 10 failed"
    assert texts[3].startswith("10 of 20 photographs failed (50.0%, limit 5.0% by --max-failed)")


def test_every_class_of_a_page_has_a_style() -> None:
    found = Page(page(reported(RECORD, content_of())))
    unstyled = {name for name in found.classes if not re.search(rf"\.{name}\b", STYLE)}
    assert unstyled <= {"muted", "scroll", "cards", "note", "warning"}  # the style sheet of every page has these
