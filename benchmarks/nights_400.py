"""Measures an analyst's query and the ledger lookup after 400 nightly runs, with and without compaction.

Usage: `python benchmarks/nights_400.py [--nights N] [--photographs N]`. Each run commits a few hundred rows.
"""

import argparse
import datetime
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa

from melanoma.model.bundle import load_bundle
from melanoma.queries import views
from melanoma.runs import ledger
from melanoma.runs.run import new_run
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import score_schema
from melanoma.table.score_table import ScoreTable

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "nights_400.json"
_BUNDLE = load_bundle(str(ROOT / "bundles" / "ham10000-lite0"))
_FIRST = datetime.datetime(2026, 1, 1, 1, 30, tzinfo=datetime.UTC)
_SCHEMA = score_schema(_BUNDLE.slugs)
_ROUNDS, _EVERY = 3, 100


def rows(night: int, photographs: int) -> pa.Table:
    """Returns the rows of one nightly run; one photograph in ten is a new version of an older one."""
    moment = _FIRST + datetime.timedelta(days=night)
    numbers = [night * photographs + place if place % 10 else place for place in range(photographs)]
    same = {"run_date": moment.date(), "run_id": f"{moment:%Y%m%dT%H%M%SZ}-00000000", "scored_at": moment}
    same |= {"status": "scored", "attempt": 1, "top_label": "nevus", "model_id": _BUNDLE.model_id}
    probabilities = {name: 1 / 7 for name in _SCHEMA.names if name.startswith("p_")}
    own = [
        {"image_id": f"lesion-{n:08}", "image_uri": f"s3://archive/lesion-{n:08}.jpg", "image_version": f"{night:032x}"}
        for n in numbers
    ]
    return pa.Table.from_pylist([same | probabilities | row for row in own], schema=_SCHEMA)


def timed(call: Callable[[], object]) -> float:
    """Returns the median time of a few calls in seconds."""
    taken = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return round(median(taken), 3)


def grow(folder: str, nights: int, photographs: int, compacts: bool) -> list[dict[str, Any]]:
    """Commits one nightly run after another, and measures after every hundred."""
    uri, found = f"{folder}/scores", []
    for night in range(1, nights + 1):
        table = rows(night, photographs)
        ScoreTable.at(OutputLayout.at(uri), ScoreTable.open(OutputLayout.at(uri)).version).append(
            f"run-{night}", _SCHEMA, iter(table.to_batches())
        )
        if compacts:
            ScoreTable.open(OutputLayout.at(uri)).compact_if_it_pays(_BUNDLE.model_id)
        if night % _EVERY == 0:
            run = new_run(
                OutputLayout.at(uri), _BUNDLE, pa.schema([]), ScoreTable.open(OutputLayout.at(uri)).version, None
            )
            found.append(
                {
                    "compacts": compacts,
                    "nights": night,
                    "small files": ScoreTable.open(OutputLayout.at(uri)).small_files(_BUNDLE.model_id),
                    "latest, s": timed(
                        lambda: views.query(ScoreTable.open(OutputLayout.at(uri)), "SELECT count(*) FROM latest")
                    ),
                    "ledger, s": timed(lambda run=run: ledger.load_ledgers([run])),
                }
            )
            print(found[-1], flush=True)
    return found


def main() -> None:
    """Measures with and without compaction."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=400)
    parser.add_argument("--photographs", type=int, default=300)
    args = parser.parse_args()
    found = []
    for compacts in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            found += grow(folder, args.nights, args.photographs, compacts)
    RESULTS.write_text(json.dumps({"photographs a night": args.photographs, "found": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
