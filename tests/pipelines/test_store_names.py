"""A store with several names is one store: nothing is scored twice, and nothing that was forgotten comes back."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pytest
from deltalake import DeltaTable, write_deltalake

from melanoma import storage
from melanoma.table.forgotten import Forgotten
from tests.helpers import photograph
from tests.helpers.faults import run_without_beam
from tests.helpers.outputs import layout_of, table_in


def fill_bucket(bucket: str, numbers: range) -> None:
    for number in numbers:
        storage.write_bytes(f"{bucket}/in/{number}.jpg", photograph(number))


def written_by_an_earlier_version(output: Path) -> None:
    """Writes every row of the table anew, with `s3a://` in its name."""
    table = DeltaTable(str(output))
    rows = table.to_pyarrow_table()
    place = rows.schema.get_field_index("image_uri")
    uris = pa.compute.replace_substring(rows["image_uri"], "s3://", "s3a://", max_replacements=1)
    write_deltalake(table, rows.set_column(place, rows.schema.field(place), uris), mode="overwrite")


def uris_in(output: Path) -> list[str]:
    return sorted(table_in(output).rows(["image_uri"])["image_uri"].to_pylist())


def test_photographs_are_not_scored_again_under_another_name_of_their_store(
    bucket: str, tmp_path: Path, bundle_uri: str
) -> None:
    fill_bucket(bucket, range(2))
    run_without_beam(f"{bucket}/in", tmp_path, bundle_uri)
    again = run_without_beam(f"{bucket.replace('s3://', 's3a://')}/in", tmp_path, bundle_uri)
    assert (again.counts.skipped, again.counts.scored) == (2, 0)
    assert uris_in(tmp_path) == [f"{bucket}/in/0.jpg", f"{bucket}/in/1.jpg"]


def test_rows_with_an_earlier_name_of_the_store_are_known(bucket: str, tmp_path: Path, bundle_uri: str) -> None:
    fill_bucket(bucket, range(2))
    run_without_beam(f"{bucket}/in", tmp_path, bundle_uri)
    written_by_an_earlier_version(tmp_path)
    fill_bucket(bucket, range(2, 3))
    again = run_without_beam(f"{bucket}/in", tmp_path, bundle_uri)
    assert (again.counts.skipped, again.counts.scored) == (2, 1)
    assert table_in(tmp_path).knows_under(f"{bucket}/in")


def test_what_was_forgotten_under_one_name_stays_forgotten_under_all(bucket: str, tmp_path: Path) -> None:
    uri = f"{bucket.replace('s3://', 's3a://')}/in/0.jpg"
    Forgotten.add(layout_of(tmp_path), [uri])
    forgotten = Forgotten.read(layout_of(tmp_path))
    assert forgotten is not None and all(spelling in forgotten for spelling in storage.spellings(storage.plain(uri)))


@pytest.mark.parametrize(
    ("names", "expected"), [({"s3a", "az"}, "s3a://b/x"), ({"s3a", "s3"}, "s3://b/x"), (set(), "s3://b/x")]
)
def test_a_table_goes_on_under_the_name_that_it_has(names: set[str], expected: str) -> None:
    assert storage.spelling_of(names).of("s3://b/x") == expected
    assert storage.spelling_of(names).of("file:///s3://b/x") == "file:///s3://b/x"
