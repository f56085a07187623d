"""Compares the nightly job with programs that one would write instead, and prints the table of the docs.

Usage: `python benchmarks/peers.py --bundle bundles/isic9-assignment-cnn --images FOLDER --json peers.json`

Every figure comes from whole processes, started as an operator would. Each contender scores all photographs
and, to separate start-up from steady state, the first 64 of them. The order rotates from round to round, so that
a slow minute of the machine affects all contenders alike. The files are in the operating system's cache: this
compares programs, not disks.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import photographs
from night import Measured, counts_of, measure, score_command

OURS = "melanoma score"
PEERS = {
    "tf.data": ("peer_tfdata.py", ()),
    "tf.data, ratio=4": ("peer_tfdata.py", ("4",)),
    "plain Beam": ("peer_runinference.py", ()),
}
FEW = 64
LIBRARIES = ("apache-beam", "keras", "numpy", "pandas", "Pillow", "pyarrow", "simplejpeg", "tensorflow")
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Trial:
    """One contender in one round.

    Attributes:
        rate: Photographs per second in steady state.
        start_up: Seconds that a run takes besides its photographs.
        cpu_each: Seconds of processor time per photograph in steady state, summed over cores.
        peak_bytes: Largest resident set over all photographs.
    """

    rate: float
    start_up: float
    cpu_each: float
    peak_bytes: int


def run(contender: str, images: Path, bundle: str) -> Measured:
    """Runs one contender over one folder, and checks that it wrote a row for every photograph.

    Raises:
        SystemExit: Rows are missing.
    """
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        if contender == OURS:
            table = Path(folder) / "scores"
            measured = measure(score_command(str(images), bundle, table))
            rows = counts_of(table)["scored"]
        else:
            script, options = PEERS[contender]
            parquet = f"{folder}/scores.parquet"
            arguments = [str(images), str(Path(bundle) / "model.keras"), parquet, *options]
            measured = measure([sys.executable, str(_HERE / script), *arguments])
            rows = _rows(parquet)
    if rows != len(list(images.iterdir())):
        raise SystemExit(f"{contender}: {rows} rows for the photographs of {images}")
    return measured


def _rows(parquet: str) -> int:
    """Counts rows in another process; memory of this process would be counted as that of its children."""
    count = "import sys, pyarrow.parquet; print(pyarrow.parquet.read_metadata(sys.argv[1]).num_rows)"
    return int(measure([sys.executable, "-c", count, parquet]).output)


def trial(contender: str, many: Path, few: Path, bundle: str) -> Trial:
    """Runs one contender over few photographs and over many.

    Raises:
        SystemExit: Many photographs took no longer than few.
    """
    short, long = run(contender, few, bundle), run(contender, many, bundle)
    further = len(list(many.iterdir())) - FEW
    if long.seconds <= short.seconds:
        raise SystemExit(f"{contender}: {further} more photographs took no time; give a larger --count")
    rate = further / (long.seconds - short.seconds)
    cpu_each = (long.cpu_seconds - short.cpu_seconds) / further
    return Trial(rate, short.seconds - FEW / rate, cpu_each, long.peak_bytes)


def compare(many: Path, bundle: str, rounds: int) -> dict[str, list[Trial]]:
    """Runs all contenders `rounds` times, each round beginning with the next of them."""
    few, names = photographs.first(FEW, many), [OURS, *PEERS]
    trials: dict[str, list[Trial]] = {name: [] for name in names}
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            result = trial(name, many, few, bundle)
            trials[name].append(result)
            print(f"round {turn + 1}  {name:<18}{result.rate:6.0f} images/s", file=sys.stderr, flush=True)
    return trials


def table(trials: Mapping[str, list[Trial]]) -> str:
    """Returns a Markdown table of medians; ratios are per round, with their median and range."""
    lines = [
        "| job | images/s | ours is faster by | CPU ms per image | start-up s | peak memory MiB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, rounds in trials.items():
        ratios = [ours.rate / peer.rate for ours, peer in zip(trials[OURS], rounds, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        rate, start_up, cpu_each, peak = (
            statistics.median(getattr(each, field) for each in rounds)
            for field in ("rate", "start_up", "cpu_each", "peak_bytes")
        )
        lines.append(
            f"| {name} | {rate:.0f} | {'' if name == OURS else spread} | {1000 * cpu_each:.2f} "
            f"| {start_up:.1f} | {peak / 2**20:.0f} |"
        )
    return "\n".join(lines)


def other_cpu_seconds() -> float:
    """Returns the processor time that all other programs have used so far, in seconds."""
    user, nice, system, _, _, interrupts, soft_interrupts, *_ = map(
        int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    )
    used = (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK")
    return used - sum(os.times()[:4])


def circumstances(many: Path, bundle: str, other_cores: float) -> dict[str, str]:
    """Returns the conditions under which the figures were measured."""
    sizes = [path.stat().st_size for path in many.iterdir()]
    width, height = photographs.SIZE
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"
    libraries = (f"{name} {version(name)}" for name in LIBRARIES)
    return {
        "photographs": f"{len(sizes)} JPEGs of {width}x{height}, {statistics.mean(sizes) / 1000:.0f} kB each",
        "bundle": Path(bundle).name,
        "machine": f"{machine}; other programs used {other_cores:.2f} cores meanwhile",
        "threads": "TensorFlow one per core, tf.data AUTOTUNE, ours by default; batches of 32 everywhere",
        "versions": ", ".join([f"Python {platform.python_version()}", *libraries]),
    }


def main() -> None:
    """Prepares the photographs, compares all contenders and prints the table."""
    parser = argparse.ArgumentParser(description="Compares the nightly job with its peers.")
    option = parser.add_argument
    option("--bundle", required=True, metavar="FOLDER", help="local folder of the model bundle")
    option("--images", type=Path, metavar="FOLDER", help="real photographs (default: synthetic ones)")
    option("--count", type=int, default=2000, metavar="N", help="photographs to score (default: 2000)")
    option("--rounds", type=int, default=3, metavar="N", help="number of rounds (default: 3)")
    option("--work", type=Path, default=Path("out/peers"), metavar="FOLDER", help="folder for the prepared photographs")
    option("--json", type=Path, metavar="FILE", help="also write every trial to this file")
    args = parser.parse_args()
    if args.count <= FEW or args.rounds < 1:
        parser.error(f"--count must be above {FEW} and --rounds at least 1")
    many = photographs.prepare(args.images, args.count, args.work)
    started, others = time.monotonic(), other_cpu_seconds()
    trials = compare(many, args.bundle, args.rounds)
    about = circumstances(many, args.bundle, (other_cpu_seconds() - others) / (time.monotonic() - started))
    if args.json:
        every = {name: [asdict(each) for each in rounds] for name, rounds in trials.items()}
        args.json.write_text(json.dumps({"about": about, "trials": every}, indent=2) + "\n", encoding="utf-8")
    print(table(trials), "", *(f"- {name}: {what}" for name, what in about.items()), sep="\n")


if __name__ == "__main__":
    main()
