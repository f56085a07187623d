"""What is taken out before a split, and which photographs belong together."""

from pathlib import Path

import pytest

from melanoma.datasets.cleaning import clean, drop_conflicting_labels, drop_copies
from melanoma.datasets.folders import read_folders
from melanoma.datasets.label_tables import Columns
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.reference import Reference, apply_reference, read_reference
from melanoma.errors import DataError, UsageError


def lesion(image_id: str, label: str, content: str, group: str = "") -> Photograph:
    return Photograph(image_id, f"file:///{label}/{image_id}.jpg", content, label, group or image_id)


def test_a_label_that_the_reference_contradicts_is_dropped_and_the_rest_learns_its_lesion() -> None:
    reference = Reference({"a": "actinic_keratosis", "b": "nevus"}, {"b": "L7"})
    photographs = [lesion("a", "nevus", "1"), lesion("b", "nevus", "2"), lesion("c", "nevus", "3")]
    assert [(p.image_id, p.group) for p in apply_reference(photographs, reference)] == [("b", "L7"), ("c", "c")]


@pytest.mark.parametrize(
    ("known", "filed", "kept"),
    [
        ("benign_keratosis", "pigmented_benign_keratosis", True),
        ("benign_keratosis", "seborrheic_keratosis", True),
        ("actinic_keratosis", "squamous_cell_carcinoma", True),
        ("actinic_keratosis", "nevus", False),
        ("pigmented_benign_keratosis", "benign_keratosis", False),
        ("benign_keratosis", "melanoma", False),
    ],
)
def test_a_coarse_label_contradicts_only_what_it_does_not_include(known: str, filed: str, kept: bool) -> None:
    assert bool(apply_reference([lesion("a", filed, "1")], Reference({"a": known}, {}))) is kept


def test_every_copy_under_two_labels_is_dropped() -> None:
    photographs = [lesion("a", "nevus", "1"), lesion("b", "melanoma", "1"), lesion("c", "melanoma", "2")]
    assert [p.image_id for p in drop_conflicting_labels(photographs)] == ["c"]


def test_the_first_of_equal_contents_is_kept_and_order_stays() -> None:
    photographs = [lesion("c", "nevus", "1"), lesion("a", "nevus", "2"), lesion("b", "nevus", "1")]
    assert [p.image_id for p in drop_copies(photographs)] == ["c", "a"]


def test_groups_that_share_a_content_become_one_at_any_remove() -> None:
    photographs = [
        lesion("a", "nevus", "1", "L1"),
        lesion("b", "nevus", "1", "L2"),
        lesion("c", "nevus", "2", "L2"),
        lesion("d", "nevus", "2", "L3"),
        lesion("e", "nevus", "3", "L3"),
        lesion("f", "nevus", "4", "L4"),
    ]
    group_of = {p.image_id: p.group for p in drop_copies(photographs)}
    assert group_of["a"] == group_of["c"] == group_of["e"] != group_of["f"]


def test_a_photograph_without_a_lesion_joins_its_namesake_of_another_source() -> None:
    photographs = [lesion("x", "nevus", "small"), lesion("x", "nevus", "large", "L1"), lesion("y", "nevus", "2", "L1")]
    assert len({p.group for p in drop_copies(photographs)}) == 1


def test_the_reference_saves_the_rightly_filed_copy() -> None:
    photographs = [lesion("a", "nevus", "1"), lesion("a", "actinic_keratosis", "1")]
    kept, steps = clean(photographs, Reference({"a": "actinic_keratosis"}, {}))
    assert [p.label for p in kept] == ["actinic_keratosis"]
    assert [(step.dropped, step.left) for step in steps] == [(1, 1), (0, 1), (0, 1)]


def test_without_a_reference_neither_copy_can_be_trusted() -> None:
    photographs = [lesion("a", "nevus", "1"), lesion("a", "actinic_keratosis", "1")]
    kept, steps = clean([*photographs, lesion("b", "nevus", "2"), lesion("c", "nevus", "2")], None)
    assert [p.image_id for p in kept] == ["b"]
    assert [(step.dropped, step.left) for step in steps] == [(2, 2), (1, 1)]


def test_a_reference_is_read_by_slug_and_repeats_of_a_row_are_no_matter(tmp_path: Path) -> None:
    table = tmp_path / "metadata.csv"
    table.write_text("image_id,dx,lesion_id\na,nv,L1\na,nv,L1\nb,akiec,\n")
    reference = read_reference(str(table), Columns("image_id", "dx", "lesion_id"))
    assert reference == Reference({"a": "nevus", "b": "actinic_keratosis"}, {"a": "L1"})


def test_a_reference_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "metadata.csv"
    table.write_text("image_id,dx\na,nv\na,mel\n")
    with pytest.raises(DataError, match="1 ids have two labels or groups, a first"):
        read_reference(str(table), Columns("image_id", "dx"))
    with pytest.raises(UsageError, match="no column 'lesion'"):
        read_reference(str(table), Columns("image_id", "dx", "lesion"))


def test_the_nine_class_photographs_lose_what_is_known_to_be_wrong(data: Path) -> None:
    reference = read_reference(str(data / "ham10000/metadata.csv"), Columns("image_id", "dx", "lesion_id"))
    found = read_folders(str(data / "isic9/Train")) + read_folders(str(data / "isic9/Test"))
    kept, steps = clean(found, reference)
    assert [step.dropped for step in steps] == [76, 160, 4]
    assert len(kept) == len({p.sha256 for p in kept}) == 2119
    lesions = {reference.group_of[p.image_id] for p in kept if p.image_id in reference.group_of}
    assert lesions <= {p.group for p in kept}
