"""The processors and the memory that this process may use: of the machine, or as much of it as its container grants."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/")
_GROUPS, _GROUP_FILES, _MEMORY = "proc/self/cgroup", "sys/fs/cgroup", "proc/meminfo"
_INTRAOP_THREADS = "TF_NUM_INTRAOP_THREADS"
_share = (1, 1)  # by how many the processors of this process, and those of the machine, are divided


@dataclass(frozen=True)
class Memory:
    """Memory in bytes.

    Attributes:
        total: All that this process may use.
        free: What is left of it, with what the system would give back.
        is_limited: Whether a container's limit is what counts, and not the size of the machine.
    """

    total: int
    free: int
    is_limited: bool


def processors(root: Path = _ROOT) -> int:
    """Returns the number of processors that this process may use, at least 1.

    Args:
        root: Where the files of the kernel lie.

    Returns:
        The smaller one of the processors that it may run on and its container's share of time, rounded up; on a worker
        of a cluster its part of them, see `share_processors`.
    """
    quotas = [quota for folder in _folders("cpu", root) if (quota := _quota(folder)) is not None]
    own, of_machine = _share
    mine = min([len(os.sched_getaffinity(0)), *map(math.ceil, quotas)]) // own
    share = (os.cpu_count() or 1) // of_machine if of_machine > 1 else mine
    return max(1, min(mine, share))


def memory(root: Path = _ROOT) -> Memory | None:
    """Returns the memory that this process may use; None where the system does not say.

    Args:
        root: Where the files of the kernel lie.
    """
    info = _numbers(root / _MEMORY, ":")
    if not {"MemTotal", "MemAvailable"} <= info.keys():
        return None
    total, free, is_limited = 1024 * info["MemTotal"], 1024 * info["MemAvailable"], False
    for folder in _folders("memory", root):
        limit = _number(folder / "memory.max", folder / "memory.limit_in_bytes")
        if limit is None or limit >= 1024 * info["MemTotal"]:  # some state a huge number for no limit
            continue
        used = _number(folder / "memory.current", folder / "memory.usage_in_bytes") or 0
        statistics = _numbers(folder / "memory.stat")
        cached = statistics.get("total_inactive_file", statistics.get("inactive_file", 0))
        total, free, is_limited = min(total, limit), min(free, max(0, limit - used + cached)), True
    return Memory(total, free, is_limited)


def share_threads(processes: int = 1) -> None:
    """Divides the processors among processes that run networks, unless the operator has; before one is loaded.

    TensorFlow itself starts a thread for each processor of the machine, in every process; the other engines do as
    `threads_here` says.
    """
    os.environ.setdefault(_INTRAOP_THREADS, str(max(1, processors() // processes)))


def share_processors(slots: int, slots_on_host: int) -> None:
    """Lets this process count on its part of the processors only; before TensorFlow is imported.

    Args:
        slots: How many work at once with the processors that this process may use.
        slots_on_host: How many work at once on the whole machine. Of two workers beside each other each may use all
            processors, unless somebody has divided these already.
    """
    global _share
    _share = (max(1, slots), max(1, slots_on_host))
    share_threads()


def threads_here() -> int:
    """Returns the number of threads with which this process runs networks, at least 1, see `share_threads`."""
    stated = os.environ.get(_INTRAOP_THREADS, "")
    return int(stated) if stated.isdigit() and int(stated) else processors()


def _folders(controller: str, root: Path) -> Iterator[Path]:
    """Yields the folders of the control groups that limit this process, the innermost first, in either version.

    In a container the top folder is often the container's own group, and the path that the kernel states does not
    exist there.
    """
    try:
        lines = (root / _GROUPS).read_text().splitlines()
    except OSError:
        return
    top = root / _GROUP_FILES
    for line in lines:
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if names and controller not in names.split(","):
            continue
        for mount in (top / names, top / controller) if names else (top, top / "unified"):
            group = mount / path.strip("/")
            yield from (
                folder for folder in (group, *group.parents) if folder.is_relative_to(mount) and folder.is_dir()
            )


def _quota(folder: Path) -> float | None:
    """Returns the number of processors whose time a group may use; None for no limit."""
    try:
        if (unified := folder / "cpu.max").exists():
            quota, period = unified.read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return float(quota) / float(period) if float(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):  # `max` is no number
        return None


def _number(*files: Path) -> int | None:
    """Returns the number in the first file that holds one."""
    for file in files:
        try:
            return int(file.read_text())
        except (OSError, ValueError):
            continue
    return None


def _numbers(file: Path, separator: str | None = None) -> dict[str, int]:
    """Returns the numbers of a file with a name and a number a line; none if it cannot be read."""
    try:
        lines = [line.split(separator, 1) for line in file.read_text().splitlines()]
    except OSError:
        return {}
    words = {line[0]: line[1].split() for line in lines if len(line) == 2}
    return {name: int(values[0]) for name, values in words.items() if values and values[0].isdigit()}
