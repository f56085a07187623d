"""Forgets photographs: rows, data files, staged rows and report lines, so that no byte under the output names them."""

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute

from melanoma import storage
from melanoma.errors import ReadError, UsageError
from melanoma.runs import staging
from melanoma.table.forgotten import Forgotten
from melanoma.table.layout import OutputLayout
from melanoma.table.score_table import ScoreTable


@dataclass(frozen=True)
class Erased:
    """What was forgotten.

    Attributes:
        asked: Photographs.
        unknown: Of these, without a row in the table.
        rows: Deleted.
        files: Data files deleted.
        staged: Staged files deleted.
    """

    asked: int
    unknown: int
    rows: int
    files: int
    staged: int


def read_uris(path: str) -> list[str]:
    """Reads which photographs are to be forgotten, one URI or path a line; empty lines do not count.

    Raises:
        UsageError: The file cannot be read, or names nothing.
    """
    try:
        lines = storage.read_bytes(storage.canonical(path)).decode("utf-8-sig").split("\n")
    except (ReadError, UnicodeDecodeError):
        raise UsageError(f"{path}: cannot be read; write one URI a line, as UTF-8") from None
    # Of a photograph or its archive nothing need be left: the line itself is a name, too, as the table may spell it.
    # So is the line with the spaces at its ends, which may be part of it.
    spelt = {name for line in lines if line.strip() for name in (line.removesuffix("\r"), line.strip())}
    uris = {uri for name in spelt for uri in (name, _canonical(name))}
    if not uris:
        raise UsageError(f"{path}: names no photograph; write one URI a line")
    return sorted(uris)


def _canonical(uri: str) -> str:
    try:
        return storage.canonical(uri)
    except (ReadError, UsageError):
        return uri


def erase(table: ScoreTable, uris: Collection[str]) -> Erased:
    """Forgets photographs for good. What was interrupted is finished by doing it again.

    The order matters: once a hash is kept no night scores the photograph again, whatever happens afterwards.

    Args:
        table: At its present version; no run may be active on it.
        uris: Every spelling under which they may be known.

    Raises:
        UsageError: There is no table.
        NothingCommittedError: The store or the disk refused; start again.
    """
    wanted = pa.array(sorted(uris), pa.string())
    known = table.rows(["image_uri"], pa.compute.field("image_uri").isin(wanted))
    Forgotten.add(table.layout, uris)
    staged = _erase_staged(table.layout, uris)
    if known.num_rows:
        table.rewrite_without(wanted)
    files = table.vacuum_at_once().files
    found = {uri.strip() for uri in known["image_uri"].to_pylist()}
    asked = {_canonical(uri.strip()) for uri in uris}
    return Erased(len(asked), len(asked - found), known.num_rows, files, staged)


def _erase_staged(layout: OutputLayout, uris: Collection[str]) -> int:
    """Removes staged files with a row of them, and what is put off: its digests could be guessed from names."""
    erased, needles = 0, [uri.encode() for uri in uris]
    for uri in staging.everything(layout):
        data = storage.read_bytes(uri)
        # Staged rows are not compressed: a name in them is there byte for byte, in a damaged file too.
        if layout.is_deferred(uri) or any(needle in data for needle in needles):
            storage.erase(uri)
            erased += 1
    return erased
