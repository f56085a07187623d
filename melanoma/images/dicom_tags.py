"""The elements of a DICOM file that may be kept in the score table: none names, dates or numbers a person."""

import re
from collections.abc import Mapping
from typing import Any

# What may be asked for, and the keywords of the elements that hold it: the first that is filled counts.
_KEYWORDS = {
    "dicom_body_part": ("BodyPartExamined",),
    "dicom_laterality": ("ImageLaterality", "Laterality"),
    "dicom_manufacturer": ("Manufacturer",),
    "dicom_model": ("ManufacturerModelName",),
    "dicom_lossy": ("LossyImageCompression",),
}
KEPT = tuple(_KEYWORDS)
KEPT_KEYWORDS = tuple(keyword for keywords in _KEYWORDS.values() for keyword in keywords)
_CODES = ("dicom_body_part", "dicom_laterality", "dicom_lossy")
_CODE, _NAME = re.compile(r"[A-Z0-9 _]{1,16}"), re.compile(r"[A-Za-z0-9 .,_/()+-]{1,64}")


def kept_values(elements: Mapping[str, Any]) -> dict[str, str]:
    """Returns what a file says for each name of `KEPT` for which it says anything.

    Args:
        elements: Values by keyword; hostile. A value that is not of the form of its kind, such as one that runs over
            several lines, is left out.
    """
    found = dict[str, str]()
    for name, keywords in _KEYWORDS.items():
        form = _CODE if name in _CODES else _NAME
        values = (str(elements.get(keyword) or "").strip() for keyword in keywords)
        if (value := next(filter(None, values), None)) is not None and form.fullmatch(value):
            found[name] = value
    return found
