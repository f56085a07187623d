"""Pages hold no script and no remote address, and every text in them is escaped."""

import re

import pytest

from melanoma.html_page import bullets, class_of, data_table, details, document, escaped, facts, paragraph, section
from tests.helpers.html_reader import HtmlReader

HOSTILE = "<script src='https://x'>&\"\x1b[2J\u202e"


@pytest.mark.parametrize(
    "build",
    [
        escaped,
        paragraph,
        lambda text: bullets([text]),
        lambda text: section(text),
        lambda text: document(text, []),
        lambda text: document("x", [], note=text),
    ],
)
def test_any_text_becomes_text_and_never_a_tag(build: object) -> None:
    page = build(HOSTILE)  # type: ignore[operator]
    read = HtmlReader(page)
    assert "script" not in read.tags and "<script src='https://x'>&\"" in read.text
    assert "\x1b" not in page and "\u202e" not in page and "\ufffd" in page


def test_a_page_allows_nothing_from_elsewhere() -> None:
    page = document("Title", [paragraph("text")], style=".x { color: red }")
    read = HtmlReader(page)
    assert read.tags[:3] == ["html", "head", "meta"]
    assert "content=\"default-src 'none'; img-src data:; style-src" in page
    assert not re.search(r"https?://|<script|<link|javascript:", page)
    assert page.startswith("<!doctype html>") and '<html lang="en">' in page
    assert ".x { color: red }" in page and "prefers-color-scheme: dark" in page


def test_parts_stand_in_order_between_the_title_and_the_note() -> None:
    page = document("Run of 2026-01-02", ["<p>first</p>", "", "<p>second</p>"], note="the end")
    text = HtmlReader(page).text
    places = [text.index(part) for part in ("Run of 2026-01-02", "first", "second", "the end")]
    assert places == sorted(places)
    assert page.count("<h1>Run of 2026-01-02</h1>") == 1 and page.count("<title>Run of 2026-01-02</title>") == 1
    assert "\n\n" not in page.split("</style>")[1]


def test_a_page_without_a_note_has_none() -> None:
    assert 'class="note"' not in document("x", []) and '<p class="note">n</p>' in document("x", [], note="n")


def test_small_parts_are_plain_html() -> None:
    assert section("A & B", "<p>1</p>", "", "<p>2</p>") == "<h2>A &amp; B</h2>\n<p>1</p>\n<p>2</p>"
    assert paragraph("a < b") == "<p>a &lt; b</p>"
    assert paragraph("a", "muted") == '<p class="muted">a</p>'
    assert bullets(["a", "<b>"]) == "<ul><li>a</li><li>&lt;b&gt;</li></ul>"
    assert bullets([]) == "<ul></ul>"
    assert (class_of(""), class_of("x y")) == ("", ' class="x y"')


def test_a_cell_has_the_name_of_its_column_for_cards_and_only_sentences_break() -> None:
    html = data_table(("a & b", "c"), [("<b>1</b>", "two words")], sentences={"c"})
    assert html == (
        '<div class="cards"><table><thead><tr><th scope="col">a &amp; b</th><th class="text" scope="col">c</th></tr>'
        "</thead>"
        '<tbody><tr><td data-name="a &amp; b"><b>1</b></td><td class="text" data-name="c">two words</td></tr></tbody>'
        "</table></div>"
    )


def test_facts_without_a_text_are_left_out_and_details_can_be_unfolded() -> None:
    assert facts({"run": "<b>", "table": ""}) == '<dl class="facts"><dt>run</dt><dd>&lt;b&gt;</dd></dl>'
    assert details("a < b", "<p>1</p>", "<p>2</p>") == "<details><summary>a &lt; b</summary><p>1</p><p>2</p></details>"


def test_other_values_are_shown_as_text_and_hard_spaces_stay() -> None:
    assert escaped(0.5) == "0.5" and escaped(None) == "None"
    assert escaped("1\N{NO-BREAK SPACE}234") == "1\N{NO-BREAK SPACE}234"
