"""Erases photographs permanently: afterwards no row, data file or staged row under the output names them."""

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute

from melanoma import storage
from melanoma.errors import ReadError, UsageError
from melanoma.runs import staging
from melanoma.table import corrections
from melanoma.table.forgotten import Forgotten
from melanoma.table.layout import OutputLayout
from melanoma.table.score_table import ScoreTable


@dataclass(frozen=True)
class Erased:
    """What an erasure did.

    Attributes:
        asked: Number of photographs to erase.
        unknown: Number of them without a row in the score table.
        rows: Number of rows deleted.
        files: Number of data files deleted.
        staged: Number of staged files deleted.
    """

    asked: int
    unknown: int
    rows: int
    files: int
    staged: int


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
    uris = {uri for name in spellings for uri in (name, _canonical(name))}
    if not uris:
        raise UsageError(f"{path}: lists no photographs; write one URI per line")
    return sorted(uris)


def _canonical(uri: str) -> str:
    try:
        return storage.canonical(uri)
    except (ReadError, UsageError):
        return uri


def erase(table: ScoreTable, uris: Collection[str]) -> Erased:
    """Erases photographs permanently; running it again completes an interrupted erasure.

    The order matters: once the hash of a photograph is stored, no run scores it again, whatever happens later.

    Args:
        table: The score table at its current version; no run may be active on it.
        uris: Every spelling of the photographs' URIs.

    Raises:
        UsageError: There is no score table.
        NothingCommittedError: The store or the disk failed; run it again.
    """
    table.refresh()  # refuses where there is no table, before a hash is stored
    Forgotten.add(table.layout, uris)
    corrections.forget(table.layout, uris)
    staged = _erase_staged(table.layout, uris)
    wanted = pa.array(sorted(uris), pa.string())
    table.refresh()  # a run that could not be seen may have committed meanwhile
    known = table.rows(["image_uri"], pa.compute.field("image_uri").isin(wanted))
    if known.num_rows:
        table.rewrite_without(wanted)
    files = table.vacuum_at_once().files
    found = {uri.strip() for uri in known["image_uri"].to_pylist()}
    asked = {_canonical(uri.strip()) for uri in uris}
    return Erased(len(asked), len(asked - found), known.num_rows, files, staged)


def _erase_staged(layout: OutputLayout, uris: Collection[str]) -> int:
    """Removes staged files that name a photograph, and all deferred lists, whose digests could be guessed."""
    erased, needles = 0, [uri.encode() for uri in uris]
    for uri in staging.everything(layout):
        data = storage.read_bytes(uri)
        # Staged rows are not compressed, so a name appears in them byte for byte, even in a damaged file.
        if layout.is_deferred(uri) or any(needle in data for needle in needles):
            storage.erase(uri)
            erased += 1
    return erased
