"""The label tables of public collections: the columns by which each is known, and what these hold."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from melanoma.labels import slugify

_ONE_HOT = ("MEL", "NV", "BCC", "AK", "AKIEC", "BKL", "DF", "VASC", "SCC", "UNK")
_LESION_AND_PATIENT = ("patient_id", "lesion_id")
_PAD = {"ack": "actinic keratosis", "nev": "nevus", "sek": "seborrheic keratosis"}
_ISIC = {"solar or actinic keratosis": "actinic keratosis"}
_ISIC_GROUPS = ("melanoma", "nevus", "basal cell carcinoma", "squamous cell carcinoma")


def same(label: str) -> str:
    """Returns a label as it stands in the table."""
    return label


def _isic_class(label: str) -> str:
    """Returns the class of a diagnosis such as `Melanoma in situ` or `Melanoma, NOS`."""
    plain = slugify(label).replace("_", " ")
    return next((group for group in _ISIC_GROUPS if plain.startswith(group)), _ISIC.get(plain, label))


def _derm7pt_class(label: str) -> str:
    """Returns the class of a diagnosis such as `melanoma (in situ)` or `clark nevus`."""
    if label.lower().startswith("melanoma"):
        return "melanoma"
    return "nevus" if label.lower().endswith("nevus") else label


def _pad_class(label: str) -> str:
    return _PAD.get(label.lower(), label)


def _one_hot_class(column: str) -> str:
    return "unknown" if column == "UNK" else column


@dataclass(frozen=True)
class KnownTable:
    """A table of a public collection.

    Attributes:
        name: Its name, for people.
        image_id: Column of the photograph.
        labels: Column of the class, or the columns of which one holds 1.
        needs: Columns by which the table is known, besides that of the photograph.
        groups: Columns of the lesion and patient, where the table has them.
        class_of: From the table's word for a class to one that `labels.slug_of` knows.
        otherwise: Class of a row in which no column of a class holds 1; empty for none. Such a table has no other
            columns than those that are needed, for one of them might hold another class.
    """

    name: str
    image_id: str
    labels: tuple[str, ...]
    needs: tuple[str, ...]
    groups: tuple[str, ...] = _LESION_AND_PATIENT
    class_of: Callable[[str], str] = same
    otherwise: str = ""

    def is_known_by(self, header: Collection[str]) -> bool:
        """Returns whether a table with these column names is of this collection."""
        needed = {self.image_id, *self.needs}
        return needed == set(header) if self.otherwise else needed <= set(header)


KNOWN_TABLES = (
    KnownTable("ISIC Archive", "isic_id", ("diagnosis_3",), ("diagnosis_3",), class_of=_isic_class),
    KnownTable("ISIC Archive", "isic_id", ("diagnosis",), ("diagnosis", "benign_malignant"), class_of=_isic_class),
    KnownTable("ISIC challenge 2024", "isic_id", ("iddx_3",), ("iddx_3",), class_of=_isic_class),
    KnownTable(
        "ISIC challenge 2020", "image_name", ("diagnosis",), ("diagnosis", "benign_malignant"), class_of=_isic_class
    ),
    KnownTable(
        "ISIC challenge 2017",
        "image_id",
        ("melanoma", "seborrheic_keratosis"),
        ("melanoma", "seborrheic_keratosis"),
        otherwise="nevus",
    ),
    KnownTable("PAD-UFES-20", "img_id", ("diagnostic",), ("diagnostic",), class_of=_pad_class),
    KnownTable("Derm7pt", "derm", ("diagnosis",), ("clinic", "diagnosis"), ("case_num",), _derm7pt_class),
    KnownTable("HAM10000", "image_id", ("dx",), ("dx",), ("lesion_id",)),
    KnownTable("BCN20000", "bcn_filename", ("diagnosis",), ("diagnosis",), ("lesion_id",)),
    KnownTable("Fitzpatrick17k", "md5hash", ("label",), ("label", "nine_partition_label"), ()),
    KnownTable("DDI", "DDI_file", ("disease",), ("disease",), (), _isic_class),
    *(
        KnownTable(
            "ISIC challenge (a column for each class)", image_id, _ONE_HOT, ("MEL", "NV"), class_of=_one_hot_class
        )
        for image_id in ("image", "image_id", "isic_id")
    ),
)
