"""What a listing says about a file: version, size, type and time."""

import contextlib
import datetime
from typing import Any, NamedTuple

from melanoma.storage.archive_spans import Span

UNADDRESSABLE = "not Unicode"


class StoredFile(NamedTuple):
    """One entry of a listing.

    Attributes:
        uri: Canonical URI.
        version: Changes whenever the content does: etag, generation, checksum, or time and size; `UNADDRESSABLE` for a
            file whose name cannot be written as a URI.
        size: Bytes; -1 where the store does not report it.
        regular: False for links, pipes and devices, which are never opened.
        modified: UTC time of the last change; None where the store does not report it.
        span: Where a member of an archive lies in its bytes; None for another file, or where it cannot be told.
    """

    uri: str
    version: str
    size: int
    regular: bool
    modified: datetime.datetime | None = None
    span: Span | None = None


def version_of(info: dict[str, Any]) -> str:
    """Returns the part of fsspec's file info that changes when the content does."""
    for key in ("generation", "ETag", "etag", "md5", "md5Hash"):
        if info.get(key):
            return str(info[key]).strip('"')
    for key in ("CRC", "mtime", "LastModified", "last_modified", "updated", "created"):
        if info.get(key) is not None:
            when = info[key]
            return f"{when.isoformat() if hasattr(when, 'isoformat') else when}-{info.get('size')}"
    return f"size-{info.get('size')}"


def strong_etag(etag: str) -> str:
    """Returns an etag without quotes, and without the mark of a weak one, with which some gateways replace it."""
    return etag.removeprefix("W/").strip('"')


def modified_in(info: dict[str, Any]) -> datetime.datetime | None:
    """Returns the UTC time of the last change in fsspec's file info, or None where it has no readable time."""
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
