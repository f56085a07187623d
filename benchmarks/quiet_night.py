"""Runs `melanoma score` over a million objects that are already in the table, and measures such a run.

Usage: `python benchmarks/quiet_night.py BUNDLE`

The store is simulated: it lists from memory like an S3 client, one entry per object, so that the job is measured and
not a network. It is listed once as a tree of folders and once as one flat prefix.
"""

import argparse
import datetime
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
from fsspec import AbstractFileSystem
from night import counts_of, measure

from melanoma.table.layout import OutputLayout
from melanoma.table.score_table import ScoreTable

RESULTS = Path(__file__).parent / "results" / "quiet_night.json"
LAYOUTS = {"tree": 1000, "flat": 0}
_COMMITS = 20
_SEEN = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


class QuietStore(AbstractFileSystem):  # type: ignore[misc]
    """Objects that never change: quiet://LAYOUT-COUNT lists COUNT of them, in folders of a thousand or in one."""

    protocol = "quiet"
    cachable = False

    def ls(self, path: str, detail: bool = True, **options: object) -> list[Any]:
        """Lists a folder like an S3 client, with a dictionary for each entry."""
        path = self._strip_protocol(path).rstrip("/")
        layout, _, rest = path.partition("/")
        name, _, number = layout.partition("-")
        count, size = int(number), LAYOUTS[name]
        if size and not rest:
            folders = [f"{path}/{first // size:05d}" for first in range(0, count, size)]
            return [{"name": folder, "Key": folder, "size": 0, "type": "directory"} for folder in folders]
        first = int(rest) * size if size else 0
        return [_entry(path, index) for index in range(first, min(first + (size or count), count))]

    def info(self, path: str, **options: object) -> dict[str, Any]:
        """Describes the root as a folder; nothing else is requested because no object is read."""
        return {"name": self._strip_protocol(path), "size": 0, "type": "directory"}


def _entry(folder: str, index: int) -> dict[str, Any]:
    key = f"{folder}/dermoscopy-{index:09d}.jpg"
    return {
        "Key": key,
        "LastModified": _SEEN,
        "ETag": f'"{_etag(index)}"',
        "ChecksumAlgorithm": ["CRC64NVME"],
        "ChecksumType": "FULL_OBJECT",
        "Size": 54_321,
        "StorageClass": "STANDARD",
        "type": "file",
        "size": 54_321,
        "name": key,
    }


def _etag(index: int) -> str:
    return hashlib.md5(str(index).encode(), usedforsecurity=False).hexdigest()


def score(arguments: list[str]) -> int:
    """Scores in this process, with the simulated store registered."""
    from jobs.cli import main as melanoma

    fsspec.register_implementation("quiet", QuietStore)
    return melanoma(["score", *arguments])


def write_table(output: str, layout: str, count: int, bundle_uri: str) -> None:
    """Commits a row for every object of the simulated store, in several commits as several runs would."""
    from melanoma.ingest.roots import Root
    from melanoma.ingest.sources import list_images
    from melanoma.model.bundle import load_bundle
    from melanoma.runs.run import new_run

    bundle = load_bundle(bundle_uri)
    refs = list_images(Root(f"quiet://{layout}-{count}"))
    for _ in range(_COMMITS):
        run = new_run(
            OutputLayout.at(output), bundle, pa.schema([]), ScoreTable.open(OutputLayout.at(output)).version, None
        )
        pages = _pages(run, bundle.slugs, refs, count // _COMMITS)
        ScoreTable.at(OutputLayout.at(output), run.table_version).append(run.run_id, run.schema, pages)


def _pages(run: Any, slugs: Any, refs: Iterator[Any], count: int) -> Iterator[pa.RecordBatch]:
    generator = np.random.default_rng(count)
    for first in range(0, count, 10_000):
        page = [next(refs) for _ in range(min(10_000, count - first))]
        probabilities = generator.dirichlet(np.ones(len(slugs)), len(page)).astype(np.float32)
        columns: dict[str, Any] = {
            "image_id": [ref.image_id for ref in page],
            "image_uri": [ref.uri for ref in page],
            "image_version": [ref.version for ref in page],
            "run_date": [run.run_date] * len(page),
            "run_id": [run.run_id] * len(page),
            "scored_at": [_SEEN] * len(page),
            "status": ["scored"] * len(page),
            "attempt": [1] * len(page),
            "width": [600] * len(page),
            "height": [450] * len(page),
            "image_sha256": [hashlib.sha256(ref.uri.encode()).hexdigest() for ref in page],
            "top_label": [slugs[index] for index in probabilities.argmax(axis=1)],
            "top_probability": probabilities.max(axis=1),
            "review": [False] * len(page),
            "model_id": [run.model_id] * len(page),
            **{f"p_{slug}": probabilities[:, index] for index, slug in enumerate(slugs)},
        }
        arrays = [
            pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(len(page), field.type)
            for field in run.schema
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=run.schema)


def main() -> None:
    """Writes the tables, measures the runs, prints the figures and saves them."""
    parser = argparse.ArgumentParser(description="Measures a run with nothing new.")
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of the model bundle")
    parser.add_argument(
        "--objects",
        type=int,
        default=1_000_000,
        metavar="N",
        help="objects in the store and in the table (default: %(default)s)",
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="runs of each layout (default: 3)")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep the tables in this folder")
    args = parser.parse_args()
    fsspec.register_implementation("quiet", QuietStore)
    with tempfile.TemporaryDirectory(prefix="quiet-") as temporary:
        work = args.work or Path(temporary)
        nights = {layout: _measure(work, layout, args) for layout in LAYOUTS}
    found = {"objects": args.objects, "rows": args.objects, "cores": os.cpu_count(), "nights": nights}
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _measure(work: Path, layout: str, args: argparse.Namespace) -> dict[str, Any]:
    output = work / f"{layout}-{args.objects}"
    if not output.exists():
        write_table(str(output), layout, args.objects, args.bundle)
    arguments = ["--images", f"quiet://{layout}-{args.objects}", "--bundle", args.bundle, "--output", str(output)]
    rounds = [measure([sys.executable, __file__, "score", *arguments]) for _ in range(args.rounds)]
    counts = counts_of(output)
    if counts["skipped"] != args.objects or counts["listed"] != args.objects:
        raise SystemExit(f"{layout}: the run had new photographs: {counts}")
    best = min(rounds, key=lambda run: run.seconds)
    peak = max(run.peak_bytes for run in rounds)
    print(f"{layout}  {best.seconds:6.1f} s wall  {best.cpu_seconds:6.1f} s CPU  {peak / 2**20:6.0f} MiB")
    return {
        "wall_seconds": [round(run.seconds, 2) for run in rounds],
        "cpu_seconds": [round(run.cpu_seconds, 2) for run in rounds],
        "peak_mib": round(peak / 2**20),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["score"]:
        sys.exit(score(sys.argv[2:]))
    started = time.monotonic()
    main()
    print(f"measured in {time.monotonic() - started:.0f} s", file=sys.stderr)
