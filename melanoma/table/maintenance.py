"""Maintenance of a score table: promotion, deletion, compaction, clean-up and erasure; a door to Delta Lake."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.table.delta import DELTA_ERRORS, BatchStream, change_error
from melanoma.table.description import DescribedSnapshot
from melanoma.table.models import PROMOTED, ModelFacts
from melanoma.table.schema import PARTITION

RETENTION_DAYS = 7  # protects readers that opened the table before a file was replaced; Delta Lake's own default
COMPRESSION = "ZSTD"
_SMALL_BYTES, _MANY_FILES = 32 << 20, 32
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


class Maintainable(DescribedSnapshot):
    """A score table that can be maintained; each change moves it to the version that the change made.

    A change is made to the newest version of the table: rows that another run has committed meanwhile stay.
    """

    def refresh(self) -> None:
        """Moves to the newest version of the table.

        Raises:
            UsageError: There is no table.
            NothingCommittedError: The store does not answer.
        """
        with self._changing() as delta:
            delta.update_incremental()

    @contextlib.contextmanager
    def _changing(self, stream: BatchStream | None = None) -> Iterator[DeltaTable]:
        """Lends the Delta table for one change, and translates its errors.

        Args:
            stream: Rows that the change writes; what their source raised is raised instead of Delta Lake's error.

        Raises:
            UsageError: There is no table, or one of its data files is damaged.
            NothingCommittedError: The store or the disk refused.
        """
        delta = self._required()
        try:
            yield delta
        except DELTA_ERRORS as error:
            if stream is not None and stream.failure is not None:
                raise stream.failure from None
            raise change_error(self.layout, error) from None

    def promote(self, model_id: str) -> int:
        """Makes a model's probabilities the ones that count.

        Returns:
            The new version of the table.

        Raises:
            UsageError: There is no table, or it holds no row of the model.
            NothingCommittedError: The store or the disk refused.
        """
        self._model(model_id)
        with self._changing() as delta:
            delta.alter.set_table_properties({PROMOTED: model_id}, raise_if_not_exists=False)
        return int(delta.version())

    def delete_model(self, model_id: str) -> int:
        """Deletes all rows of a model; a run with its bundle would score every photograph again.

        Returns:
            The number of rows.

        Raises:
            UsageError: There is no table, it holds no row of the model, or the model is the promoted one.
            NothingCommittedError: The store or the disk refused.
        """
        model = self._model(model_id)
        if model.is_promoted:
            raise UsageError(f"{model_id} is the promoted model; promote another one first")
        with self._changing() as delta:
            delta.delete(f"{PARTITION} = '{model.model_id}'")
        return model.rows

    def _model(self, model_id: str) -> ModelFacts:
        known = {model.model_id: model for model in self.models()}
        if model_id not in known:
            raise UsageError(f"{self.layout}: no row of {model_id!r}; the table has {', '.join(known) or 'no rows'}")
        return known[model_id]

    def small_files(self, model_id: str) -> int:
        """Returns the number of small data files with a model's rows."""
        if self._delta is None:
            return 0
        files = pa.table(self._delta.get_add_actions(flatten=True))
        own = pa.compute.equal(files[f"partition.{PARTITION}"], model_id)
        is_small = pa.compute.less(files["size_bytes"], _SMALL_BYTES)
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
        with self._changing() as delta:
            metrics = delta.optimize.compact()
        return Compaction(int(metrics["numFilesRemoved"]), int(metrics["numFilesAdded"]))

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

    def vacuum_at_once(self) -> Removal:
        """Deletes every data file that this version does not need, to erase a photograph; breaks open readers and runs.

        Raises:
            UsageError: There is no table.
            NothingCommittedError: The store or the disk refused.
        """
        return self._vacuum(0, dry_run=False)

    def _vacuum(self, hours: int, dry_run: bool) -> Removal:
        self.refresh()  # a vacuum commits nothing, and so would not notice what the newest version needs
        with self._changing() as delta:
            # Killed runs may have left files that no version ever knew.
            unneeded = delta.vacuum(hours, dry_run=True, full=True, enforce_retention_duration=False)
        # Delta Lake would delete whatever it does not know: photographs, bundles and exports in this folder too.
        files = [self.layout.data_file(name) for name in unneeded if self.layout.is_data_file(name)]
        sizes = [storage.size_of(file) for file in files]
        if not dry_run:
            with ThreadPoolExecutor(_DELETIONS_AT_ONCE) as pool:
                list(pool.map(storage.erase, files))
        return Removal(len(files), sum(sizes))

    def rewrite_without(self, uris: pa.Array) -> None:
        """Writes the table anew without the rows of some photographs.

        A deletion would leave its condition, and so their names, in the log.

        Args:
            uris: Values of image_uri, text.

        Raises:
            UsageError: There is no table, or one of its data files is gone or damaged.
            NothingCommittedError: The store or the disk refused.
        """
        self.refresh()
        source = self.dataset()  # opened here, as Delta Lake cannot open it from within a write
        rows = self._batches(source.schema.names, ~pa.compute.field("image_uri").isin(uris))
        stream = BatchStream(source.schema, rows)
        with self._changing(stream) as delta:
            write_deltalake(
                delta,
                stream.reader(),
                mode="overwrite",
                writer_properties=WriterProperties(compression=COMPRESSION),
                commit_properties=CommitProperties(custom_metadata={"why": "forgotten"}),
            )
