"""A photograph to score, and the digests that identify it."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.storage import Span, StoredFile

DIGEST_BYTES = 16


class ImageRef(NamedTuple):
    """One photograph to score.

    Attributes:
        uri: Canonical URI under which the score table knows it.
        version: Changes whenever the content does; empty if the file could not be found.
        size: Bytes; -1 if the store does not report it.
        image_id: Id of the photograph for analysts.
        kept: Values of the columns kept from the manifest, in their order.
        attempt: Number of the attempt to score this version with a model, from 1.
        location: Canonical URI where it is stored, if not at `uri`.
        span: Where it lies in the bytes of an archive; None for another file.
    """

    uri: str
    version: str
    size: int
    image_id: str
    kept: tuple[Any, ...] = ()
    attempt: int = 1
    location: str = ""
    span: Span | None = None

    @property
    def stored(self) -> StoredFile:
        """The file, as the store listed it."""
        return StoredFile(self.location or self.uri, self.version, self.size, True, span=self.span)


def digest_of(uri: str, version: str) -> bytes:
    """Returns the digest of one version of one photograph, however its store is spelled: 16 bytes."""
    return hashlib.blake2b(f"{storage.plain(uri)}\0{version}".encode(), digest_size=DIGEST_BYTES).digest()


def adoption_key(uri: str, version: str, image_id: str, kept: Sequence[Any]) -> bytes:
    """Returns the key by which a staged row is matched to a photograph: 32 bytes, the first 16 are its digest.

    The key covers the id and the kept values, so that a row staged under a corrected manifest does not match. Empty
    values at the end do not count: another manifest of the same run may have added their columns.

    Args:
        uri: Canonical URI.
        version: Version of the photograph.
        image_id: Id of the photograph for analysts.
        kept: Values of the columns kept from the manifest, in their order.
    """
    values = list(kept)
    while values and values[-1] is None:
        values.pop()
    described = hashlib.blake2b(repr((image_id, values)).encode(), digest_size=DIGEST_BYTES).digest()
    return digest_of(uri, version) + described


def distinct(refs: Sequence[ImageRef]) -> list[ImageRef]:
    """Returns one ref for each URI, in an order that does not depend on the runner."""
    by_uri = {ref.uri: ref for ref in sorted(refs, key=lambda ref: (ref.uri, ref.version, ref.image_id))}
    return list(by_uri.values())


class Renaming(NamedTuple):
    """A folder of photographs, and the folder under which the score table knows them.

    Attributes:
        folder: Canonical URI of the folder, without a slash at its end.
        base: Canonical URI of the other folder, without a slash at its end.
    """

    folder: str
    base: str

    @classmethod
    def from_folder_to(cls, folder: str, base: str) -> "Renaming":
        """Returns the renaming between two folders, given as URIs or paths."""
        return cls(storage.canonical(folder).rstrip("/"), storage.canonical(base).rstrip("/"))

    def applied_to(self, ref: ImageRef) -> ImageRef:
        """Returns a photograph under the name that the score table knows, with its location beside it.

        Raises:
            UsageError: The photograph is not below the folder.
        """
        if not ref.uri.startswith(f"{self.folder}/"):
            raise UsageError(
                f"{self.folder}: --uri-base needs a folder, not a file, a glob or an archive; give the folder with "
                "--images"
            )
        return ref._replace(uri=self.base + ref.uri[len(self.folder) :], location=ref.uri)
