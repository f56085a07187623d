"""A lean dataset has the same rows as the table, and little of them in memory at a time."""

from pathlib import Path

import duckdb
import pyarrow.dataset

from melanoma.queries.lean_dataset import LeanDataset, lean
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import commit, failed, row


def test_the_rows_are_those_of_the_table_in_small_batches(tmp_path: Path) -> None:
    commit(tmp_path, [row(str(number)) for number in range(20_000)])
    commit(tmp_path, [failed("x", model_id="m-000000000002")])
    plain, found = table_in(tmp_path).dataset(), lean(table_in(tmp_path).dataset())
    assert isinstance(found, LeanDataset) and found.schema == plain.schema
    order = [("image_id", "ascending")]
    assert found.to_table().sort_by(order).equals(plain.to_table().sort_by(order))
    assert (
        max(batch.num_rows for batch in plain.to_batches())
        > 16_384
        >= max(batch.num_rows for batch in found.scanner().to_batches())
    )
    only = pyarrow.dataset.field("model_id") == "m-000000000002"
    assert found.scanner(columns=["status"], filter=only).to_table().to_pylist() == [{"status": "failed"}]


def test_duckdb_reads_it_with_columns_and_filters(tmp_path: Path) -> None:
    commit(tmp_path, [row("a"), row("b", model_id="m-000000000002")])
    with duckdb.connect() as connection:
        connection.register("scores", lean(table_in(tmp_path).dataset()))
        assert connection.sql("SELECT image_id FROM scores WHERE model_id = 'm-000000000002'").fetchall() == [
            ("DOE-b",)
        ]


def test_another_kind_of_dataset_stays_as_it_is(tmp_path: Path) -> None:
    other = pyarrow.dataset.dataset(table_in(tmp_path).columns().empty_table())
    assert lean(other) is other
