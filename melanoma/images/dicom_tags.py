"""The elements of a DICOM file that may be kept in the score table: none names, dates or numbers a person."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_CODE, _NAME = re.compile(r"[A-Z0-9 _]{1,16}"), re.compile(r"[A-Za-z0-9 .,_/()+-]{1,64}")


class _Tag(NamedTuple):
    form: re.Pattern[str]
    keywords: tuple[str, ...]  # of the elements that hold it: the first that is filled counts


_TAGS = {
    "dicom_body_part": _Tag(_CODE, ("BodyPartExamined",)),
    "dicom_laterality": _Tag(_CODE, ("ImageLaterality", "Laterality")),
    "dicom_manufacturer": _Tag(_NAME, ("Manufacturer",)),
    "dicom_model": _Tag(_NAME, ("ManufacturerModelName",)),
    "dicom_lossy": _Tag(_CODE, ("LossyImageCompression",)),
}
KEPT = tuple(_TAGS)  # the names that may be asked for
KEPT_KEYWORDS = tuple(keyword for tag in _TAGS.values() for keyword in tag.keywords)


def kept_values(elements: Mapping[str, Any]) -> dict[str, str]:
    """Returns what a file says for each name of `KEPT` for which it says anything.

    Args:
        elements: Values by keyword; hostile. A value that is not of the form of its kind, such as one that runs over
            several lines, is left out.
    """
    found = dict[str, str]()
    for name, tag in _TAGS.items():
        values = (str(elements.get(keyword) or "").strip() for keyword in tag.keywords)
        if tag.form.fullmatch(value := next(filter(None, values), "")):
            found[name] = value
    return found
