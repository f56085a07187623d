"""Checks of this machine: installed libraries, free space and free memory."""

import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.version import Version

from melanoma import machine, storage
from melanoma.operations.checks import Check, Result
from melanoma.storage.temporary import temporary_root
from melanoma.table.layout import OutputLayout
from melanoma.wording import counted

_MIN_SPACE, _MIN_MEMORY = 200e6, 1.5e9  # bytes
_PROJECT = "melanoma"


class _Harmful(NamedTuple):
    """Versions of a library with a serious defect, although within our bounds: from `first` to just below `fixed`."""

    package: str
    first: str
    fixed: str
    why: str


_HARMFUL = (
    _Harmful("keras", "3.13.0", "3.13.2", "allows a network file to read or write other files"),
    _Harmful("s3fs", "2026.1", "2026.7", "may return an incomplete listing without an error"),
)


def check_versions() -> Check:
    """Compares the installed libraries with our bounds and with versions known to be harmful."""
    if wrong := [*_out_of_bounds(), *_harmful()]:
        remedy = "install melanoma again, in an environment of its own"
        return Check("versions", Result.FAIL, "; ".join(wrong), remedy)
    return Check("versions", Result.PASS, "all libraries are within the tested bounds")


def _out_of_bounds() -> Iterator[str]:
    for text in importlib.metadata.requires(_PROJECT) or []:
        needed = Requirement(text)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        present = _version_of(needed.name)
        if present is None or not needed.specifier.contains(present, prereleases=True):
            yield f"{needed.name} {present or 'is missing'} (expected {needed.specifier})"


def _harmful() -> Iterator[str]:
    for package, first, fixed, why in _HARMFUL:
        present = _version_of(package)
        if present is not None and Version(first) <= Version(present) < Version(fixed):
            yield f"{package} {present} {why}"


def _version_of(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_machine() -> Check:
    """Says how many processors and how much memory a run may use."""
    cores, found = machine.processors(), machine.memory()
    text = counted(cores, "processor")
    if cores < (all_cores := os.cpu_count() or 1):
        text += f" of the machine's {all_cores}"
    if found is not None:
        text += f", {found.total / 1e9:,.1f} GB of memory{' as the container limits it' if found.is_limited else ''}"
    return Check("machine", Result.PASS, text)


def check_space(layout: OutputLayout | None, needed: float) -> Check:
    """Compares the free space of the local disks with what a run over the whole store would need.

    Args:
        layout: Layout of the output folder; None if it cannot be used.
        needed: Bytes of staged and committed rows together.
    """
    places = {"temporary folder": temporary_root()}
    if layout is not None and (local := storage.local_path(layout.root)) is not None:
        places["output"] = next(path for path in [Path(local), *Path(local).parents] if path.exists())
    free = {name: shutil.disk_usage(path).free for name, path in places.items()}
    found = ", ".join(f"{name} {size / 1e9:,.1f} GB free" for name, size in free.items())
    least = max(needed, _MIN_SPACE)
    if min(free.values()) < least:
        return Check(
            "space", Result.FAIL, f"{found}; {least / 1e9:,.2f} GB needed", "free up some space, or use another disk"
        )
    return Check("space", Result.PASS, found)


def check_memory(needed: float) -> Check:
    """Compares the free memory with what a run needs.

    Args:
        needed: Bytes, at the peak of one process.
    """
    found = machine.memory()
    if found is None:
        return Check("memory", Result.PASS, "this system does not report its free memory")
    text = f"{found.free / 1e9:,.1f} GB free, about {needed / 1e9:,.1f} GB needed"
    if found.free < max(needed, _MIN_MEMORY):
        return Check("memory", Result.WARN, text, "use a smaller --batch-size, or a machine with more memory")
    return Check("memory", Result.PASS, text)
