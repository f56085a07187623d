"""What a store says of a file without giving it."""

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
    """

    uri: str
    version: str
    size: int
    regular: bool


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
