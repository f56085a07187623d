"""A finer label counts as the class that includes it, and only where a model was not asked about the finer one."""

import pytest

from melanoma.datasets.label_subclasses import includes, nearest_class
from melanoma.labels import slug_of

HAM = ("melanoma", "nevus", "basal_cell_carcinoma", "actinic_keratosis", "benign_keratosis", "vascular_lesion")


@pytest.mark.parametrize(("label", "expected"), [
    ("Seborrheic keratosis", "benign_keratosis"), ("solar lentigo", "benign_keratosis"),
    ("Lichen planus like keratosis", "benign_keratosis"), ("pigmented benign keratosis", "benign_keratosis"),
    ("irritated seborrheic keratosis", "benign_keratosis"), ("bkl", "benign_keratosis"),
    ("melanoma in situ", "melanoma"), ("Lentigo maligna", "melanoma"), ("blue nevus", "nevus"),
    ("Reed or Spitz nevus", "nevus"), ("Bowen's disease", "actinic_keratosis"), ("Hemangioma", "vascular_lesion"),
    ("lentigo simplex", "lentigo_simplex"), ("scc", "squamous_cell_carcinoma"), ("dermatofibroma", "dermatofibroma"),
])  # fmt: skip
def test_a_label_counts_as_the_class_of_ham10000_that_includes_it(label: str, expected: str) -> None:
    assert nearest_class(slug_of(label), HAM) == expected


@pytest.mark.parametrize(("known", "expected"), [
    (("benign_keratosis", "seborrheic_keratosis"), "seborrheic_keratosis"),
    (("benign_keratosis", "pigmented_benign_keratosis"), "benign_keratosis"),
    (("pigmented_benign_keratosis", "nevus"), "seborrheic_keratosis"),
])  # fmt: skip
def test_the_nearest_class_counts_and_a_sister_never(known: tuple[str, ...], expected: str) -> None:
    assert nearest_class("seborrheic_keratosis", known) == expected


def test_bowens_disease_is_a_squamous_cell_carcinoma_where_the_model_knows_that() -> None:
    assert nearest_class("bowen_s_disease", (*HAM, "squamous_cell_carcinoma")) == "squamous_cell_carcinoma"


def test_a_class_includes_neither_itself_nor_a_wider_one() -> None:
    assert includes("benign_keratosis", "solar_lentigo")
    assert not includes("benign_keratosis", "benign_keratosis")
    assert not includes("solar_lentigo", "benign_keratosis")
