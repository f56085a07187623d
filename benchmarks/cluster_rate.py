"""Measures how much faster two task managers of one processor each are than one, on the Flink of `make flink-up`.

Usage: `make flink-up`, then `python benchmarks/cluster_rate.py IMAGES BUNDLE [--photographs N] [--rounds N]`

The steady rate is that between the first and the last tenth of the chunks, by the times at which they were staged, so
that the start of Java, Python and TensorFlow does not count; how long that takes is told apart. Runs with one and with
two task managers alternate, so that other work on the machine meets both. Close everything else: each task manager
wants a processor of its own.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tools.clusters.cluster import Cluster

RESULTS = Path(__file__).parent / "results" / "cluster_rate.json"
_CHUNK_SIZE = 20
_LOOK_SECONDS = 0.05


def run(images: Path, bundle: str, limit: int, slots: int) -> dict[str, Any]:
    """Scores once, and returns the seconds until the first chunk was staged, and photographs a second after it."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["score", "--images", str(images), "--bundle", bundle, "--output", f"{folder}/out", "--quiet"]
        words += ["--limit", str(limit), "--chunk-size", str(_CHUNK_SIZE), "--"]
        command = [sys.executable, "-m", "jobs.cli", *words, *Cluster("flink").beam_options(), f"--parallelism={slots}"]
        load, begun, staged = os.getloadavg()[0], time.time(), dict[str, float]()
        with subprocess.Popen(command) as started:
            while started.poll() is None:
                for path in Path(folder, "out", "_staging").rglob("*.arrow"):
                    staged.setdefault(path.name, _written(path))
                time.sleep(_LOOK_SECONDS)
        if started.returncode:
            raise SystemExit(f"the run ended with exit code {started.returncode}")
        times = sorted(seen for seen in staged.values() if seen)
    return {
        "task_managers": slots,
        "photographs_per_second": round(_steady(times, limit), 2),
        "seconds_to_first_chunk": round(times[0] - begun, 1),
        "seconds": round(time.time() - begun, 1),
        "load": round(load, 1),
    }


def _written(path: Path) -> float:
    """Returns when a file was written; 0 if it is gone meanwhile."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _steady(times: list[float], photographs: int) -> float:
    first, last = len(times) // 10, len(times) - 1 - len(times) // 10
    return (last - first) / (times[last] - times[first]) * photographs / len(times)


def main() -> None:
    """Runs in turn with one and two task managers, prints every run, and writes the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("bundle")
    parser.add_argument("--photographs", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    runs = list[dict[str, Any]]()
    for _ in range(args.rounds):
        for slots in (1, 2):
            runs.append(run(args.images, args.bundle, args.photographs, slots))
            print(runs[-1], flush=True)
    one, two = (
        statistics.median(each["photographs_per_second"] for each in runs if each["task_managers"] == slots)
        for slots in (1, 2)
    )
    found = {
        "bundle": Path(args.bundle).name,
        "photographs": args.photographs,
        "ratio": round(two / one, 2),
        "runs": runs,
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(f"two task managers are {two / one:.2f} times as fast as one")


if __name__ == "__main__":
    main()
