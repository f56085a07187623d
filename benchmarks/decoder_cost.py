"""Compares decoding in child processes, as a run does, with decoding in threads of its own process.

Both decode the same photographs in turn, so that other work on the machine slows both alike. What is compared is the
processor time of all processes, which such work changes least.

Usage: `python benchmarks/decoder_cost.py [--rounds 9] [--json FILE.json]`
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from melanoma.images import encoding
from melanoma.images.decoder_pool import DecoderPool
from melanoma.images.decoding import ImageSpec, decode, read_header
from melanoma.samples import phantoms

_SPECS = (ImageSpec(224, 224),)
_DIFFERENT = 4  # photographs of each kind
_KIB = 2**10
_LOAD = "import time, numpy, melanoma.images.decoding"

Decode = Callable[[bytes], object]


@dataclass(frozen=True)
class Kind:
    """One kind of photograph.

    Attributes:
        format: Of the files.
        width: Pixels.
        height: Pixels.
        count: How many are decoded in one round.
    """

    format: str
    width: int
    height: int
    count: int


@dataclass(frozen=True)
class Cost:
    """Cost of decoding one photograph, medians over the rounds.

    Attributes:
        kind: What was decoded.
        threads_ms: Processor time in threads.
        children_ms: Processor time in child processes and their owner.
        more_percent: What the children take more; the median of the rounds' ratios.
        quartiles: Between these lies the middle half of the ratios, in percent.
    """

    kind: str
    threads_ms: float
    children_ms: float
    more_percent: float
    quartiles: tuple[float, float]


KINDS = (
    Kind("jpeg", 200, 150, 480),
    Kind("jpeg", 600, 450, 480),
    Kind("jpeg", 1024, 768, 240),
    Kind("jpeg", 4000, 3000, 24),
    Kind("png", 600, 450, 80),
)


def main() -> None:
    """Measures and prints JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each kind (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="file for the result")
    args = parser.parse_args()
    costs = [asdict(_cost(kind, args.rounds)) for kind in KINDS]
    found = {"cores": os.cpu_count(), "rounds": args.rounds, "photographs": costs, "start": _start(args.rounds)}
    text = json.dumps(found, indent=1)
    print(text)
    if args.json:
        args.json.write_text(text + "\n")


def _cost(kind: Kind, rounds: int) -> Cost:
    drawn = (phantoms.draw(seed, kind.height, kind.width) for seed in range(_DIFFERENT))
    files = [encoding.encode(pixels, kind.format, 90) for pixels in drawn] * (kind.count // _DIFFERENT)
    pairs = [_pair(files) for _ in range(rounds)]
    threads, children = ([pair[side] * 1000 / len(files) for pair in pairs] for side in (0, 1))
    more = sorted(100 * (child / thread - 1) for thread, child in zip(threads, children, strict=True))
    quarter = len(more) // 4
    return Cost(
        f"{kind.format} {kind.width}x{kind.height}",
        round(statistics.median(threads), 2),
        round(statistics.median(children), 2),
        round(statistics.median(more), 1),
        (round(more[quarter], 1), round(more[-1 - quarter], 1)),
    )


def _pair(files: Sequence[bytes]) -> tuple[float, float]:
    """Returns the processor time for decoding `files` in threads and in children, in seconds."""
    pool = DecoderPool(len(os.sched_getaffinity(0)))  # a new one each time: those that are replaced no longer count

    def in_child(data: bytes) -> object:
        return pool.decode(data, read_header(data), _SPECS).results[0]

    def in_thread(data: bytes) -> object:
        return decode(data, _SPECS[0], read_header(data))

    try:
        _processor_seconds(in_child, files[:_DIFFERENT])
        _processor_seconds(in_thread, files[:_DIFFERENT])
        return _processor_seconds(in_thread, files), _processor_seconds(in_child, files)
    finally:
        pool.close()


def _processor_seconds(decode_one: Decode, files: Sequence[bytes]) -> float:
    """Returns the processor time of this process and all below it for decoding `files` in as many threads as a run."""
    before = _used()
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as threads:
        for _ in threads.map(decode_one, files):
            pass
    return _used() - before


def _used() -> float:
    below = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in _below(os.getpid()))
    return time.process_time() + below / 1e9


def _below(pid: int) -> list[int]:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [number for word in words for number in (int(word), *_below(int(word)))]


def _start(rounds: int) -> dict[str, float]:
    """Returns what the processes cost before the first photograph and their memory then, medians of the rounds."""
    data = encoding.encode(phantoms.draw(0, 450, 600), "jpeg", 90)
    measured = [(*_first_photograph(data), _loading_alone()) for _ in range(rounds)]
    names = (
        "seconds until the first photograph",
        "processor seconds of server and decoder",
        "memory of the server alone, MiB",
        "memory of a decoder alone, MiB",
        "processor seconds of a Python that loads the same libraries",
    )
    return {
        name: round(statistics.median(values), 3)
        for name, values in zip(names, zip(*measured, strict=True), strict=True)
    }


def _first_photograph(data: bytes) -> tuple[float, float, float, float]:
    before, began = _used(), time.monotonic()
    pool = DecoderPool(1)
    pool.decode(data, read_header(data), _SPECS)
    seconds, used = time.monotonic() - began, _used() - before
    server, decoder = (_own_mib(pid) for pid in _below(os.getpid()))
    pool.close()
    return seconds, used, server, decoder


def _loading_alone() -> float:
    script = f"{_LOAD}; print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)


def _own_mib(pid: int) -> float:
    """Returns the memory that a process does not share with another."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / _KIB


if __name__ == "__main__":
    main()
