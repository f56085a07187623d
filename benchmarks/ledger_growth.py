"""Measures how memory and time of the ledger grow with the number of photographs that the table knows.

Usage: `python benchmarks/ledger_growth.py`

The digests are drawn at random instead of being read from a table, so that nothing but the ledger is measured. Each
size is measured in a process of its own.
"""

import argparse
import datetime
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from melanoma.ingest.image_refs import DIGEST_BYTES, ImageRef
from melanoma.runs.attempts import PastAttempts
from melanoma.runs.ledger import Ledger

RESULTS = Path(__file__).parent / "results" / "ledger_growth.json"
_PART = 100_000
_PAGE = 4096


def measure(rows: int) -> dict[str, float]:
    """Builds the ledger of a table of so many rows, and looks up a page of new photographs.

    Returns:
        Seconds of a processor to sort and to look up 4,096 photographs, and the largest resident set added, in MiB.
    """
    generator, past = np.random.default_rng(rows), PastAttempts()
    before = _peak_mib()
    for first in range(0, rows, _PART):
        for digests in (past.done, past.uris, past.names):
            digests.extend_packed(generator.bytes(min(_PART, rows - first) * DIGEST_BYTES))
    began = time.process_time()
    ledger = Ledger(past, today=datetime.date(2026, 1, 2))
    sorted_after = time.process_time()
    verdicts = ledger.look_up([ImageRef(f"s3://archive/{number}.jpg", "1", 1, "") for number in range(_PAGE)])
    looked_up = time.process_time()
    if any(verdict.attempt != 1 or verdict.is_moved for verdict in verdicts):
        raise SystemExit("the ledger knows a photograph that was never added")
    return {
        "rows": rows,
        "sort_cpu_seconds": round(sorted_after - began, 2),
        "page_cpu_seconds": round(looked_up - sorted_after, 3),
        "peak_mib": round(_peak_mib() - before),
    }


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measures ledgers of growing size, prints the figures and saves them."""
    parser = argparse.ArgumentParser(description="Measures how the ledger grows with the table.")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], metavar="N")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        print(json.dumps(measure(args.rows[0])))
        return
    found = []
    for rows in args.rows:
        command = [sys.executable, __file__, "--alone", "--rows", str(rows)]
        ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=3600)
        found.append(json.loads(ended.stdout))
        print(ended.stdout, end="", flush=True)
    RESULTS.write_text(json.dumps({"cores": os.cpu_count(), "ledgers": found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
