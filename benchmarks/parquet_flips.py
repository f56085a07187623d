"""Flips one bit at many places of a data file: is it noticed, harmless, or another answer without a word?

The same rows are written by this program, with checksums of pages, and by Delta Lake's own writer, without. Then both
writers, and reading with and without the checks, are timed in turn, so that other work on the machine slows both alike.

Usage: `python benchmarks/parquet_flips.py [--flips 1500] [--rows 4000] [--rounds 9] [--json FILE.json]`
"""

import argparse
import hashlib
import json
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.dataset
from deltalake import WriterProperties, write_deltalake

from melanoma.errors import MelanomaError
from melanoma.table.checked_dataset import checked
from melanoma.table.data_writer import write_data_files
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import PARTITION, score_schema
from melanoma.table.score_table import ScoreTable

_SLUGS = ("akiec", "bcc", "bkl", "df", "melanoma", "nevus", "vasc")
_SCHEMA = score_schema(_SLUGS)
_NOTICED, _HARMLESS, _SILENT = "noticed", "harmless", "silent"


@dataclass(frozen=True)
class Flips:
    """What became of the flipped bits of one file.

    Attributes:
        writer: Who wrote it.
        bytes: Its size.
        noticed: Flips after which reading the table is an error.
        harmless: Flips after which every value is the same.
        silent: Flips after which a value is another one, without an error.
    """

    writer: str
    bytes: int
    noticed: int
    harmless: int
    silent: int


@dataclass(frozen=True)
class Ratio:
    """How long one way takes compared with another, in turn.

    Attributes:
        what: Which ways.
        rows: Number of rows.
        ratio: Median of the rounds' ratios.
        quartiles: Between these lies the middle half of them.
    """

    what: str
    rows: int
    ratio: float
    quartiles: tuple[float, float]


def _rows(count: int) -> Iterator[pa.RecordBatch]:
    """Yields rows as different from one another as those of a run, in batches of one chunk."""
    dice = random.Random(0)
    for first in range(0, count, 256):
        rows = [_row(number, dice) for number in range(first, min(first + 256, count))]
        yield from pa.Table.from_pylist(rows, schema=_SCHEMA).to_batches()


def _row(number: int, dice: random.Random) -> dict[str, object]:
    shares = [dice.random() for _ in _SLUGS]
    row = dict.fromkeys(_SCHEMA.names)
    row |= {f"p_{slug}": share / sum(shares) for slug, share in zip(_SLUGS, shares, strict=True)}
    row |= dict.fromkeys(("status", "top_label"), "scored") | {"attempt": 1, PARTITION: "m-000000000001"}
    row |= {"image_id": f"ISIC_{number:07d}", "image_uri": f"file:///archive/{number % 97}/ISIC_{number:07d}.jpg"}
    row |= {"image_version": str(dice.getrandbits(60)), "image_sha256": hashlib.sha256(b"%d" % number).hexdigest()}
    row |= {"run_date": 20000, "run_id": "20260102T030405Z-00000000", "scored_at": 1_767_323_045_000_000 + number}
    return row | {"width": 600, "height": 450, "top_probability": max(shares) / sum(shares), "review": number % 5 == 0}


def _by_this_program(folder: Path, rows: Sequence[pa.RecordBatch]) -> None:
    ScoreTable.open(OutputLayout.at(str(folder))).append("20260102T030405Z-00000000", _SCHEMA, iter(rows))


def _by_delta_lake(folder: Path, rows: Sequence[pa.RecordBatch]) -> None:
    write_deltalake(
        str(folder),
        pa.RecordBatchReader.from_batches(_SCHEMA, iter(rows)),
        partition_by=[PARTITION],
        writer_properties=WriterProperties(compression="ZSTD"),
    )


def _flip(writer: str, folder: Path, flips: int) -> Flips:
    (path,) = folder.glob(f"{PARTITION}=*/*.parquet")
    table, sound, dice, seen = ScoreTable.in_folder(str(folder)), path.read_bytes(), random.Random(0), Counter[str]()
    names = table.columns().names
    expected = table.rows(names)
    for _ in range(flips):
        damaged = bytearray(sound)
        damaged[dice.randrange(len(sound))] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        try:
            seen[_HARMLESS if ScoreTable.in_folder(str(folder)).rows(names).equals(expected) else _SILENT] += 1
        except MelanomaError:
            seen[_NOTICED] += 1
    return Flips(writer, len(sound), seen[_NOTICED], seen[_HARMLESS], seen[_SILENT])


def _ratio(what: str, rows: int, rounds: int, ours: Callable[[], object], theirs: Callable[[], object]) -> Ratio:
    ratios = [_seconds(ours) / _seconds(theirs) for _ in range(rounds)]
    low, _, high = statistics.quantiles(ratios, n=4)
    return Ratio(what, rows, round(statistics.median(ratios), 2), (round(low, 2), round(high, 2)))


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _costs(home: Path, rows: int, rounds: int) -> list[Ratio]:
    batches, numbers = list(_rows(rows)), iter(range(10**9))
    layout = OutputLayout.at(str(home / "own"))
    ours = home / "own" / write_data_files(layout, _SCHEMA, batches)[0].name
    plain = pyarrow.dataset.dataset(str(ours), format="parquet")
    return [
        _ratio(
            "writing: this program / Delta Lake",
            rows,
            rounds,
            lambda: write_data_files(layout, _SCHEMA, batches),
            lambda: _by_delta_lake(home / f"delta-{next(numbers)}", batches),
        ),
        _ratio("reading: checked / unchecked", rows, rounds, checked(plain).to_table, plain.to_table),
    ]


def main() -> None:
    """Runs the comparison, prints it, and writes it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--flips", type=int, default=1500)
    parser.add_argument("--rows", type=int, default=4000, help="of the file whose bits are flipped")
    parser.add_argument("--timed-rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, rows = Path(folder), list(_rows(args.rows))
        _by_this_program(home / "ours", rows)
        _by_delta_lake(home / "theirs", rows)
        flips = [_flip("this program", home / "ours", args.flips), _flip("Delta Lake", home / "theirs", args.flips)]
        costs = _costs(home, args.timed_rows, args.rounds)
    found = {"flips": list(map(asdict, flips)), "costs": list(map(asdict, costs)), "pyarrow": pa.__version__}
    text = json.dumps(found | {"deltalake": deltalake.__version__}, indent=1)
    print(text)
    if args.json:
        args.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
