"""The vocabulary of lesion classes: slug, full name, aliases in public data sets, malignant or not."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from melanoma.errors import BundleError, DataError


@dataclass(frozen=True)
class LesionClass:
    """One class of lesion.

    Attributes:
        slug: Name in columns and files, `[a-z0-9_]+`.
        name: Full English name.
        aliases: Codes and spellings of HAM10000 and the ISIC challenges, lower case.
        malignant: Whether the class is malignant or, for actinic keratosis, a precursor.
    """

    slug: str
    name: str
    aliases: tuple[str, ...]
    malignant: bool


_CLASSES = (
    LesionClass("melanoma", "Melanoma", ("mel", "malignant melanoma", "melanomas"), True),
    LesionClass(
        "nevus",
        "Melanocytic nevus",
        ("nv", "nevi", "naevus", "naevi", "melanocytic nevi", "melanocytic naevus", "melanocytic naevi"),
        False,
    ),
    LesionClass("basal_cell_carcinoma", "Basal cell carcinoma", ("bcc",), True),
    LesionClass("actinic_keratosis", "Actinic keratosis", ("ak", "akiec", "actinic keratoses"), True),
    LesionClass(
        "benign_keratosis",
        "Benign keratosis",
        ("bkl", "benign keratosis-like lesion", "benign keratosis-like lesions", "benign keratoses"),
        False,
    ),
    LesionClass("dermatofibroma", "Dermatofibroma", ("df",), False),
    LesionClass("vascular_lesion", "Vascular lesion", ("vasc", "vascular lesions"), False),
    LesionClass("squamous_cell_carcinoma", "Squamous cell carcinoma", ("scc",), True),
    LesionClass(
        "seborrheic_keratosis",
        "Seborrheic keratosis",
        ("sk", "seborrheic keratoses", "seborrhoeic keratosis", "seborrhoeic keratoses"),
        False,
    ),
    LesionClass("pigmented_benign_keratosis", "Pigmented benign keratosis", ("pbk",), False),
)

_NO_GROUP = frozenset({"", "-", "?", "n/a", "na", "nan", "nil", "none", "null", "unknown"})

VOCABULARY: dict[str, LesionClass] = {lesion_class.slug: lesion_class for lesion_class in _CLASSES}


def slugify(label: str) -> str:
    """Returns a label in `[a-z0-9_]`: accents are dropped, and anything else between words becomes one underscore.

    Raises:
        DataError: `label` has no letter or digit.
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", label) if not unicodedata.combining(letter))
    slug = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    if not slug:
        raise DataError(f"label {label!r} has no letter or digit of a-z, 0-9; rename it")
    return slug


_BY_ALIAS = {
    slugify(alias): lesion_class.slug
    for lesion_class in _CLASSES
    for alias in (lesion_class.slug, lesion_class.name, *lesion_class.aliases)
}


def stated_group(text: str) -> str:
    """Returns a lesion's or patient's name as a table states it, or `""` for a word such as `unknown` or `n/a`."""
    name = text.strip()
    return "" if name.lower() in _NO_GROUP else name


def slug_of(label: str) -> str:
    """Returns the slug of a label: that of its class in the vocabulary, else the label itself as a slug.

    Example:
        >>> slug_of("akiec"), slug_of("Basal cell carcinoma"), slug_of("Lentigo NOS")
        ('actinic_keratosis', 'basal_cell_carcinoma', 'lentigo_nos')
    """
    own = slugify(label)
    return _BY_ALIAS.get(own, own)


def name_of(slug: str) -> str:
    """Returns the full name of a class; a slug outside the vocabulary gets spaces for its underscores."""
    known = VOCABULARY.get(slug)
    return known.name if known else slug.replace("_", " ").capitalize()


def slugs_of(labels: Sequence[str]) -> tuple[str, ...]:
    """Returns the slugs of a bundle's labels, in their order.

    Raises:
        BundleError: Two labels have the same slug, so that one column would have to hold both.
    """
    slugs = tuple(slug_of(label) for label in labels)
    for index, slug in enumerate(slugs):
        first = slugs.index(slug)
        if first != index:
            raise BundleError(
                f"labels {labels[first]!r} and {labels[index]!r} both become the column p_{slug}; rename one of them"
            )
    return slugs
