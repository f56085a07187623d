"""The score table: what a command opens once, reads at one version, and changes; a door to Delta Lake."""

from collections.abc import Iterator

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError

from melanoma import storage
from melanoma.errors import NothingCommittedError
from melanoma.storage.errors import reason_of
from melanoma.table.durability import sync_commits
from melanoma.table.maintenance import COMPRESSION, Maintainable
from melanoma.table.schema import PARTITION, STATISTICS_COLUMNS
from melanoma.table.snapshot import REFUSALS, Snapshot

_ALL_RUNS = "melanoma-score"


class ConflictError(Exception):
    """The table has moved on since the version that a run planned against."""


class ScoreTable(Maintainable):
    """The score table at one version, which it leaves only by a change of its own."""

    def append(self, run_id: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """Appends a run's rows in one commit, or nothing; makes the table where there is none.

        Two application transactions go with it: the run's own, and one that all scoring runs share, so that a run which
        planned against an older version conflicts instead of scoring a photograph twice.

        Args:
            run_id: Id of the run.
            schema: Of the rows.
            batches: Rows; what this iterator raises is raised here, and nothing is committed.

        Returns:
            The version that holds the rows.

        Raises:
            ConflictError: Another run has committed since this version.
            NothingCommittedError: The store or the disk refused.
        """
        planned = self.version
        source = _Remembering(batches)
        try:
            delta = self._writable(schema)
            write_deltalake(
                delta,
                pa.RecordBatchReader.from_batches(schema, source.batches()),
                mode="append",
                schema_mode="merge",
                writer_properties=WriterProperties(compression=COMPRESSION),
                commit_properties=CommitProperties(
                    custom_metadata={"run_id": run_id},
                    app_transactions=[Transaction(run_id, 1), Transaction(_ALL_RUNS, 1)],
                ),
            )
            version = int(delta.version())
        except REFUSALS as error:
            if source.failure is not None:
                raise source.failure from None
            version = self._committed_all_the_same(run_id, error)
        if (folder := storage.local_path(self.layout.root)) is not None:
            sync_commits(folder, planned or 0, version)
        return version

    def _writable(self, schema: pa.Schema) -> DeltaTable:
        """Opens the version for writing, apart from the one that is read; makes the table where there is none."""
        location, options = storage.delta_location(self.layout.root)
        if self.version is None:
            DeltaTable.create(
                location,
                schema=schema,
                mode="ignore",
                partition_by=[PARTITION],
                configuration={"delta.dataSkippingStatsColumns": ",".join(STATISTICS_COLUMNS)},
                storage_options=options,
                # A second try would make the table again on top of what another run has committed, without its columns.
                commit_properties=CommitProperties(max_commit_retries=0),
            )
        # A table that another run has made meanwhile was empty at version 0, as this run planned it.
        return DeltaTable(location, version=self.version or 0, storage_options=options)

    def _committed_all_the_same(self, run_id: str, error: Exception) -> int:
        """Returns the version after a commit whose success the store failed to report; raises if there was none."""
        present = Snapshot.open(self.layout)
        if present.version is not None and present.holds(run_id):
            return present.version
        if isinstance(error, CommitFailedError):
            raise ConflictError(str(self.layout)) from error
        raise NothingCommittedError(
            f"{self.layout}: the commit failed ({reason_of(error)}); what is scored stays staged"
        ) from None


class _Remembering:
    """Batches that remember what their source raised, which Arrow's stream forgets."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.failure: BaseException | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yields the batches."""
        try:
            yield from self._batches
        except BaseException as error:
            self.failure = error
            raise
