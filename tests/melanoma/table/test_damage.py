"""Data files that cannot be read are named, and nothing else is called damaged."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from melanoma.errors import MelanomaError, UsageError
from melanoma.queries import views
from melanoma.table.damage import DAMAGED, GONE, broken_files
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import commit, row


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The data files of a table of two commits."""
    for night in range(2):
        commit(tmp_path, [row(f"{night}-{number}") for number in range(300)])
    return sorted(tmp_path.glob("model_id=*/*.parquet"))


def names(folder: Path, files: list[Path]) -> list[str]:
    return [str(file.relative_to(folder)) for file in files]


def test_files_are_gone_or_damaged_or_sound(tmp_path: Path, files: list[Path]) -> None:
    assert broken_files(layout_of(tmp_path), names(tmp_path, files)) == {}
    files[0].write_bytes(files[0].read_bytes()[:1000])
    files[1].unlink()
    first, second = names(tmp_path, files)
    assert broken_files(layout_of(tmp_path), [first, second]) == {first: DAMAGED, second: GONE}


def test_text_that_is_not_unicode_is_damage(tmp_path: Path, files: list[Path]) -> None:
    """Arrow reads it without an error; it would be one of ours, later and elsewhere."""
    rows = pq.ParquetFile(files[0]).read()
    offsets = pa.array(range(rows.num_rows + 1), pa.int32()).buffers()[1]
    spoilt = pa.Array.from_buffers(pa.string(), rows.num_rows, [None, offsets, pa.py_buffer(b"\xff" * rows.num_rows)])
    size = files[0].stat().st_size
    pq.write_table(rows.set_column(rows.schema.get_field_index("image_id"), "image_id", spoilt), files[0])
    for log in (tmp_path / "_delta_log").glob("*.json"):  # the log states the size, which would give the file away
        if files[0].name in (text := log.read_text()):
            log.write_text(text.replace(f'"size":{size}', f'"size":{files[0].stat().st_size}'))
    assert broken_files(layout_of(tmp_path), names(tmp_path, files)) == {names(tmp_path, files)[0]: DAMAGED}
    with pytest.raises(UsageError, match="a data file of the score table is damaged"):
        table_in(tmp_path).rows(["image_id"])
    with pytest.raises(UsageError, match="a data file of the score table is damaged"):
        list(table_in(tmp_path)._batches(["image_id"]))
    with pytest.raises(UsageError, match="a data file of the score table is damaged"):
        views.query(table_in(tmp_path), "SELECT image_id FROM scores")


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bits_are_an_error_that_names_the_file_or_go_unnoticed(
    tmp_path: Path, files: list[Path], seed: int
) -> None:
    """The footer has no checksum, so a flipped bit may change a name there; it never ends in an error of ours."""
    dice, data = random.Random(seed), bytearray(files[0].read_bytes())
    for _ in range(30):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    files[0].write_bytes(data)
    readers = (
        lambda: [batch.to_pylist() for batch in views.query(table_in(tmp_path), "FROM scores").to_batches()],
        lambda: table_in(tmp_path).rows(["image_uri", "error", "p_nevus"]).to_pylist(),
    )
    for read in readers:
        try:
            read()
        except MelanomaError as error:
            assert isinstance(error, UsageError) and names(tmp_path, files)[0] in str(error), error
