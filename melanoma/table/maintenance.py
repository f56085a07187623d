"""Maintenance of a score table's files: compaction and clean-up; a door to Delta Lake."""

import datetime
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute

from melanoma import storage
from melanoma.errors import NothingCommittedError, ReadError, UsageError
from melanoma.table.data_writer import FULL_BYTES
from melanoma.table.deletion import Deletable
from melanoma.table.file_changes import committed_files
from melanoma.table.schema import PARTITION

RETENTION_DAYS = 7  # protects readers that opened the table before a file was replaced; Delta Lake's own default
_MANY_FILES = 32
_DELETIONS_AT_ONCE = 16


class Compaction(NamedTuple):
    """What a compaction did.

    Attributes:
        merged: Number of small data files that were merged.
        written: Number of data files that replace them.
    """

    merged: int
    written: int


class Removal(NamedTuple):
    """Data files that a vacuum deletes, or would delete.

    Attributes:
        files: Number of files.
        size: Size of all of them, bytes.
    """

    files: int
    size: int


class Maintainable(Deletable):
    """A score table whose data files can be compacted and cleaned up."""

    def data_files(self) -> int:
        """Returns the number of data files of this version.

        Raises:
            UsageError: There is no table.
        """
        return len(self._required().file_uris())

    def small_files(self, model_id: str) -> int:
        """Returns the number of small data files with a model's rows."""
        if self._delta is None:
            return 0
        files = pa.table(self._delta.get_add_actions(flatten=True))
        own = pa.compute.equal(files[f"partition.{PARTITION}"], model_id)
        is_small = pa.compute.less(files["size_bytes"], FULL_BYTES)
        return int(pa.compute.sum(pa.compute.and_(own, is_small)).as_py() or 0)

    def compact_if_it_pays(self, model_id: str) -> bool:
        """Compacts the table once a model has many small files; returns whether it did.

        Raises:
            NothingCommittedError: The store or the disk refused.
        """
        if self.small_files(model_id) < _MANY_FILES:
            return False
        self.compact()
        return True

    def compact(self) -> Compaction:
        """Merges small data files; no row changes.

        Raises:
            UsageError: There is no table, or one of its data files is damaged.
            NothingCommittedError: The store or the disk refused.
        """
        small = [file for file in committed_files(self._required()) if file.size < FULL_BYTES]
        models = Counter(file.model_id for file in small)
        merged = [file for file in small if models[file.model_id] > 1]
        if not merged:
            return Compaction(0, 0)
        return Compaction(len(merged), self._replace(merged, None, "compacted", changes_rows=False))

    def vacuum(self, days: int, dry_run: bool) -> Removal:
        """Deletes data files that no version younger than the retention needs.

        Args:
            days: Retention, at least `RETENTION_DAYS`.
            dry_run: Whether to only count them.

        Raises:
            UsageError: There is no table, or the retention is too short.
            NothingCommittedError: The store or the disk refused.
        """
        if days < RETENTION_DAYS:
            raise UsageError(
                f"a retention of {days} days is too short, as open readers may still need these files; give at least "
                f"{RETENTION_DAYS}"
            )
        return self._vacuum(days * 24, dry_run)

    def vacuum_at_once(self, dry_run: bool = False) -> Removal:
        """Deletes every data file that this version does not need, to erase a photograph; breaks open readers and runs.

        Args:
            dry_run: Whether to only count them.

        Raises:
            UsageError: There is no table.
            NothingCommittedError: The store or the disk refused.
        """
        return self._vacuum(0, dry_run)

    def _vacuum(self, hours: int, dry_run: bool) -> Removal:
        self.refresh()  # a vacuum commits nothing, and so would not notice what the newest version needs
        with self._changing() as delta:
            # Killed runs may have left files that no version ever knew.
            unneeded = delta.vacuum(hours, dry_run=True, full=True, enforce_retention_duration=False)
        # Delta Lake would delete whatever it does not know: photographs, bundles and exports in this folder too.
        named = [self.layout.data_file(name) for name in unneeded if self.layout.is_data_file(name)]
        named += self._unfinished(hours)
        # The log remembers files for a week after an erasure has deleted them.
        sizes = {file: size for file in named if (size := storage.size_of(file)) or storage.exists(file)}
        if not dry_run:
            with ThreadPoolExecutor(_DELETIONS_AT_ONCE) as pool:
                list(pool.map(storage.erase, sizes))
        return Removal(len(sizes), sum(sizes.values()))

    def _unfinished(self, hours: int) -> list[str]:
        """Returns the files that were being written when a run was killed; only a local disk keeps such files."""
        if storage.local_path(self.layout.root) is None:
            return []
        before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=hours)
        try:
            folders = storage.subfolders(self.layout.root)
            of_models = [uri for uri in folders if storage.name_of(uri).startswith(f"{PARTITION}=")]
            files = [file for uri in of_models for file in storage.list_files(uri)]
        except ReadError as error:
            raise NothingCommittedError(f"{self.layout}: cannot be listed: {error.detail}; try again") from None
        return [file.uri for file in files if self.layout.is_unfinished(file.uri) and _is_older(file, before)]


def _is_older(file: storage.StoredFile, moment: datetime.datetime) -> bool:
    return file.modified is not None and file.modified <= moment
