"""What every source of photographs lists, and what it leaves out by age."""

import datetime
from typing import Any, NamedTuple

from melanoma.ingest.image_refs import ImageRef
from melanoma.storage import StoredFile

OLDER = "older than --since"  # a heading under which ignored files are counted in the record of a run


class Listed(NamedTuple):
    """A photograph as a source lists it.

    Attributes:
        ref: The photograph.
        modified: UTC time of its last change; None where the store does not report it.
    """

    ref: ImageRef
    modified: datetime.datetime | None


def is_older(stored: StoredFile, since: datetime.date | None) -> bool:
    """Tells whether a file was last changed before a local date; None is no limit."""
    return since is not None and stored.modified is not None and stored.modified.astimezone().date() < since


def ref_to(stored: StoredFile, image_id: str, kept: tuple[Any, ...] = ()) -> ImageRef:
    """Returns the reference to a listed photograph, with its id and what is kept from a manifest."""
    return ImageRef(stored.uri, stored.version, stored.size, image_id, kept, span=stored.span)
