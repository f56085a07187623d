"""One vocabulary of lesion classes: slug, full name, aliases of the public data sets, malignant or not."""

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
        aliases: Short codes and spellings of HAM10000 and the ISIC challenges, lower case.
        malignant: Whether the class counts as malignant or, for actinic keratosis, as its precursor.
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
    """Spells a label in `[a-z0-9_]`: accents dropped, everything else between words an underscore.

    Raises:
        DataError: Nothing of `label` is left.
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", label) if not unicodedata.combining(letter))
    slug = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    if not slug:
        raise DataError(f"label {label!r} has no letter or digit of a-z, 0-9; give it a name that has")
    return slug


_BY_ALIAS = {
    slugify(alias): lesion_class.slug
    for lesion_class in _CLASSES
    for alias in (lesion_class.slug, lesion_class.name, *lesion_class.aliases)
}


def stated_group(text: str) -> str:
    """Gives a lesion's or patient's name as a table states it; empty where it says in some way that none is known."""
    name = text.strip()
    return "" if name.lower() in _NO_GROUP else name


def slug_of(label: str) -> str:
    """Gives the slug of a label: the vocabulary's where it knows the label, else the label's own.

    Example:
        >>> slug_of("akiec"), slug_of("Basal cell carcinoma"), slug_of("Lentigo NOS")
        ('actinic_keratosis', 'basal_cell_carcinoma', 'lentigo_nos')
    """
    own = slugify(label)
    return _BY_ALIAS.get(own, own)


def name_of(slug: str) -> str:
    """Gives the full name of a slug, for people; a slug outside the vocabulary with blanks for underscores."""
    known = VOCABULARY.get(slug)
    return known.name if known else slug.replace("_", " ").capitalize()


def slugs_of(labels: Sequence[str]) -> tuple[str, ...]:
    """Gives the slugs of a bundle's labels, in their order.

    Raises:
        BundleError: Two labels give one slug, so that one column would have to hold both.
    """
    slugs = tuple(slug_of(label) for label in labels)
    for index, slug in enumerate(slugs):
        first = slugs.index(slug)
        if first != index:
            raise BundleError(
                f"labels {labels[first]!r} and {labels[index]!r} both become the column p_{slug}; "
                "name them so that they differ"
            )
    return slugs
