"""Adds data files to the table and removes others, in one commit; a door to Delta Lake."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.transaction import AddAction, RemoveAction

from melanoma.table.data_writer import WrittenFile
from melanoma.table.schema import PARTITION


@dataclass(frozen=True)
class CommittedFile:
    """A data file of one version of the table.

    Attributes:
        name: Path relative to the table's folder.
        model_id: Of all its rows.
        size: In bytes.
    """

    name: str
    model_id: str
    size: int


def committed_files(delta: DeltaTable) -> list[CommittedFile]:
    """Returns the data files of a version, the oldest first."""
    files = pa.table(delta.get_add_actions(flatten=True)).sort_by([("modification_time", "ascending")])
    columns = (files[name].to_pylist() for name in ("path", f"partition.{PARTITION}", "size_bytes"))
    return [CommittedFile(*values) for values in zip(*columns, strict=True)]


def commit_files(
    delta: DeltaTable,
    added: Sequence[WrittenFile],
    removed: Iterable[CommittedFile] = (),
    *,
    facts: Mapping[str, str],
    transactions: Sequence[str] = (),
    changes_rows: bool = True,
) -> None:
    """Adds and removes data files in one commit, which conflicts with what has been committed since by the same rules.

    Args:
        delta: The version that the change was planned against; it stays there.
        added: Files to add.
        removed: Files of this version to remove; another commit that removes one of them conflicts.
        facts: What the history of the table says about the commit.
        transactions: Ids of application transactions; another commit with one of them conflicts.
        changes_rows: Whether the table has other rows afterwards.

    Raises:
        CommitFailedError: Another commit conflicts.
        DeltaError: The commit failed, or its answer was lost.
    """
    now, gone = int(time.time() * 1000), list(removed)
    new = [
        AddAction(file.name, file.size, {PARTITION: file.model_id}, now, changes_rows, file.statistics)
        for file in added
    ]
    old = [RemoveAction(file.name, changes_rows, now, file.size, {PARTITION: file.model_id}) for file in gone]
    metrics = {
        "num_added_files": len(new),
        "num_removed_files": len(old),
        "num_added_rows": sum(file.rows for file in added),
    }
    delta.create_write_transaction(
        [*new, *old],
        mode="append",
        schema=delta.schema(),
        partition_by=[PARTITION],
        commit_properties=CommitProperties(
            custom_metadata={**facts, "operationMetrics": metrics},
            app_transactions=[Transaction(name, 1) for name in transactions],
        ),
    )
