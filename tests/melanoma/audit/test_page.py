"""The page of an audit: counts, examples side by side, and nothing that a browser would load or run."""

import re
from dataclasses import replace

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.page import page
from tests.helpers.labelled import Audited, labelled, set_of

HOSTILE = "<script>alert(1)</script>"
THREE = set_of(labelled("a"), labelled("b", "melanoma"), labelled("c", "seborrheic_keratosis", group="L1"))


def text_of(html: str) -> str:
    """Returns a page as plain text, tags as blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL))


def test_the_page_shows_the_photographs_and_loads_nothing(dirty: Audited) -> None:
    html = page(dirty.sets, dirty.findings, dirty.unreadable, 24)
    assert "default-src 'none'" in html
    assert html.count('src="data:image/jpeg;base64,') == html.count("<img ") == 13
    assert "http" not in html.replace("http-equiv", "")
    assert "one turned or mirrored" in html
    assert "1 shown above" in html


def test_the_page_warns_that_it_is_private_and_not_a_diagnosis(dirty: Audited) -> None:
    text = text_of(page(dirty.sets, [], {}, 24))
    assert "do not publish it" in text
    assert "Nothing here is a diagnosis" in text


def test_the_tiles_count_affected_photographs(dirty: Audited) -> None:
    html = page(dirty.sets, dirty.findings, dirty.unreadable, 0)
    tiles = re.findall(r'class="tile (\w*)"><b>(\d+)</b><span>([^<]+)</span>', html)
    assert tiles == [
        ("bad", "4", "Leaks"),
        ("bad", "5", "Contradictory labels"),
        ("good", "0", "Divided groups"),
        ("", "4", "Duplicates"),
        ("", "1", "Unreadable files"),
    ]


def test_the_tables_name_sets_and_findings(dirty: Audited) -> None:
    html = page(dirty.sets, dirty.findings, dirty.unreadable, 0)
    text = text_of(html)
    assert "train – 11 9 10 2 1 0" in text, "photographs, images, groups, labels, unreadable, absent"
    assert '<td class="number">1</td><td>of 4 test</td>' in html
    assert "Leaks test and train near duplicate 1 of 4 test" in text
    assert "Contradictory labels melanocytic nevus, melanoma in the reference reference 1 of" in text


def test_the_parts_of_a_set_are_counted() -> None:
    sets = replace(THREE, parts=["train", "train", "test"], absent={"train": 1234})
    assert "train train 2, test 1 3 3 3 3 0 1,234" in text_of(page(sets, [], {}, 0))


def test_a_page_without_findings_has_no_table_of_them() -> None:
    html = page(THREE, [], {}, 24)
    assert "<h2>Sets</h2>" in html
    assert "<h2>Findings</h2>" not in html and "<h3>" not in html
    assert html.count('class="tile good"') == 5


def test_names_are_escaped() -> None:
    sets = set_of(labelled(HOSTILE, group=HOSTILE), labelled("b"), name=HOSTILE)
    html = page(sets, [Finding(Kind.DUPLICATE, Basis.CONTENT, 0, 1, 0)], {}, 1)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_examples_are_limited_and_the_rest_is_counted(dirty: Audited) -> None:
    many = [Finding(Kind.LEAK, Basis.CONTENT, 0, second, 0) for second in range(1, 8)]
    html = page(dirty.sets, many, {}, 3)
    assert html.count('class="pair"') + html.count('class="pair clash"') == 3
    assert "and 4 more in findings.csv" in html
    assert page(dirty.sets, many, {}, 0).count("<img ") == 0
    assert ">7 more in findings.csv" in page(dirty.sets, many, {}, 0)


def test_the_pairs_that_look_least_alike_come_first() -> None:
    pairs = [
        Finding(Kind.DUPLICATE, Basis.NEAR, first, second, bits) for first, second, bits in ((0, 1, 3), (0, 2, 30))
    ]
    text = text_of(page(THREE, pairs, {}, 2))
    assert text.index("30 of 256 bits") < text.index("3 of 256 bits")


def test_a_pair_is_shown_once_for_each_kind() -> None:
    pair = {"first": 0, "second": 1, "distance": 0}
    findings = [
        Finding(Kind.LABELS, Basis.CONTENT, **pair),
        Finding(Kind.LABELS, Basis.ID, **pair),
        Finding(Kind.DUPLICATE, Basis.CONTENT, **pair),
    ]
    html = page(THREE, findings, {}, 24)
    assert html.count('class="pair') - html.count('class="pairs"') == 2
    assert html.count("1 shown above") == 1


def test_labels_are_coloured_only_where_they_conflict() -> None:
    def conflicts(*findings: Finding) -> int:
        return page(THREE, list(findings), {}, 24).count("pair clash")

    assert conflicts(Finding(Kind.LEAK, Basis.ID, 0, 1)) == 1
    assert conflicts(Finding(Kind.LEAK, Basis.ID, 0, 0)) == 0
    assert conflicts(Finding(Kind.LABELS, Basis.REFERENCE, 0, detail="melanoma")) == 1
    assert conflicts(Finding(Kind.BROKEN, Basis.DECODER, 0, detail="truncated")) == 0


def test_a_photograph_shows_its_label_id_side_and_group() -> None:
    sets = replace(THREE, photographs=[labelled("a", ""), *THREE.photographs[1:]])
    text = text_of(page(sets, [Finding(Kind.DUPLICATE, Basis.NEAR, 0, 2, 9)], {}, 1))
    assert "unreadable no label a train unreadable Seborrheic keratosis c train group L1 near duplicate; 9 of" in text
