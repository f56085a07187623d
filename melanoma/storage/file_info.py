"""What a store says of a file without giving it."""

import contextlib
import datetime
from typing import Any, NamedTuple

UNADDRESSABLE = "not Unicode"


class StoredFile(NamedTuple):
    """One file of a listing.

    Attributes:
        uri: Canonical URI.
        version: What changes when the content does: etag, generation, checksum, or time and size; `UNADDRESSABLE` for
            a file whose name no URI can spell.
        size: Bytes; -1 where the store does not say.
        regular: False for links, pipes and devices, which are never opened.
        modified: UTC, when the store last saw it change; None where it does not say.
    """

    uri: str
    version: str
    size: int
    regular: bool
    modified: datetime.datetime | None = None


def version_of(info: dict[str, Any]) -> str:
    """Gives what of a store's answer changes when the content does."""
    for key in ("generation", "ETag", "etag", "md5", "md5Hash"):
        if info.get(key):
            return str(info[key]).strip('"')
    for key in ("CRC", "mtime", "LastModified", "last_modified", "updated", "created"):
        if info.get(key) is not None:
            when = info[key]
            return f"{when.isoformat() if hasattr(when, 'isoformat') else when}-{info.get('size')}"
    return f"size-{info.get('size')}"


def modified_in(info: dict[str, Any]) -> datetime.datetime | None:
    """Gives when the content last changed, UTC, as far as a store's answer says so."""
    for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
        with contextlib.suppress(ValueError, OverflowError, OSError):
            when = info.get(key)
            if isinstance(when, str):
                when = datetime.datetime.fromisoformat(when)
            if isinstance(when, int | float):
                return datetime.datetime.fromtimestamp(when, datetime.UTC)
            if isinstance(when, datetime.datetime):
                return when.astimezone(datetime.UTC) if when.tzinfo else when.replace(tzinfo=datetime.UTC)
    return None
