"""Compares the engines that can run a bundle: speed, start-up, memory, what they install, and how far answers differ.

Every engine scores the same pixels in a process of its own, one after the other in each round, so that other work on
the machine slows all alike. What is compared is the processor time, which such work changes least.

Usage: `python benchmarks/engines.py BUNDLE [--photographs 96] [--rounds 3] [--json FILE.json]`
"""

import argparse
import importlib.metadata
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from melanoma.images import encoding
from melanoma.images.decoding import ImageSpec, decode
from melanoma.images.pixels import Pixels
from melanoma.model.bundle import load_bundle
from melanoma.model.engine import load_engine, score_all
from melanoma.model.engine_names import ENGINES, TENSORFLOW
from melanoma.samples import phantoms

_BATCH = 32
_PACKAGES = {TENSORFLOW: ("tensorflow", "keras")}


@dataclass(frozen=True)
class Run:
    """One engine in one process.

    Attributes:
        engine: Name of the engine.
        version: Its version and precision.
        start_seconds: Processor time until the network is loaded and has reproduced the golden samples.
        ms: Processor time for one photograph, milliseconds.
        rate: Photographs a second by the clock.
        peak_mib: Peak memory of the process.
        probabilities: Of every photograph.
    """

    engine: str
    version: str
    start_seconds: float
    ms: float
    rate: float
    peak_mib: float
    probabilities: list[list[float]]


def pictures(count: int, spec: ImageSpec) -> Pixels:
    """Returns drawn photographs, decoded."""
    files = [encoding.encode(phantoms.draw(seed, 240, 320), "jpeg") for seed in range(count)]
    return np.stack([decode(data, spec) for data in files])


def measure(place: str, engine: str, count: int) -> Run:
    """Loads a bundle and scores photographs with one engine, in this process."""
    bundle = load_bundle(place)
    pixels = pictures(count, bundle.spec)
    began = time.process_time()
    loaded = load_engine(bundle, _BATCH, engine)
    start = time.process_time() - began
    score_all(loaded, pixels[:_BATCH])
    cpu, clock = time.process_time(), time.perf_counter()
    found = score_all(loaded, pixels)
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Run(engine, loaded.version, start, 1e3 * cpu / count, count / clock, peak, found.probabilities.tolist())


def in_a_process(place: str, engine: str, count: int) -> Run:
    """Runs `measure` in a new process."""
    words = [sys.executable, __file__, place, "--photographs", str(count), "--only", engine]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def installed_mib(engine: str) -> float:
    """Returns the size of the files that an engine's packages install, without what other packages share."""
    files = [
        file.locate() for name in _PACKAGES.get(engine, (engine,)) for file in importlib.metadata.files(name) or ()
    ]
    return sum(Path(str(path)).stat().st_size for path in files if Path(str(path)).is_file()) / 2**20


def table(rounds: list[dict[str, Run]]) -> list[dict[str, float | str]]:
    """Returns a row for each engine; ratios are medians over the rounds."""
    rows: list[dict[str, float | str]] = []
    for engine in ENGINES:
        runs = [found[engine] for found in rounds]
        reference = [found[TENSORFLOW] for found in rounds]
        answers = [np.array(run.probabilities) for run in (runs[0], reference[0])]
        rows.append(
            {
                "engine": runs[0].version,
                "CPU ms a photograph": round(statistics.median(run.ms for run in runs), 2),
                "times as fast as TensorFlow": round(
                    statistics.median(other.ms / run.ms for run, other in zip(runs, reference, strict=True)), 2
                ),
                "start-up, CPU s": round(statistics.median(run.start_seconds for run in runs), 2),
                "peak memory, MiB": round(statistics.median(run.peak_mib for run in runs)),
                "installed, MiB": round(installed_mib(engine)),
                "largest difference": float(f"{np.abs(answers[0] - answers[1]).max():.1e}"),
            }
        )
    return rows


def main() -> None:
    """Prints the table, and the JSON of it if asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--photographs", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(asdict(measure(args.bundle, args.only, args.photographs))))
        return
    rounds = [
        {engine: in_a_process(args.bundle, engine, args.photographs) for engine in ENGINES} for _ in range(args.rounds)
    ]
    rows = table(rounds)
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
