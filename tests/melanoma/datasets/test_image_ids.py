"""The id that a photograph and its copies share."""

import pytest

from melanoma.datasets.image_ids import original_id


@pytest.mark.parametrize(
    "copy",
    [
        "ISIC_1",
        "ISIC_1(1)",
        "ISIC_1 (2)",
        "ISIC_1 - Copy",
        "ISIC_1 - copy (3)",
        "ISIC_1_downsampled",
        "ISIC_1_downsampled(1).png",
        "clinic 1/ISIC_1.JPG",
    ],
)
def test_folders_extensions_and_marks_of_copies_are_removed(copy: str) -> None:
    assert original_id(copy) == "ISIC_1"


@pytest.mark.parametrize("name", ["(1)", "patient.7", "ISIC_1(a)", "copy", "nevus (1) left", "ISIC_10"])
def test_endings_that_do_not_mark_a_copy_are_kept(name: str) -> None:
    assert original_id(name) == name


def test_an_id_without_the_extension_of_a_photograph_keeps_its_slashes() -> None:
    assert original_id("clinic/7(1)") == "clinic/7"
