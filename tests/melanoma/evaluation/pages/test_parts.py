"""The parts of a page: their HTML is well formed, and plain text stays plain text."""

import pytest

from melanoma.evaluation.pages.parts import card, document, estimate_cell, figure, grid, heat, table
from tests.helpers.html_reader import HtmlReader, read_page

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\"'&"


def test_a_document_has_title_parts_and_disclaimer() -> None:
    page = read_page(document(HOSTILE, ["<p>one</p>", "", "<p>two</p>"]))
    assert page.headings == ["<img src=x onerror=alert(1)>\N{REPLACEMENT CHARACTER}[2J\"'&"]
    assert page.text.index("one") < page.text.index("two") < page.text.index("not a clinical validation")


def test_a_card_shows_a_value_a_picture_and_texts() -> None:
    found = HtmlReader(card(HOSTILE, "<b>1</b>", "<svg></svg>", "first", HOSTILE))
    assert found.tags == ["div", "div", "div", "svg", "p", "p"]
    assert "<b>1</b>" in found.text and "first" in found.text
    assert found.values("class") == ["card", "name", "value"]


def test_a_figure_shows_a_picture_with_a_caption() -> None:
    found = HtmlReader(figure("<svg></svg>", HOSTILE, HOSTILE))
    assert found.tags == ["figure", "figcaption", "b", "svg"]
    assert found.text.count("<img src=x") == 2


def test_a_grid_states_the_width_of_its_parts() -> None:
    found = HtmlReader(grid(["<p>1</p>", "<p>2</p>"], wide=320))
    assert found.values("style") == ["--wide: 320px"]
    assert found.text == "12"


def test_a_table_escapes_its_head_and_keeps_the_html_of_its_cells() -> None:
    found = HtmlReader(table(("a<b", "c"), [["<b>1</b>", "2"], ["3", "4"]], "wide"))
    assert found.rows == [["a<b", "c"], ["1", "2"], ["3", "4"]]
    assert found.tags.count("b") == 1
    assert "wide" in found.values("class")


def test_a_table_without_rows_has_a_head() -> None:
    assert HtmlReader(table(("a", "b"), [])).rows == [["a", "b"]]


def test_a_cell_shows_a_metric_above_its_interval() -> None:
    found = HtmlReader(estimate_cell({"value": 0.5, "low": 0.25, "high": 0.75, "n": 4}))
    assert (found.tags, found.text) == (["br", "small"], "0.5000.250 to 0.750")
    assert estimate_cell(None) == "–"


def test_a_heat_map_shows_counts_and_shares_of_each_row() -> None:
    found = HtmlReader(heat("old \\ new", ["nevus", HOSTILE, "scar"], [[3, 1, 0], [0, 0, 0], [0, 0, 2000]]))
    assert [row[0] for row in found.rows] == ["old \\ new", "nevusn = 4", "scarn = 2,000"]
    assert found.rows[1][1:] == ["375%", "125%", "00%"]
    assert found.rows[2][1:] == ["00%", "00%", "2,000100%"]


@pytest.mark.parametrize(("count", "is_dark"), [(55, False), (56, True)])
def test_cells_above_the_limit_are_marked_as_dark(count: int, is_dark: bool) -> None:
    found = HtmlReader(heat("", ["a", "b"], [[count, 100 - count], [0, 1]]))
    shares = [value for value in found.values("style") if value]
    assert shares[0] == f"--share: {count}%"
    # The single photograph of the second row makes the other dark cell.
    assert found.values("class").count("dark") == 1 + is_dark
