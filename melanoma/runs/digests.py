"""Digests of photographs, and sorted arrays of them: 16 or 32 bytes an entry, whatever the length of the names."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from melanoma import storage
from melanoma.images import dicom_tags
from melanoma.ingest.image_refs import DIGEST_BYTES, ImageRef, adoption_key, digest_of
from melanoma.table.schema import kept_names

Digests = npt.NDArray[np.bytes_]
ADOPTION_KEY_BYTES = 2 * DIGEST_BYTES


def digests_in(rows: pa.Table | pa.RecordBatch) -> list[bytes]:
    """Returns the digest of (uri, version) of every row."""
    pairs = zip(rows["image_uri"].to_pylist(), rows["image_version"].to_pylist(), strict=True)
    return [digest_of(uri, version) for uri, version in pairs]


def adoption_keys_in(rows: pa.Table) -> list[bytes]:
    """Returns the adoption key of every row: a staged row is adopted only if the manifest still says the same."""
    kept = [rows[name].to_pylist() for name in kept_names(rows.schema) if name not in dicom_tags.KEPT]
    kept_of_row = zip(*kept, strict=True) if kept else [()] * rows.num_rows
    columns = (rows[name].to_pylist() for name in ("image_uri", "image_version", "image_id"))
    return [adoption_key(*values) for values in zip(*columns, kept_of_row, strict=True)]


def adoption_key_of(ref: ImageRef) -> bytes:
    """Returns the adoption key of a listed photograph."""
    return adoption_key(ref.uri, ref.version, ref.image_id, ref.kept)


def name_digest(uri: str, version: str) -> bytes:
    """Returns the digest of a photograph's name and version, in whatever folder."""
    return digest_of(storage.name_of(uri), version)


class PackedDigests:
    """Digests of one size, end to end in one piece of memory: a list of them takes four times as much."""

    def __init__(self, digests: Iterable[bytes] = (), size: int = DIGEST_BYTES) -> None:
        """Packs digests.

        Args:
            digests: Of `size` bytes each.
            size: Number of bytes of each.
        """
        self._size, self._data = size, bytearray()
        self.extend(digests)

    def extend(self, digests: Iterable[bytes]) -> None:
        """Adds digests."""
        for digest in digests:
            self._data += digest

    def extend_packed(self, data: bytes) -> None:
        """Adds digests that are packed already; a part of one at the end is left out."""
        self._data += data[: len(data) - len(data) % self._size]

    def __add__(self, other: "PackedDigests") -> "PackedDigests":
        """Returns these digests and others of the same size."""
        both = PackedDigests(size=self._size)
        both._data = self._data + other._data
        return both

    def __eq__(self, other: object) -> bool:
        """Compares digests and their order."""
        return isinstance(other, PackedDigests) and (self._size, self._data) == (other._size, other._data)

    def __len__(self) -> int:
        """Returns the number of digests."""
        return len(self._data) // self._size

    def __iter__(self) -> Iterator[bytes]:
        """Yields the digests in the order in which they came."""
        return (bytes(self._data[start : start + self._size]) for start in range(0, len(self._data), self._size))

    def sorted(self) -> Digests:
        """Sorts the digests where they are, and returns them as an array; from then on none can be added."""
        digests: Digests = np.frombuffer(self._data, dtype=f"S{self._size}")
        digests.sort()
        return digests


def sorted_digests(digests: Iterable[bytes], size: int = DIGEST_BYTES) -> Digests:
    """Returns digests as a sorted array.

    Args:
        digests: Of `size` bytes each, in any order.
        size: Number of bytes of each.
    """
    packed = digests if isinstance(digests, PackedDigests) else PackedDigests(digests, size)
    return packed.sorted()


def unique(digests: Digests) -> Digests:
    """Returns each digest of a sorted array once, in its order."""
    is_first = first_of_each(digests)
    return digests if is_first.all() else digests[is_first]


def first_of_each(digests: Digests) -> npt.NDArray[np.bool_]:
    """Tells which entries of a sorted array differ from the one before; returns bool (n,)."""
    is_first = np.ones(len(digests), bool)
    is_first[1:] = digests[1:] != digests[:-1]
    return is_first


def are_in(known: Digests, digests: Sequence[bytes]) -> npt.NDArray[np.bool_]:
    """Tells which digests are in a sorted array.

    Args:
        known: S16 or S32 (n,), sorted.
        digests: Of as many bytes each.

    Returns:
        bool (m,), one entry a digest.
    """
    return places_in(known, digests) >= 0


def places_in(known: Digests, digests: Sequence[bytes]) -> npt.NDArray[np.intp]:
    """Finds digests in a sorted array.

    Compares arrays, since a NumPy scalar drops the zero bytes at its end.

    Args:
        known: S16 or S32 (n,), sorted.
        digests: Of as many bytes each.

    Returns:
        intp (m,), the place of each digest, or -1 where it is not there.
    """
    wanted = np.array(digests, dtype=known.dtype)
    if not len(known):
        return np.full(len(wanted), -1, np.intp)
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[places] == wanted, places, -1)
