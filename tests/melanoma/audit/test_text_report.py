"""What an audit prints."""

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.sets import Sets
from melanoma.audit.text_report import aligned, text_report
from tests.helpers.labelled import Audited, labelled, set_of


def test_columns_are_aligned_and_empty_ones_are_left_out() -> None:
    rows = [("set", "", "count", "of"), ("a", "", "1,000", "two"), ("long", "", "7", "")]
    assert aligned(rows, range(2, 3)) == [
        "set   count  of",
        "a     1,000  two",
        "long      7",
    ]


def test_clean_sets_have_a_line_each_and_nothing_else() -> None:
    assert text_report(set_of(labelled("a"), labelled("b", group="a")), [], {}) == [
        "set    photographs  images  groups",
        "train            2       2       1",
        "",
        "nothing found: no leaks, contradictory labels, divided groups, duplicates or unreadable files",
    ]


def test_the_parts_of_a_split_are_named() -> None:
    photographs = [labelled("a"), labelled("b"), labelled("c")]
    lines = text_report(set_of(*photographs, parts=("train", "train", "test")), [], {})
    assert lines[2] == "train: compared by part: train 2, test 1"


def test_rows_without_a_photograph_are_counted_beside_their_set() -> None:
    photographs = [labelled("a"), labelled("b")]
    sets = Sets(photographs, ["x", "y"], ["", ""], ["", ""], {"x": "/x", "y": "/y"}, {"x": 0, "y": 1234})
    assert text_report(sets, [], {})[:3] == [
        "set                           photographs  images  groups",
        "x                                       1       1       1",
        "y    1,234 listed but absent            1       1       1",
    ]


def test_findings_are_grouped_and_affected_photographs_are_counted(dirty: Audited) -> None:
    lines = text_report(dirty.sets, dirty.findings, dirty.unreadable)
    assert lines[3:6] == [
        "",
        "finding               where                                         known by                count",
        "leaks                 test and train                                near duplicate              1  of 4 test",
    ]
    assert lines[-1] == (
        "photographs affected: leaks 4, contradictory labels 5, divided groups 0, duplicates 4, unreadable files 1"
    )
    assert not [line for line in lines if "lesion-0" in line]


def test_each_kind_and_basis_has_six_lines_at_most_and_the_largest_counts() -> None:
    """Eight labels contradict melanoma, the first of them eight times, the last once."""
    labels = [f"label_{number}" for number in range(8)]
    findings = [
        Finding(Kind.LABELS, Basis.ID, 0, 1 + number)
        for number in range(len(labels))
        for _ in range(len(labels) - number)
    ]
    photographs = [labelled("m", "melanoma"), *(labelled(label, label) for label in labels)]
    lines = text_report(set_of(*photographs), findings, {})
    counted = [line.split() for line in lines if line.startswith("contradictory labels")]
    assert [" ".join(words[2:]) for words in counted] == [
        f"label {number} and melanoma same id {8 - number} of 1 label {number}" for number in range(6)
    ]
    assert "lines with smaller counts: 2, in audit.json under --output" in lines
