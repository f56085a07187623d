"""Ids of photographs, and of the photographs that they are copies of."""

import re

from melanoma.images.decoding import IMAGE_EXTENSIONS
from melanoma.storage import stem_of

# What browsers and desktops append to the name of a copy, and the ISIC Archive to that of a smaller version.
_COPY_MARK = re.compile(r"(?i)( ?\(\d+\)| - copy|_downsampled)+$")


def original_id(image_id: str) -> str:
    """Returns an id without folder, file extension and the marks of a copy.

    Example:
        >>> original_id("clinic 1/ISIC_0025601(1).jpg")
        'ISIC_0025601'
    """
    name = stem_of(image_id) if image_id.lower().endswith(tuple(IMAGE_EXTENSIONS)) else image_id
    return _COPY_MARK.sub("", name) or name
