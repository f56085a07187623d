"""Parts of the page escape every text that they are given."""

import pytest

from melanoma.audit.page_parts import document, pair, photograph, table, tile

HOSTILE = '<b onclick="x">'
ESCAPED = "&lt;b onclick=&quot;x&quot;&gt;"


@pytest.mark.parametrize(
    "html",
    [
        tile(HOSTILE, "name", "text"),
        tile("1", HOSTILE, "text"),
        tile("1", "name", HOSTILE),
        table([HOSTILE], [["cell"]], range(0)),
        table(["head"], [[HOSTILE]], range(0)),
        photograph(None, HOSTILE),
        photograph(None, "label", HOSTILE),
        pair([], HOSTILE, has_conflict=False),
        document(HOSTILE),
    ],
)
def test_texts_are_escaped(html: str) -> None:
    assert HOSTILE not in html
    assert ESCAPED in html


def test_a_table_aligns_its_columns_of_numbers() -> None:
    assert table(["Set", "Count"], [["a", "1"]], range(1, 2)) == (
        '<div class="scroll"><table>'
        '<thead><tr><th>Set</th><th class="number">Count</th></tr></thead>'
        '<tbody><tr><td>a</td><td class="number">1</td></tr></tbody>'
        "</table></div>"
    )


def test_a_photograph_without_a_thumbnail_says_so_and_empty_texts_are_left_out() -> None:
    assert photograph(None, "Nevus", "a", "") == (
        '<figure><div class="frame">unreadable</div><figcaption><div class="label">Nevus</div>'
        '<div class="id">a</div></figcaption></figure>'
    )
    assert '<img src="data:x" alt="">' in photograph("data:x", "Nevus")


def test_conflicting_labels_are_coloured() -> None:
    assert pair(["<i></i>"], "text", has_conflict=True) == (
        '<div class="pair clash"><div class="two"><i></i></div><p>text</p></div>'
    )
    assert 'class="pair"' in pair([], "text", has_conflict=False)


def test_a_document_forbids_scripts_and_keeps_its_parts_in_order() -> None:
    html = document("Title", "<p>one</p>", "", "<p>two</p>")
    assert "default-src 'none'" in html
    assert html.index("<h1>Title</h1>") < html.index("<p>one</p>") < html.index("<p>two</p>")
    assert ".pair" in html
