"""Findings as counts: of what, between which sides or labels, and out of how many."""

from dataclasses import replace

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.sets import Sets
from melanoma.audit.summary import FindingGroup, SetSummary, count_affected, group_findings, summarise_sets
from tests.helpers.labelled import Audited, labelled

SETS = Sets(
    [labelled("a"), labelled("b"), labelled("c", "melanoma"), labelled("d"), labelled("e", "melanoma", "d", "L1")],
    ["train", "train", "train", "test", "test"],
    ["", "", "", "", ""],
    ["", "", "", "", ""],
    {"train": "/data/train", "test": "/data/test"},
    {"train": 0, "test": 2},
)


def test_leaks_are_counted_between_sides_and_out_of_the_smaller_one() -> None:
    leaks = [Finding(Kind.LEAK, Basis.ID, 0, 3, 5), Finding(Kind.LEAK, Basis.ID, 2, 4, 5)]
    (group,) = group_findings(SETS, leaks)
    assert group == FindingGroup(Kind.LEAK, Basis.ID, "train", "test", (0, 1), 2)
    assert (group.where, group.out_of) == ("test and train", "of 2 test")


def test_labels_are_counted_between_labels_and_named_in_full() -> None:
    (group,) = group_findings(SETS, [Finding(Kind.LABELS, Basis.CONTENT, 3, 4)])
    assert (group.first, group.second, group.of) == ("nevus", "melanoma", 2)
    assert (group.where, group.out_of) == ("melanoma and melanocytic nevus", "of 2 melanoma")


def test_a_contradicted_label_comes_after_that_of_the_reference() -> None:
    (group,) = group_findings(SETS, [Finding(Kind.LABELS, Basis.REFERENCE, 0, detail="basal_cell_carcinoma")])
    assert (group.first, group.second, group.of) == ("basal_cell_carcinoma", "nevus", 3)
    assert group.where == "melanocytic nevus, basal cell carcinoma in the reference"


def test_copies_within_a_side_are_counted_as_photographs_and_near_duplicates_as_pairs() -> None:
    copies, near = group_findings(
        SETS,
        [
            Finding(Kind.DUPLICATE, Basis.CONTENT, 0, 1),
            Finding(Kind.DUPLICATE, Basis.NEAR, 0, 2),
            Finding(Kind.DUPLICATE, Basis.NEAR, 1, 2),
        ],
    )
    assert (copies.where, copies.out_of) == ("train", "of 3 train")
    assert (near.where, near.out_of) == ("train", "pairs")


def test_divided_groups_are_counted_as_pairs() -> None:
    (group,) = group_findings(SETS, [Finding(Kind.GROUPS, Basis.CONTENT, 3, 4)])
    assert (group.of, group.out_of) == (None, "pair")


def test_groups_are_sorted_by_kind_then_basis_then_size() -> None:
    findings = [
        Finding(Kind.BROKEN, Basis.DECODER, 0),
        Finding(Kind.DUPLICATE, Basis.NEAR, 3, 4),
        Finding(Kind.DUPLICATE, Basis.NEAR, 0, 1),
        Finding(Kind.DUPLICATE, Basis.NEAR, 0, 2),
        Finding(Kind.DUPLICATE, Basis.CONTENT, 0, 1),
        Finding(Kind.LEAK, Basis.GROUP, 0, 3),
    ]
    assert [(group.kind, group.basis, group.first, group.findings) for group in group_findings(SETS, findings)] == [
        (Kind.LEAK, Basis.GROUP, "train", (5,)),
        (Kind.DUPLICATE, Basis.CONTENT, "train", (4,)),
        (Kind.DUPLICATE, Basis.NEAR, "train", (2, 3)),
        (Kind.DUPLICATE, Basis.NEAR, "test", (1,)),
        (Kind.BROKEN, Basis.DECODER, "train", (0,)),
    ]


def test_no_findings_have_no_groups(dirty: Audited) -> None:
    assert group_findings(dirty.sets, []) == []


def test_each_affected_photograph_counts_once_for_each_kind() -> None:
    findings = [
        Finding(Kind.LEAK, Basis.CONTENT, 0, 3),
        Finding(Kind.LEAK, Basis.ID, 0, 3),
        Finding(Kind.LEAK, Basis.ID, 0, 4),
        Finding(Kind.BROKEN, Basis.DECODER, 0),
    ]
    assert count_affected(findings) == {
        Kind.LEAK: 3,
        Kind.LABELS: 0,
        Kind.GROUPS: 0,
        Kind.DUPLICATE: 0,
        Kind.BROKEN: 1,
    }


def test_a_set_is_summarised_by_its_photographs_images_groups_and_labels() -> None:
    sets = replace(SETS, parts=["", "", "", "b", "a"])
    assert summarise_sets(sets, {0: "truncated", 4: "corrupt"}) == [
        SetSummary("train", "/data/train", 3, 3, 3, 0, 1, {"nevus": 2, "melanoma": 1}, {}),
        SetSummary("test", "/data/test", 2, 1, 2, 2, 1, {"nevus": 1, "melanoma": 1}, {"b": 1, "a": 1}),
    ]
