"""One photograph to score, and the digests by which it is known."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from melanoma.storage import StoredFile

DIGEST_BYTES = 16


class ImageRef(NamedTuple):
    """One photograph to score.

    Attributes:
        uri: Canonical URI.
        version: What changes when the content does; empty where there is nothing.
        size: Bytes; -1 where the store does not say.
        image_id: What the analyst knows it by.
        kept: Values of the manifest's kept columns, in their order.
        attempt: 1 for the first try of this version with this model.
        location: Where it lies, if not at `uri`.
    """

    uri: str
    version: str
    size: int
    image_id: str
    kept: tuple[Any, ...] = ()
    attempt: int = 1
    location: str = ""

    @property
    def stored(self) -> StoredFile:
        """What the store said of it, where it lies."""
        return StoredFile(self.location or self.uri, self.version, self.size, True)


def digest_of(uri: str, version: str) -> bytes:
    """Names one version of one photograph in 16 bytes."""
    return hashlib.blake2b(f"{uri}\0{version}".encode(), digest_size=DIGEST_BYTES).digest()


def adoption_key(uri: str, version: str, image_id: str, kept: Sequence[Any]) -> bytes:
    """Names one version of one photograph, and what the analyst knows of it, in 32 bytes; the first 16 are its digest.

    Columns of another manifest's that hold nothing do not count.
    """
    known = list(kept)
    while known and known[-1] is None:
        known.pop()
    return (
        digest_of(uri, version) + hashlib.blake2b(repr((image_id, known)).encode(), digest_size=DIGEST_BYTES).digest()
    )


def distinct(refs: Sequence[ImageRef]) -> list[ImageRef]:
    """Drops all but one of the refs to one URI, and puts the rest in an order that does not depend on the runner."""
    by_uri = {ref.uri: ref for ref in sorted(refs, key=lambda ref: (ref.uri, ref.version, ref.image_id))}
    return list(by_uri.values())
