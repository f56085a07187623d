"""One class, one column, however a data set spells it."""

import re

import pytest

from melanoma.errors import BundleError, DataError
from melanoma.labels import VOCABULARY, name_of, slug_of, slugify, slugs_of

HAM10000 = {
    "akiec": "actinic_keratosis",
    "bcc": "basal_cell_carcinoma",
    "bkl": "benign_keratosis",
    "df": "dermatofibroma",
    "mel": "melanoma",
    "nv": "nevus",
    "vasc": "vascular_lesion",
}
ISIC_NINE = {
    "actinic keratosis": "actinic_keratosis",
    "basal cell carcinoma": "basal_cell_carcinoma",
    "dermatofibroma": "dermatofibroma",
    "melanoma": "melanoma",
    "nevus": "nevus",
    "pigmented benign keratosis": "pigmented_benign_keratosis",
    "seborrheic keratosis": "seborrheic_keratosis",
    "squamous cell carcinoma": "squamous_cell_carcinoma",
    "vascular lesion": "vascular_lesion",
}


@pytest.mark.parametrize(("label", "slug"), [*HAM10000.items(), *ISIC_NINE.items()])
def test_public_data_sets_meet_in_one_vocabulary(label: str, slug: str) -> None:
    assert slug_of(label) == slug_of(label.upper()) == slug_of(label.replace(" ", "_")) == slug
    assert slug in VOCABULARY


def test_every_name_and_alias_leads_to_its_class_and_to_no_other() -> None:
    for slug, lesion_class in VOCABULARY.items():
        assert lesion_class.slug == slug and re.fullmatch("[a-z0-9_]+", slug)
        for spelling in (slug, lesion_class.name, *lesion_class.aliases):
            assert slug_of(spelling) == slug
        assert slug_of(name_of(slug)) == slug


def test_every_class_states_whether_it_is_malignant() -> None:
    malignant = {slug for slug, lesion_class in VOCABULARY.items() if lesion_class.malignant}
    assert malignant == {"melanoma", "basal_cell_carcinoma", "squamous_cell_carcinoma", "actinic_keratosis"}


@pytest.mark.parametrize(
    ("label", "slug"),
    [
        ("Lentigo NOS", "lentigo_nos"),
        ("Nævus—Spitz (2)", "n_vus_spitz_2"),
        ("  Café-au-lait  ", "cafe_au_lait"),
        ("ﬁbroma", "fibroma"),
        ("a\n\x1b[2Jb", "a_2jb"),
    ],
)
def test_labels_outside_the_vocabulary_become_plain_words(label: str, slug: str) -> None:
    assert slug_of(label) == slugify(label) == slug
    assert slugify(slug) == slug


@pytest.mark.parametrize("label", ["", " ", "???", "黒色腫", "__"])
def test_a_label_without_letters_is_refused(label: str) -> None:
    with pytest.raises(DataError, match="has no letter or digit of a-z, 0-9; rename it"):
        slug_of(label)


def test_names_are_for_people() -> None:
    assert name_of("nevus") == "Melanocytic nevus"
    assert name_of("lentigo_nos") == "Lentigo nos"


def test_slugs_keep_the_order_of_the_outputs() -> None:
    assert slugs_of(["nv", "Melanoma", "Lentigo NOS"]) == ("nevus", "melanoma", "lentigo_nos")


@pytest.mark.parametrize("labels", [["mel", "nv", "Melanoma"], ["lentigo nos", "Lentigo-NOS"], ["a", "a"]])
def test_two_labels_that_would_share_a_column_are_refused_by_name(labels: list[str]) -> None:
    with pytest.raises(BundleError, match="both become the column p_") as caught:
        slugs_of(labels)
    assert repr(labels[0]) in str(caught.value) and repr(labels[-1]) in str(caught.value)
