"""What keeps a score table fit for years: compaction and clean-up."""

import contextlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute

from melanoma import storage
from melanoma.errors import NothingCommittedError, UsageError
from melanoma.storage.errors import reason_of
from melanoma.table import score_table
from melanoma.table.schema import PARTITION

RETENTION_DAYS = 7  # of readers that opened the table before a file was replaced; Delta Lake's own default
_SMALL_BYTES, _MANY_FILES = 32 << 20, 32
_DATA_FILE = re.compile(rf"{PARTITION}=[^/]+/[^/]+\.parquet")
_DELETIONS_AT_ONCE = 16


def small_files(uri: str, model_id: str) -> int:
    """Counts the small files of a model's rows."""
    table = score_table.open_table(uri)
    if table is None:
        return 0
    actions = pa.table(table.get_add_actions(flatten=True))
    own = pa.compute.equal(actions[f"partition.{PARTITION}"], model_id)
    return int(pa.compute.sum(pa.compute.and_(own, pa.compute.less(actions["size_bytes"], _SMALL_BYTES))).as_py() or 0)


def compact_if_it_pays(uri: str, model_id: str) -> bool:
    """Merges the files of many nights once there are many; tells whether it did.

    Raises:
        NothingCommittedError: The store or the disk refused.
    """
    if small_files(uri, model_id) < _MANY_FILES:
        return False
    compact(uri)
    return True


def compact(uri: str) -> tuple[int, int]:
    """Merges small files; no row changes.

    Returns:
        Files that were merged, and files that came of it.

    Raises:
        UsageError: There is no table.
        NothingCommittedError: The store or the disk refused.
    """
    table = opened(uri)
    with changing(uri):
        metrics = table.optimize.compact()
    return int(metrics["numFilesRemoved"]), int(metrics["numFilesAdded"])


def vacuum(uri: str, days: int, dry_run: bool) -> tuple[int, int]:
    """Deletes data files that no version younger than the retention needs.

    Args:
        uri: Of the score table.
        days: Retention, at least `RETENTION_DAYS`.
        dry_run: Only say which.

    Returns:
        Number of files, and their bytes.

    Raises:
        UsageError: There is no table, or the retention is too short.
        NothingCommittedError: The store or the disk refused.
    """
    if days < RETENTION_DAYS:
        raise UsageError(
            f"a retention of {days} days is too short: readers may still need them; {RETENTION_DAYS} or more"
        )
    return _vacuum(uri, days * 24, dry_run)


def vacuum_at_once(uri: str) -> tuple[int, int]:
    """Deletes every data file that the present version does not need, whoever may be reading it: to forget somebody."""
    return _vacuum(uri, 0, dry_run=False)


def rewrite_without(uri: str, uris: pa.Array) -> None:
    """Writes the table anew without the rows of some photographs.

    A deletion would leave its condition, and so their names, in the log.

    Raises:
        UsageError: There is no table.
        NothingCommittedError: The store or the disk refused.
    """
    table = opened(uri)
    rows = table.to_pyarrow_dataset()
    kept = rows.scanner(filter=~pa.compute.field("image_uri").isin(uris)).to_reader()
    with changing(uri):
        score_table.overwrite(table, kept)


def _vacuum(uri: str, hours: int, dry_run: bool) -> tuple[int, int]:
    table, root = opened(uri), storage.canonical(uri)
    with changing(uri):
        # Of killed runs files may lie there that no version ever knew.
        unneeded = table.vacuum(hours, dry_run=True, full=True, enforce_retention_duration=False)
    # Delta Lake would take away whatever it does not know: photographs, bundles and exports that lie here too.
    doomed = [storage.join(root, *name.split("/")) for name in unneeded if _DATA_FILE.fullmatch(name)]
    sizes = [storage.size_of(file) for file in doomed]
    if not dry_run:
        with ThreadPoolExecutor(_DELETIONS_AT_ONCE) as pool:
            list(pool.map(storage.erase, doomed))
    return len(doomed), sum(sizes)


def opened(uri: str) -> Any:
    """Opens a score table.

    Raises:
        UsageError: There is none.
    """
    table = score_table.open_table(uri)
    if table is None:
        raise UsageError(f"{uri}: no score table there; `melanoma score --output {uri}` makes one")
    return table


@contextlib.contextmanager
def changing(uri: str) -> Iterator[None]:
    """Says it in our words where the store or the disk refuses a change of the table.

    Raises:
        NothingCommittedError: It did.
    """
    try:
        yield
    except score_table.REFUSALS as error:
        raise NothingCommittedError(f"{uri}: the table did not take the change ({reason_of(error)})") from None
