"""Measures how memory and time of a first run grow with the number of photographs, up to ten million.

Usage: `python benchmarks/growth.py BUNDLE`

Store, photographs and network are stand-ins that cost next to nothing, so that the job itself is measured: the store
lists from memory like an S3 client, reading returns the same grey picture each time, and the network answers at once.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
from night import counts_of
from quiet_night import QuietStore

RESULTS = Path(__file__).parent / "results" / "growth.json"
_POLL_SECONDS = 0.2
_TIME_LIMIT = 6 * 3600.0  # of one run


@dataclass
class Growth:
    """What one first run cost.

    Attributes:
        photographs: Number of photographs, all of them new.
        seconds: Wall time of the whole process.
        cpu_seconds: User and system time of the process and its ended children.
        peak_mib: Largest resident set of the process and its children together, as seen every 0.2 s.
        first_staged: Seconds from the start until the first chunk was staged.
        listed: Seconds from the start until the listing had ended.
        last_staged: Seconds from the start until the last chunk was staged.
        committed: Seconds from the start until the rows were committed and the run's record was written.
        staged_peak_mib: As `peak_mib`, until the last chunk was staged.
        committed_peak_mib: As `peak_mib`, until the commit had ended: what comes after it is the report.
    """

    photographs: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    first_staged: float | None = None
    listed: float | None = None
    last_staged: float | None = None
    committed: float | None = None
    staged_peak_mib: float = 0.0
    committed_peak_mib: float = 0.0


class _StubEngine:
    """A network that finds every class as probable as the next."""

    version = "stub"

    def __init__(self, num_classes: int) -> None:
        self._num_classes = num_classes

    def score(self, pixels: Any) -> Any:
        """Returns equal probabilities for a batch."""
        from melanoma.model.decision import ModelOutput

        return ModelOutput(np.full((len(pixels), self._num_classes), 1 / self._num_classes, np.float32))


def score(arguments: Sequence[str]) -> int:
    """Scores in this process, with the stand-ins in the places of store, photographs and network."""
    import pipelines.inference
    from jobs.cli import main as melanoma
    from melanoma.ingest import batches
    from melanoma.ingest.loading import Decoded, Loaded

    fsspec.register_implementation("quiet", QuietStore)
    grey: dict[Any, Any] = {}

    def load(ref: Any, specs: Any, forgotten: Any = None) -> list[Decoded]:
        loaded = Loaded(ref, 600, 450, ref.version, bytes=ref.size)
        return [
            Decoded(loaded, grey.setdefault(spec, np.full((spec.height, spec.width, 3), 128, np.uint8)))
            for spec in specs
        ]

    batches.load = load
    pipelines.inference.load_engine = lambda bundle, *_: _StubEngine(len(bundle.labels))  # type: ignore[assignment]
    return melanoma(["score", *arguments])


def measure(bundle: str, photographs: int, output: Path, options: Sequence[str]) -> Growth:
    """Makes a first run over a number of photographs, and watches it from outside.

    Raises:
        SystemExit: The run failed, or not every photograph was scored.
    """
    growth, began = Growth(photographs), time.monotonic()
    arguments = ["--images", f"quiet://tree-{photographs}", "--bundle", bundle, "--output", str(output)]
    arguments += ["--max-bundle-drift", "1000", *options]  # a network that always says the same has drifted
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([sys.executable, __file__, "score", *arguments], stdout=errors, stderr=errors)
        with _watching(process, output, growth, began):
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        growth.seconds, growth.cpu_seconds = time.monotonic() - began, usage.ru_utime + usage.ru_stime
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"exit code {process.returncode}\n{errors.read().decode(errors='replace')}")
    counts = counts_of(output)
    if counts["scored"] != photographs:
        raise SystemExit(f"not every photograph was scored: {counts}")
    return growth


@contextmanager
def _watching(process: subprocess.Popen[bytes], output: Path, growth: Growth, began: float) -> Iterator[None]:
    """Notes memory and staged files of a run while the block waits for it; ends the run after its time limit."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS):
            _note(process.pid, output, growth, time.monotonic() - began)
            if time.monotonic() - began > _TIME_LIMIT:
                process.kill()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _note(pid: int, output: Path, growth: Growth, seconds: float) -> None:
    growth.peak_mib = max(growth.peak_mib, _resident_mib(pid))
    if growth.first_staged is None and any(output.glob("_staging/*/*/*.arrow")):
        growth.first_staged = seconds
    if growth.listed is None and any(_is_final(path) for path in output.glob("_staging/*/*/images.txt")):
        growth.listed = seconds
    if growth.last_staged is None and (output / "_delta_log").exists():
        growth.last_staged, growth.staged_peak_mib = seconds, growth.peak_mib
    if growth.committed is None and any(output.glob("_reports/*.json")):
        growth.committed, growth.committed_peak_mib = seconds, growth.peak_mib


def _is_final(announcement: Path) -> bool:
    try:
        return not announcement.read_text(encoding="ascii").endswith("+")
    except OSError:  # it is removed with what the run has staged
        return False


def _resident_mib(pid: int) -> float:
    """Returns the resident MiB of a process and all its descendants; what they share counts once a process."""
    pages, pending = 0, [pid]
    while pending:
        here = pending.pop()
        try:
            pages += int(Path(f"/proc/{here}/statm").read_text().split()[1])
            for task in Path(f"/proc/{here}/task").iterdir():
                pending += map(int, (task / "children").read_text().split())
        except OSError:  # it has ended meanwhile
            continue
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def main() -> None:
    """Measures first runs of growing size, prints the figures and saves them."""
    parser = argparse.ArgumentParser(description="Measures how a first run grows with the number of photographs.")
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of the model bundle; its network is not run")
    parser.add_argument(
        "--photographs",
        type=int,
        nargs="+",
        default=[100_000, 1_000_000],
        metavar="N",
        help="photographs of each run (default: 100000 1000000; 10000000 takes an hour)",
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="folder for the tables (default: a temporary one)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="where the figures are saved")
    parser.add_argument("rest", nargs="*", metavar="-- FLAG", help="further flags of melanoma score")
    args = parser.parse_args()
    found = []
    for photographs in args.photographs:
        with tempfile.TemporaryDirectory(prefix="growth-", dir=args.work) as work:
            growth = measure(args.bundle, photographs, Path(work) / "scores", args.rest)
        print(json.dumps(asdict(growth)), flush=True)
        found.append(asdict(growth))
    args.results.write_text(json.dumps({"cores": os.cpu_count(), "runs": found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["score"]:
        sys.exit(score(sys.argv[2:]))
    main()
