"""Bytes that wait in a temporary file."""

import os
import random
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from melanoma.errors import NothingCommittedError, UsageError
from melanoma.storage import spool
from melanoma.storage.spool import Spool


@pytest.mark.parametrize("in_memory", [1 << 20, 10])
def test_what_is_kept_can_be_read_in_any_order(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", in_memory)
    kept, draw = Spool(), random.Random(1)
    parts = [draw.randbytes(draw.randrange(50)) for _ in range(50)]
    places = []
    for part in parts:
        places.append(kept.keep(part))
        earlier = draw.randrange(len(places))
        assert kept.read(places[earlier]) == parts[earlier]


def test_several_threads_may_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", 100)
    kept = Spool()
    parts = [bytes([number]) * number for number in range(256)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda part: kept.read(kept.keep(part)), parts * 4)) == parts * 4


def test_it_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(spool, "_IN_MEMORY", 1)
    kept = Spool()
    kept.keep(b"waiting")
    assert os.listdir(tmp_path) == []  # the file has no name


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    with pytest.raises(UsageError, match=r"gone cannot be used .*set TMPDIR"):
        Spool()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False, timeout=30)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True, timeout=30)


def test_a_full_disk_is_named(full_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(full_disk))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(spool, "_IN_MEMORY", 1)
    kept = Spool()
    with pytest.raises(NothingCommittedError, match="is full; free up some space"):
        for _ in range(20):
            kept.keep(bytes(16_384))
