"""By what name a photograph and its copies are known."""

import re

from melanoma.images.decoding import IMAGE_EXTENSIONS
from melanoma.storage import stem_of

# What browsers and desktops append to the name of a copy, and the ISIC Archive to that of a reduced photograph.
_COPY = re.compile(r"(?i)( ?\(\d+\)| - copy|_downsampled)+$")


def bare(image_id: str) -> str:
    """Leaves of an id what names the photograph: no folder, extension or mark of a copy.

    Example:
        >>> bare("night/ISIC_0025601(1).jpg")
        'ISIC_0025601'
    """
    name = stem_of(image_id) if image_id.lower().endswith(tuple(IMAGE_EXTENSIONS)) else image_id
    return _COPY.sub("", name) or name
