"""Runs `melanoma score` over a whole folder and says how fast and how large it was.

Call: `python benchmarks/night.py IMAGES BUNDLE`
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """What one whole process cost, start-up and imports included.

    Attributes:
        seconds: Wall time.
        cpu_seconds: User and system time of all its threads.
        peak_bytes: Largest resident set.
        said: Its standard output.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    said: str


def measure(command: Sequence[str]) -> Measured:
    """Runs a command to its end.

    Args:
        command: Program and arguments.

    Raises:
        SystemExit: It failed; what it wrote on standard error says why.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=complaints)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complaints.seek(0)
        if process.returncode != 0:
            words = complaints.read().decode(errors="replace").strip()
            raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}\n{words}")
        cpu_seconds = usage.ru_utime + usage.ru_stime
        return Measured(seconds, cpu_seconds, usage.ru_maxrss * 1024, said.read().decode(errors="replace"))


def score_command(images: str, bundle: str, output: str | Path) -> list[str]:
    """Spells the nightly job as an operator would, with no option beyond the necessary."""
    words = ["score", "--images", images, "--bundle", bundle, "--output", str(output)]
    return [sys.executable, "-m", "jobs.cli", *words]


def counts_of(output: Path) -> dict[str, int]:
    """Reads the counts of the last run that left its record beside a local score table."""
    records = sorted((output / "_reports").glob("*.json"))
    counts: dict[str, int] = json.loads(records[-1].read_bytes())["counts"]
    return counts


def main() -> None:
    """Scores, then prints."""
    parser = argparse.ArgumentParser(description="Scores a whole folder once and says what it cost.")
    parser.add_argument("images", metavar="IMAGES", help="folder of photographs, in any store")
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of the model bundle")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="night-") as folder:
        command = score_command(args.images, args.bundle, Path(folder) / "scores")
        night = measure([*command, "--max-failed", "1"])  # broken photographs are counted here, not judged
        counts = counts_of(Path(folder) / "scores")
    rows = counts["scored"] + counts["failed"]
    print(f"rows         {rows:,}")
    print(f"counts       {', '.join(f'{number:,} {name}' for name, number in counts.items())}")
    print(f"rate         {rows / night.seconds:.0f} images/s, start-up included")
    print(f"wall         {night.seconds:.1f} s on {os.cpu_count()} cores")
    print(f"CPU          {night.cpu_seconds:.1f} s, all cores added")
    print(f"peak memory  {night.peak_bytes / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
