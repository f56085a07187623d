"""A table that knows photographs by id: which labels it contradicts, and which groups it adds."""

from pathlib import Path

import pytest

from melanoma.datasets.label_tables import Columns
from melanoma.datasets.reference import (
    Reference,
    apply_reference,
    contradict_each_other,
    contradicts,
    read_reference,
)
from melanoma.errors import DataError, UsageError
from tests.helpers.labelled import labelled


def test_a_contradicted_label_is_dropped_and_the_rest_gets_the_known_lesion() -> None:
    reference = Reference({"a": "actinic_keratosis", "b": "nevus"}, {"b": "L7"})
    photographs = [labelled("a"), labelled("b", group="own"), labelled("c", group="own")]
    assert [(p.image_id, p.group) for p in apply_reference(photographs, reference)] == [("b", "L7"), ("c", "own")]


@pytest.mark.parametrize(
    ("known", "label", "expected"),
    [
        ("nevus", "nevus", False),
        ("nevus", "melanoma", True),
        ("benign_keratosis", "pigmented_benign_keratosis", False),
        ("benign_keratosis", "seborrheic_keratosis", False),
        ("actinic_keratosis", "squamous_cell_carcinoma", False),
        ("actinic_keratosis", "nevus", True),
        ("pigmented_benign_keratosis", "benign_keratosis", True),
        ("benign_keratosis", "melanoma", True),
        ("seborrheic_keratosis", "pigmented_benign_keratosis", True),
    ],
)
def test_a_coarse_label_contradicts_only_what_it_does_not_include(known: str, label: str, expected: bool) -> None:
    assert contradicts(known, label) is expected
    assert bool(apply_reference([labelled("a", label)], Reference({"a": known}, {}))) is not expected


def test_two_labels_conflict_only_if_neither_includes_the_other() -> None:
    assert not contradict_each_other("benign_keratosis", "seborrheic_keratosis")
    assert not contradict_each_other("seborrheic_keratosis", "benign_keratosis")
    assert contradict_each_other("nevus", "melanoma")
    assert not contradict_each_other("nevus", "nevus")


def test_an_id_is_found_as_it_is_or_as_the_original_of_a_copy() -> None:
    reference = Reference({"ISIC_1": "nevus", "ISIC_2(1)": "nevus", "ISIC_3": "nevus", "ISIC_3(1)": "melanoma"}, {})
    assert reference.id_of("ISIC_1") == "ISIC_1"
    assert reference.id_of("ISIC_1 - Copy") == "ISIC_1"
    assert reference.id_of("ISIC_2") == "ISIC_2(1)"
    assert reference.id_of("ISIC_3(1)") == "ISIC_3(1)"
    assert reference.id_of("ISIC_3 (2)") == "ISIC_3 (2)", "two rows could be meant"
    assert reference.id_of("ISIC_4") == "ISIC_4"


def test_a_copy_of_a_known_photograph_is_judged_by_it() -> None:
    reference = Reference({"ISIC_1": "melanoma"}, {"ISIC_1": "L1"})
    kept = apply_reference([labelled("ISIC_1(1)"), labelled("ISIC_1(2)", "melanoma")], reference)
    assert [(p.image_id, p.group) for p in kept] == [("ISIC_1(2)", "L1")]


def test_a_reference_is_read_by_slug_and_repeated_rows_are_harmless(tmp_path: Path) -> None:
    table = tmp_path / "metadata.csv"
    table.write_text("image_id,dx,lesion_id\na,nv,L1\na,nv,L1\nb,akiec,\n")
    reference = read_reference(str(table), Columns("image_id", "dx", "lesion_id"))
    assert reference == Reference({"a": "nevus", "b": "actinic_keratosis"}, {"a": "L1"})


def test_lesions_named_after_photographs_are_told_apart(tmp_path: Path) -> None:
    table = tmp_path / "metadata.csv"
    table.write_text("image_id,dx,lesion_id\na,nv,b\nb,nv,\n")
    assert read_reference(str(table), Columns("image_id", "dx", "lesion_id")).group_of == {"a": "group b"}


@pytest.mark.parametrize("rows", ["a,nv,L1\na,mel,L1\n", "a,nv,L1\na,nv,L2\n"])
def test_a_reference_that_contradicts_itself_is_refused(tmp_path: Path, rows: str) -> None:
    table = tmp_path / "metadata.csv"
    table.write_text(f"image_id,dx,lesion_id\n{rows}")
    with pytest.raises(
        DataError, match=r"a has two labels or groups \(number of such ids: 1\); keep one row for each id"
    ):
        read_reference(str(table), Columns("image_id", "dx", "lesion_id"))
    with pytest.raises(UsageError, match="no column 'lesion'"):
        read_reference(str(table), Columns("image_id", "dx", "lesion"))
