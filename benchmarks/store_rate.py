"""Measures how fast `melanoma score` is on photographs in a store that is far away, compared with a local folder.

Each round scores the same photographs from both places, in turn, with this checkout and any others. Each run is a whole
process, its start included.

Usage: `PYTHONPATH=. python benchmarks/store_rate.py FOLDER BUNDLE [--latency 0.05] [--rounds 3] [--beside CHECKOUT]`
"""

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

from benchmarks.night import Measured, measure, score_command
from benchmarks.slow_store import slow_store
from tests.helpers import ROOT
from tests.helpers.small_answers import BUCKET
from tests.helpers.small_store import store_variables


def score(images: str, bundle: Path, checkout: Path) -> Measured:
    """Scores a folder in any store once with the code of a checkout."""
    with tempfile.TemporaryDirectory(prefix="store-rate-") as folder:
        command = score_command(images, str(bundle), Path(folder) / "scores")
        return measure(["env", "-C", str(checkout), f"PYTHONPATH={checkout}", *command])


def main() -> None:
    """Prints one line for each place and checkout."""
    parser = argparse.ArgumentParser(description="Compares a store that is far away with a local folder.")
    parser.add_argument("images", metavar="FOLDER", type=Path, help="folder of photographs, without folders in it")
    parser.add_argument("bundle", metavar="BUNDLE", type=Path, help="folder of the model bundle")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind (default: %(default)s)")
    parser.add_argument("--beside", type=Path, action="append", default=[], help="another checkout to measure, too")
    args = parser.parse_args()
    found: dict[tuple[str, str], list[Measured]] = {}
    with slow_store(args.images.resolve(), args.latency) as address:
        os.environ |= store_variables(address)
        places = {"local": str(args.images.resolve()), "store": f"s3://{BUCKET}/in"}
        for _ in range(args.rounds):
            for checkout in (ROOT, *args.beside):
                for name, images in places.items():
                    run = score(images, args.bundle.resolve(), checkout.resolve())
                    found.setdefault((str(checkout), name), []).append(run)
    for (checkout, place), runs in found.items():
        figures = {
            "seconds": [round(run.seconds, 1) for run in runs],
            "median": round(statistics.median(run.seconds for run in runs), 2),
            "cpu_median": round(statistics.median(run.cpu_seconds for run in runs), 2),
            "peak_mib": max(run.peak_bytes for run in runs) // 2**20,
        }
        print(json.dumps({"checkout": Path(checkout).name, "place": place, **figures}), flush=True)


if __name__ == "__main__":
    main()
