"""The processors and the memory are those that the container grants, in both versions of control groups."""

import os
from pathlib import Path

import pytest

from melanoma import machine
from melanoma.machine import Memory, memory, processors, share_processors, share_threads

GB = 10**9
MEMINFO = (
    f"MemTotal:       {64 * GB // 1024} kB\nMemFree: 1 kB\nMemAvailable:   {50 * GB // 1024} kB\nHugePages_Total: 0\n"
)
IN_CONTAINER = "0::/\n"  # the container has a name space of its own
ON_MACHINE = "0::/system.slice/night.service\n"
FIRST = "4:memory:/docker/ab12\n3:cpuset:/\n2:cpu,cpuacct:/docker/ab12\n0::/\n"


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))


def kernel(root: Path, groups: str, files: dict[str, str]) -> Path:
    """Writes the kernel's files; `files` are those below the control groups."""
    below = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    for name, text in {"proc/self/cgroup": groups, "proc/meminfo": MEMINFO, **below}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        (IN_CONTAINER, {}, 8),
        (IN_CONTAINER, {"cpu.max": "max 100000"}, 8),
        (IN_CONTAINER, {"cpu.max": "200000 100000"}, 2),
        (IN_CONTAINER, {"cpu.max": "150000 100000"}, 2),  # rounded up
        (IN_CONTAINER, {"cpu.max": "5000 100000"}, 1),
        (IN_CONTAINER, {"cpu.max": "6400000 100000"}, 8),  # more than there are
        (IN_CONTAINER, {"cpu.max": "nonsense"}, 8),
        (ON_MACHINE, {"system.slice/night.service/cpu.max": "300000 100000"}, 3),
        (
            ON_MACHINE,
            {
                "system.slice/night.service/cpu.max": "max 100000",
                "system.slice/cpu.max": "400000 100000",
            },
            4,  # a group above limits it
        ),
        (FIRST, {"cpu,cpuacct/cpu.cfs_quota_us": "250000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, 3),
        (
            FIRST,
            {"cpu/docker/ab12/cpu.cfs_quota_us": "70000", "cpu/docker/ab12/cpu.cfs_period_us": "99999"},
            1,
        ),
        (FIRST, {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, 8),
    ],
)
def test_processors(tmp_path: Path, groups: str, files: dict[str, str], expected: int) -> None:
    assert processors(kernel(tmp_path, groups, files)) == expected


def test_a_process_that_is_pinned_has_no_more_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {5})
    assert processors(kernel(tmp_path, IN_CONTAINER, {"cpu.max": "400000 100000"})) == 1


FREE = 50 * GB // 1024 * 1024
TOTAL = 64 * GB // 1024 * 1024


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        (IN_CONTAINER, {}, Memory(TOTAL, FREE, False)),
        (IN_CONTAINER, {"memory.max": "max"}, Memory(TOTAL, FREE, False)),
        (
            IN_CONTAINER,
            {
                "memory.max": f"{4 * GB}",
                "memory.current": f"{3 * GB}",
                "memory.stat": f"anon 1\ninactive_file {GB}",
            },
            Memory(4 * GB, 2 * GB, True),
        ),
        (IN_CONTAINER, {"memory.max": f"{4 * GB}", "memory.current": f"{5 * GB}"}, Memory(4 * GB, 0, True)),
        (IN_CONTAINER, {"memory.max": f"{60 * GB}", "memory.current": "0"}, Memory(60 * GB, FREE, True)),
        (FIRST, {"memory/memory.limit_in_bytes": "9223372036854771712"}, Memory(TOTAL, FREE, False)),
        (
            FIRST,
            {
                "memory/memory.limit_in_bytes": f"{2 * GB}",
                "memory/memory.usage_in_bytes": f"{GB}",
                "memory/memory.stat": f"inactive_file 0\ntotal_inactive_file {GB // 2}",
            },
            Memory(2 * GB, 3 * GB // 2, True),
        ),
        (
            ON_MACHINE,
            {
                "system.slice/night.service/memory.max": f"{8 * GB}",
                "system.slice/night.service/memory.current": f"{GB}",
                "system.slice/memory.max": f"{6 * GB}",
                "system.slice/memory.current": f"{4 * GB}",
            },
            Memory(6 * GB, 2 * GB, True),
        ),
    ],
)
def test_memory(tmp_path: Path, groups: str, files: dict[str, str], expected: Memory) -> None:
    assert memory(kernel(tmp_path, groups, files)) == expected


def test_a_system_that_does_not_say_has_no_limit(tmp_path: Path) -> None:
    assert memory(tmp_path) is None
    assert processors(tmp_path) == 8


def test_this_machine_has_processors_and_memory() -> None:
    found = memory()
    assert found is not None and 0 < found.free <= found.total
    assert processors() >= 1


def test_processes_share_the_processors_unless_the_operator_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "processors", lambda: 8)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "5")
    share_threads(2)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "5"
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    share_threads(3)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "2"


@pytest.mark.parametrize(
    ("allowed", "quota", "slots", "slots_on_host", "expected"),
    [
        (64, None, 1, 1, 64),
        (64, None, 4, 4, 16),  # one worker machine with four slots
        (2, None, 1, 2, 2),  # somebody has divided the processors between two workers already
        (64, None, 1, 2, 32),  # nobody has
        (64, "400000 100000", 4, 4, 1),  # a container
        (64, "200000 100000", 1, 1, 2),
        (2, None, 8, 8, 1),
    ],
)
def test_a_worker_counts_on_the_part_of_its_slots(
    allowed: int,
    quota: str | None,
    slots: int,
    slots_on_host: int,
    expected: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "_share", (1, 1))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(allowed)))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")  # the operator's number counts
    share_processors(slots, slots_on_host)
    assert processors(kernel(tmp_path, IN_CONTAINER, {"cpu.max": quota} if quota else {})) == expected
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "7"
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    share_processors(64, 64)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "1"
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
