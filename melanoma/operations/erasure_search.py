"""Finds what has to be erased: the photographs of a list, their rows, their bytes, and copies under other names."""

import hashlib
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute

from melanoma import storage
from melanoma.errors import PhotographError, ReadError, UsageError
from melanoma.images import decoding
from melanoma.table.score_table import ScoreTable

_READERS = 16


@dataclass(frozen=True)
class Found:
    """What the score table and the stores know of the photographs that are to be erased.

    Attributes:
        uris: Every spelling of their URIs.
        asked: Number of photographs.
        unknown: Number of them without a row in the score table.
        unread: Number of them whose bytes neither the table nor their store has: only their names can be remembered.
        rows: Number of rows under these URIs.
        contents: sha256 of their bytes, hex, in all versions that are known.
        copies: Other URIs under which the table has the same bytes.
        copied_rows: Number of rows with these bytes under other URIs.
    """

    uris: frozenset[str]
    asked: int
    unknown: int
    unread: int
    rows: int
    contents: frozenset[str]
    copies: frozenset[str]
    copied_rows: int

    @property
    def names(self) -> frozenset[str]:
        """Everything that a file under the output could call the photographs."""
        return self.uris | self.copies

    @property
    def all_rows(self) -> int:
        """Number of all rows that have to go."""
        return self.rows + self.copied_rows


def read_uris(path: str) -> list[str]:
    """Reads the list of photographs to erase: one URI or path per line; empty lines are ignored.

    Args:
        path: URI or path of a UTF-8 text file.

    Returns:
        Every spelling of their URIs that the score table may contain, sorted.

    Raises:
        UsageError: The file cannot be read, or lists no photographs.
    """
    try:
        lines = storage.read_bytes(storage.canonical(path)).decode("utf-8-sig").split("\n")
    except (ReadError, UnicodeDecodeError):
        raise UsageError(f"{path}: cannot be read; write one URI per line, as UTF-8") from None
    # The photograph or its archive may be gone, so the line itself also counts as a spelling. Leading and trailing
    # spaces may belong to the name.
    spellings = {name for line in lines if line.strip() for name in (line.removesuffix("\r"), line.strip())}
    uris = {uri for name in spellings for uri in (name, *storage.spellings(_canonical(name)))}
    if not uris:
        raise UsageError(f"{path}: lists no photographs; write one URI per line")
    return sorted(uris)


def _canonical(uri: str) -> str:
    try:
        return storage.canonical(uri)
    except (ReadError, UsageError):
        return uri


def find(table: ScoreTable, uris: Collection[str]) -> Found:
    """Looks for photographs in the score table and in their stores; changes nothing.

    The table has the digests of the bytes that were scored; the store may have a newer version by now.

    Args:
        table: The score table.
        uris: Every spelling of the photographs' URIs.

    Raises:
        UsageError: There is no score table, or one of its data files is gone or damaged.
        NothingCommittedError: The store of the table does not answer.
    """
    named, asked = frozenset(uris), sorted({_canonical(uri.strip()) for uri in uris})
    rows = _rows_with(table, "image_uri", named).to_pylist()
    # Bytes that are no photograph, such as those of an empty file or an error page, belong to nobody.
    digests = [(_plain(row), row["image_sha256"]) for row in rows if row["image_sha256"] and row["width"]]
    with ThreadPoolExecutor(_READERS) as pool:
        digests += [(uri, sha256) for uri, sha256 in zip(asked, pool.map(_digest, asked), strict=True) if sha256]
    contents = frozenset(sha256 for _, sha256 in digests)
    copied = [uri for uri in _rows_with(table, "image_sha256", contents)["image_uri"].to_pylist() if uri not in named]
    return Found(
        uris=named,
        asked=len(asked),
        unknown=len(set(asked) - set(map(_plain, rows))),
        unread=len(set(asked) - {uri for uri, _ in digests}),
        rows=len(rows),
        contents=contents,
        copies=frozenset(copied),
        copied_rows=len(copied),
    )


def _plain(row: Mapping[str, Any]) -> str:
    return storage.plain(row["image_uri"].strip())


def _rows_with(table: ScoreTable, column: str, values: Collection[str]) -> pa.Table:
    is_wanted = pa.compute.field(column).isin(pa.array(sorted(values), pa.string()))
    return table.rows(["image_uri", "image_sha256", "width"], is_wanted)


def _digest(uri: str) -> str | None:
    """Returns the sha256 of a photograph's bytes; None where its store does not return them, or they are none."""
    try:
        stored = storage.stat(uri)
        if stored.size > decoding.MAX_BYTES:
            return None
        data = storage.read_bytes(stored.uri, stored)
        decoding.read_header(data)
    except (PhotographError, UsageError):
        return None
    return hashlib.sha256(data).hexdigest()
