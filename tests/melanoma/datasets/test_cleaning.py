"""What is removed before a split, and which photographs then belong together."""

from pathlib import Path

from melanoma.datasets.cleaning import clean, drop_conflicting_labels, drop_copies
from melanoma.datasets.folders import read_folders
from melanoma.datasets.label_tables import Columns
from melanoma.datasets.reference import Reference, read_reference
from tests.helpers.labelled import labelled


def test_every_copy_of_an_image_with_two_labels_is_dropped() -> None:
    photographs = [labelled("a", "nevus", "1"), labelled("b", "melanoma", "1"), labelled("c", "melanoma", "2")]
    assert [p.image_id for p in drop_conflicting_labels(photographs)] == ["c"]


def test_copies_with_one_label_have_no_conflict() -> None:
    photographs = [labelled("a", "nevus", "1"), labelled("b", "nevus", "1")]
    assert drop_conflicting_labels(photographs) == photographs


def test_the_first_of_identical_images_is_kept_and_the_order_stays() -> None:
    photographs = [labelled("c", content="1"), labelled("a", content="2"), labelled("b", content="1")]
    assert [p.image_id for p in drop_copies(photographs)] == ["c", "a"]


def test_groups_that_share_an_image_become_one_through_other_groups_too() -> None:
    photographs = [
        labelled("a", content="1", group="L1"),
        labelled("b", content="1", group="L2"),
        labelled("c", content="2", group="L2"),
        labelled("d", content="2", group="L3"),
        labelled("e", content="3", group="L3"),
        labelled("f", content="4", group="L4"),
    ]
    group_of = {p.image_id: p.group for p in drop_copies(photographs)}
    assert group_of["a"] == group_of["c"] == group_of["e"] != group_of["f"]


def test_a_photograph_without_a_lesion_joins_its_namesake_of_another_source() -> None:
    photographs = [
        labelled("x", content="small"),
        labelled("x", content="large", group="L1"),
        labelled("y", content="2", group="L1"),
    ]
    assert {p.group for p in drop_copies(photographs)} == {"L1"}


def test_the_reference_saves_the_copy_with_the_right_label() -> None:
    photographs = [labelled("a", "nevus", "1"), labelled("a", "actinic_keratosis", "1")]
    kept, steps = clean(photographs, Reference({"a": "actinic_keratosis"}, {}))
    assert [p.label for p in kept] == ["actinic_keratosis"]
    assert steps == [
        ("label contradicted by the reference", 1, 1),
        ("identical images with conflicting labels", 0, 1),
        ("further copies of an image", 0, 1),
    ]


def test_without_a_reference_neither_copy_can_be_trusted() -> None:
    photographs = [labelled("a", "nevus", "1"), labelled("a", "actinic_keratosis", "1")]
    cleaned = clean([*photographs, labelled("b", content="2"), labelled("c", content="2")], None)
    assert [p.image_id for p in cleaned.photographs] == ["b"]
    assert [(step.dropped, step.left) for step in cleaned.steps] == [(2, 2), (1, 1)]


def test_cleaning_clean_data_removes_nothing() -> None:
    photographs = [labelled("a"), labelled("b", "melanoma")]
    cleaned = clean(photographs, None)
    assert cleaned.photographs == photographs
    assert [(step.dropped, step.left) for step in cleaned.steps] == [(0, 2), (0, 2)]


def test_known_defects_of_the_nine_class_photographs_are_removed(data: Path) -> None:
    reference = read_reference(str(data / "ham10000/metadata.csv"), Columns("image_id", "dx", "lesion_id"))
    found = read_folders(str(data / "isic9/Train")) + read_folders(str(data / "isic9/Test"))
    kept, steps = clean(found, reference)
    assert [step.dropped for step in steps] == [76, 160, 4]
    assert len(kept) == len({p.sha256 for p in kept}) == 2119
    lesions = {reference.group_of[p.image_id] for p in kept if p.image_id in reference.group_of}
    assert lesions <= {p.group for p in kept}
