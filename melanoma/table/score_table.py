"""The score table: opened once per command, read at one version, and changed; a door to Delta Lake."""

from collections.abc import Iterator

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError

from melanoma import storage
from melanoma.errors import NothingCommittedError
from melanoma.storage.errors import reason_of
from melanoma.table.deletion import COMPRESSION
from melanoma.table.delta import DELTA_ERRORS, BatchStream, open_delta
from melanoma.table.durability import sync_commits
from melanoma.table.layout import OutputLayout
from melanoma.table.maintenance import Maintainable
from melanoma.table.schema import PARTITION, STATISTICS_COLUMNS

_ALL_RUNS = "melanoma-score"


class ConflictError(Exception):
    """The table has changed since the version that a run was planned against: another run, or a promotion."""


def overwritten(layout: OutputLayout) -> NothingCommittedError:
    """Returns the error for a commit that the store acknowledged, and that is gone: another writer replaced its file.

    Args:
        layout: Of the table.
    """
    return NothingCommittedError(
        f"{layout}: another writer has overwritten the commit of this run, so its rows are lost: the store does not "
        "keep two writers apart; let melanoma doctor check it, choose another store for --output, and start again"
    )


class ScoreTable(Maintainable):
    """The score table at one version, which only its own changes move forward."""

    def append(self, run_id: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """Appends a run's rows in one commit, or nothing; creates the table where there is none.

        Two application transactions go with it: the run's own, and one that all scoring runs share, so that a run which
        was planned against an older version conflicts instead of scoring a photograph twice.

        Args:
            run_id: Id of the run.
            schema: Of the rows.
            batches: Rows; what this iterator raises is raised here, and nothing is committed.

        Returns:
            The version that holds the rows, at which the table now stands.

        Raises:
            ConflictError: Another run, or a promotion, has been committed since this version.
            NothingCommittedError: The store or the disk refused, or another writer's commit took the place of this one.
        """
        planned, stream = self.version or 0, BatchStream(schema, batches)
        try:
            self._delta = self._written(run_id, schema, stream)
        except DELTA_ERRORS as error:
            if stream.failure is not None:
                raise stream.failure from None
            self._delta = self._written_after_all(run_id, error)
        self._read_back(run_id)
        version = int(self._delta.version())
        if (folder := storage.local_path(self.layout.root)) is not None:
            sync_commits(folder, planned, version)
        return version

    def _written(self, run_id: str, schema: pa.Schema, stream: BatchStream) -> DeltaTable:
        """Commits rows through a handle of its own, so that a failure leaves this version as it is."""
        delta = self._writable(schema)
        write_deltalake(
            delta,
            stream.reader(),
            mode="append",
            schema_mode="merge",
            writer_properties=WriterProperties(compression=COMPRESSION),
            commit_properties=CommitProperties(
                custom_metadata={"run_id": run_id},
                app_transactions=[Transaction(run_id, 1), Transaction(_ALL_RUNS, 1)],
            ),
        )
        return delta

    def _read_back(self, run_id: str) -> None:
        """Looks whether the newest version holds a commit that the store has acknowledged.

        Raises:
            NothingCommittedError: It does not.
        """
        newest = open_delta(self.layout)
        if newest is None or newest.transaction_version(run_id) is None:
            raise overwritten(self.layout)

    def _writable(self, schema: pa.Schema) -> DeltaTable:
        """Opens this version for writing; creates the table where there is none."""
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
        # A table that another run has created meanwhile was empty at version 0, as this run expected.
        return DeltaTable(location, version=self.version or 0, storage_options=options)

    def _written_after_all(self, run_id: str, error: Exception) -> DeltaTable:
        """Returns the table after a commit whose success the store failed to report; raises if there was none."""
        delta = open_delta(self.layout)
        if delta is not None and delta.transaction_version(run_id) is not None:
            return delta
        if isinstance(error, CommitFailedError):
            raise ConflictError(str(self.layout)) from error
        raise NothingCommittedError(
            f"{self.layout}: the commit failed ({reason_of(error)}); the scored rows stay staged, start again"
        ) from None
