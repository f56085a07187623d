"""Erases photographs permanently: afterwards no row, data file or staged row under the output names them."""

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from melanoma import storage
from melanoma.operations.erasure_search import Found, find
from melanoma.runs import staging
from melanoma.table import corrections
from melanoma.table.forgotten import Forgotten
from melanoma.table.layout import OutputLayout
from melanoma.table.score_table import ScoreTable


@dataclass(frozen=True)
class Erased:
    """What an erasure deletes.

    Attributes:
        files: Number of data files.
        staged: Number of staged files.
    """

    files: int
    staged: int


def remember(table: ScoreTable, uris: Collection[str]) -> Found:
    """Makes sure that no run scores photographs again, and returns what is to be erased.

    The names come first: once they are stored, no run that starts now scores them, whatever happens later.

    Args:
        table: The score table; no run may be active on it.
        uris: Every spelling of the photographs' URIs.

    Raises:
        UsageError: There is no score table, or one of its data files is gone or damaged.
        NothingCommittedError: The store or the disk failed; run it again.
    """
    table.refresh()  # refuses where there is no table, before a hash is stored
    Forgotten.add(table.layout, uris)
    table.refresh()  # a run that could not be seen may have committed meanwhile
    found = find(table, uris)
    Forgotten.add(table.layout, uris, found.contents)
    return found


def erase(table: ScoreTable, found: Found, dry_run: bool = False) -> Erased:
    """Erases photographs permanently; running it again completes an interrupted erasure.

    The rows go last but one: as long as they are there, a further call finds all that has to be erased elsewhere.

    Args:
        table: The score table; no run may be active on it.
        found: What `remember` returned, or `find` for a dry run.
        dry_run: Whether to only count.

    Raises:
        UsageError: There is no score table, or one of its data files is gone or damaged.
        NothingCommittedError: The store or the disk failed; run it again.
    """
    staged = _staged_files(table.layout, found)
    if dry_run:
        replaced = table.data_files() if found.all_rows else 0
        return Erased(replaced + table.vacuum_at_once(dry_run=True).files, len(staged))
    for uri in staged:
        storage.erase(uri)
    corrections.forget(table.layout, found.names)
    if found.all_rows:
        table.rewrite_without(pa.array(sorted(found.uris), pa.string()), pa.array(sorted(found.contents), pa.string()))
    return Erased(table.vacuum_at_once().files, len(staged))


def _staged_files(layout: OutputLayout, found: Found) -> list[str]:
    """Lists staged files with a photograph's name or bytes, and all deferred lists, whose digests could be guessed."""
    needles = [text.encode() for text in found.names | found.contents]
    # Staged rows are not compressed, so a name appears in them byte for byte, even in a damaged file.
    return [
        uri
        for uri in staging.everything(layout)
        if layout.is_deferred(uri) or _contains(storage.read_bytes(uri), needles)
    ]


def _contains(data: bytes, needles: Collection[bytes]) -> bool:
    return any(needle in data for needle in needles)
