"""Checks of everything that a night needs, one at a time, with what to do where one fails."""

import datetime
import importlib.metadata
import itertools
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from packaging.requirements import Requirement

from melanoma import storage
from melanoma.errors import MelanomaError, NothingCommittedError, PhotographError, ReadError
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import Loaded, load
from melanoma.ingest.sources import Source, list_images
from melanoma.model.bundle import Bundle
from melanoma.runs import heartbeats
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import COLUMNS, score_schema
from melanoma.table.score_table import ScoreTable

_LISTED, _LISTING_SECONDS, _SAMPLE = 50_000, 10.0, 50
_SKEW_SECONDS, _LEAST_MEMORY = 120, 1.5e9
_OURS = "melanoma"
_ASK = "try again; if it stays so, ask whoever runs the store"
# Versions inside our bounds that do harm all the same: package, from, to below, why.
_HARMFUL: tuple[tuple[str, str, str, str], ...] = (
    ("keras", "3.13.0", "3.13.2", "opens network files that read or write other files"),
    ("s3fs", "2026.1", "2026.7", "takes a part of a listing for the whole of it"),
)


class Result(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    FAIL = "fail"
    STORE = "store"  # it failed, but may pass by itself


@dataclass(frozen=True)
class Check:
    """One line of a check-up.

    Attributes:
        name: What was checked.
        result: How it ended.
        found: In a sentence; names no photograph.
        remedy: What to do; empty where nothing is.
    """

    name: str
    result: Result
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Listed:
    """What was seen of the sources.

    Attributes:
        refs: A sample, spread over what was listed.
        count: Photographs listed.
        is_all: Whether the listing came to its end.
        seconds: That it took.
        size: Bytes of all that were listed, as far as the store says.
    """

    refs: tuple[ImageRef, ...]
    count: int
    is_all: bool
    seconds: float
    size: int


def guarded(name: str, remedy: str, check: Callable[[], Check]) -> Check:
    """Runs a check; what it raises becomes a failure with a remedy."""
    try:
        return check()
    except NothingCommittedError as error:
        return Check(name, Result.STORE, str(error), _ASK)
    except (MelanomaError, PhotographError, OSError) as error:
        if isinstance(error, ReadError) and error.kind.is_transient:
            return Check(name, Result.STORE, str(error), _ASK)
        return Check(name, Result.FAIL, str(error), remedy)


def check_versions() -> Check:
    """Compares what is installed with our bounds and with versions known to do harm."""
    from packaging.version import Version

    wrong = []
    for text in importlib.metadata.requires(_OURS) or []:
        needed = Requirement(text)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        present = _version_of(needed.name)
        if present is None or not needed.specifier.contains(present, prereleases=True):
            wrong.append(f"{needed.name} {present or 'is missing'} (wanted {needed.specifier})")
    for package, least, below, why in _HARMFUL:
        present = _version_of(package)
        if present is not None and Version(least) <= Version(present) < Version(below):
            wrong.append(f"{package} {present} {why}")
    if wrong:
        return Check("versions", Result.FAIL, "; ".join(wrong), "install by requirements.lock, with --require-hashes")
    return Check("versions", Result.PASS, "all libraries are within the bounds that were tested")


def _version_of(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def list_some(sources: Sequence[Source]) -> Listed:
    """Lists for a bounded time, and keeps a sample that is spread over what was seen.

    Raises:
        UsageError: A manifest cannot be read, or a store is not known.
        ReadError: A root cannot be listed.
    """
    began, seen, size, is_all = time.monotonic(), list[ImageRef](), 0, True
    for ref in itertools.chain.from_iterable(list_images(source) for source in sources):
        seen.append(ref)
        size += max(0, ref.size)
        if len(seen) >= _LISTED or time.monotonic() - began > _LISTING_SECONDS:
            is_all = False
            break
    step = max(1, len(seen) // _SAMPLE)
    return Listed(tuple(seen[::step][:_SAMPLE]), len(seen), is_all, time.monotonic() - began, size)


def check_listing(listed: Listed) -> Check:
    """Says how many photographs there are."""
    more = "" if listed.is_all else " or more; the listing was cut short"
    if not listed.count:
        return Check(
            "listing", Result.FAIL, "no photograph there", "check --images and --pattern, or the rights of this account"
        )
    rate = listed.count / max(listed.seconds, 1e-6)
    return Check("listing", Result.PASS, f"{listed.count:,} photographs{more}, {rate:,.0f} a second")


def decode_sample(listed: Listed, bundle: Bundle) -> tuple[list[Loaded], npt.NDArray[np.uint8]]:
    """Reads and decodes the sample as a night does.

    Returns:
        What became of each photograph, and the pixels of those that could be decoded, uint8 (n, height, width, 3).
    """
    with ThreadPoolExecutor(8) as pool:
        loaded = [one[0] for one in pool.map(lambda ref: load(ref, [bundle.spec]), listed.refs)]
    pixels = [decoded for _, decoded in loaded if decoded is not None]
    empty = np.zeros((0, bundle.spec.height, bundle.spec.width, 3), np.uint8)
    return [facts for facts, _ in loaded], np.stack(pixels) if pixels else empty


def check_decoding(loaded: Sequence[Loaded]) -> Check:
    """Says how many of the sample could be decoded."""
    kinds = Counter(facts.error.kind for facts in loaded if facts.error is not None)
    said = ", ".join(f"{kind.value} {count}" for kind, count in kinds.most_common())
    good = len(loaded) - kinds.total()
    found = f"{good} of {len(loaded)} photographs" + (f"; {said}" if said else "")
    remedy = "the table of error kinds in docs/use/output.md says what each means"
    if kinds and all(kind.is_store_failure for kind in kinds) and not good:
        return Check("decoding", Result.STORE, found, "the store gives no photograph: credentials, rights, network")
    if kinds.total() > 0.05 * len(loaded):
        return Check("decoding", Result.WARN if good else Result.FAIL, found, remedy)
    return Check("decoding", Result.PASS, found)


def check_output(layout: OutputLayout) -> Check:
    """Writes, creates once and removes through the store of the output."""
    storage.check_writable(layout.name, layout.probe())
    trial = layout.trial()
    probe = trial.probe()
    now = datetime.datetime.now(datetime.UTC)
    try:
        storage.create_bytes(probe, b"first")  # on a local disk by a hard link
        storage.create_bytes(probe, b"second")
        if storage.read_bytes(probe) != b"first":
            found = "of two that create one file, the second replaced the first"
            return Check("output", Result.FAIL, found, "two nights could commit at once; choose another store")
        modified = storage.stat(probe).modified
    finally:
        storage.remove(trial.root)
    skew = abs((modified - now).total_seconds()) if modified is not None else 0.0
    if skew > _SKEW_SECONDS:
        found = f"this clock and the store's are {skew:,.0f} seconds apart"
        return Check("output", Result.WARN, found, "set the clock: heartbeats and --since rely on it")
    return Check("output", Result.PASS, "takes files, and only one of two that create the same")


def check_delta(layout: OutputLayout, bundle: Bundle) -> Check:
    """Commits a row to a table of its own beside the output, reads it back and removes it."""
    trial = layout.trial()
    schema = score_schema(bundle.slugs)
    now = datetime.datetime.now(datetime.UTC)
    own = {"run_date": now.date(), "scored_at": now, "attempt": 1, "model_id": bundle.model_id}
    row = {column.name: own.get(column.name, "doctor") for column in COLUMNS if not column.nullable}
    try:
        rows = pa.Table.from_pylist([row], schema=schema)
        ScoreTable.open(trial).append("doctor", schema, iter(rows.to_batches()))
        count = ScoreTable.open(trial).rows(["run_id"]).num_rows
    finally:
        storage.remove(trial.root)
    if count != 1:
        return Check("table", Result.FAIL, f"{count} rows came back for one", "choose another store for --output")
    return Check("table", Result.PASS, "a commit was written, read back and removed")


def check_alone(layout: OutputLayout) -> Check:
    """Looks for a running night."""
    beats = heartbeats.active(layout)
    if beats:
        found = f"run {beats[0].run_id} is active, last alive {beats[0].since}"
        return Check("other nights", Result.WARN, found, "a start now would end with exit code 3")
    return Check("other nights", Result.PASS, "none is running on this output")


def check_space(layout: OutputLayout, needed: float) -> Check:
    """Compares the free space of local disks with what a whole store would need, staged and committed."""
    places = {"temporary folder": tempfile.gettempdir()}
    if (local := storage.local_path(layout.root)) is not None:
        places["output"] = next(str(path) for path in [Path(local), *Path(local).parents] if path.exists())
    free = {name: shutil.disk_usage(path).free for name, path in places.items()}
    said = ", ".join(f"{name} {size / 1e9:,.1f} GB free" for name, size in free.items())
    least = max(needed, 200e6)
    if min(free.values()) < least:
        return Check(
            "space", Result.FAIL, f"{said}; {least / 1e9:,.2f} GB are needed", "make room, or choose another disk"
        )
    return Check("space", Result.PASS, said)


def check_memory(needed: float) -> Check:
    """Compares the memory that is free with what a night needs."""
    free = _free_memory()
    if free is None:
        return Check("memory", Result.PASS, "this system does not say what is free")
    found = f"{free / 1e9:,.1f} GB free, about {needed / 1e9:,.1f} GB needed"
    if free < max(needed, _LEAST_MEMORY):
        return Check("memory", Result.WARN, found, "a smaller --batch-size, or another machine")
    return Check("memory", Result.PASS, found)


def _free_memory() -> int | None:
    info = Path("/proc/meminfo")
    if not info.exists():
        return None
    lines = dict(line.split(":", 1) for line in info.read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024
