"""Stores of every kind that hold the same files, and a fixture that switches retries off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.storage import filesystems
from tests.helpers.archives import tar_of, zip_of
from tests.helpers.odd_names import NAMES
from tests.helpers.small_answers import BUCKET, CONTENT, PROTOCOLS, SmallStore
from tests.helpers.small_store import environment_of, small_store


@pytest.fixture(params=["file", "memory", "s3", "zip", "tar"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A root that holds one file for each odd name; the content is the name's bytes."""
    files = {name: name.encode() for name in NAMES}
    if request.param in ("zip", "tar"):
        archive = tmp_path / f"in # it.{request.param}"
        return zip_of(archive, files) if request.param == "zip" else tar_of(archive, files)
    if request.param == "s3":
        root = request.getfixturevalue("bucket") + "/photos"
    else:
        root = str(tmp_path / "photos") if request.param == "file" else f"memory://{tmp_path.name}"
    for name, data in files.items():
        storage.write_bytes(storage.join(root, name), data)
    return root


@pytest.fixture(params=["file", "memory", "s3"])
def writable(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty folder in a store that can be written."""
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/out"
    return str(tmp_path / "out") if request.param == "file" else f"memory://{tmp_path.name}"


@pytest.fixture
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations of a store are not retried, so that a failure is quick."""
    monkeypatch.setattr(filesystems, "_TRIES", 1)


@pytest.fixture(scope="module")
def running() -> Iterator[SmallStore]:
    """One store for all tests of a module, which each of them changes."""
    with small_store({}) as found, environment_of(found):
        yield found


@pytest.fixture
def store(running: SmallStore) -> Iterator[SmallStore]:
    """The store with three objects and without a fault."""
    running.files = {"in/a.jpg": CONTENT, "in/b.jpg": b"y" * 100, "in/c/d.jpg": b"z" * 10}
    running.fault, running.page = lambda request, answer: answer, 1000
    running.seen.clear()
    yield running
    storage.set_object_timeout(storage.DEFAULT_SECONDS)


@pytest.fixture(params=PROTOCOLS)
def root(request: pytest.FixtureRequest) -> str:
    """The folder of the objects in each protocol."""
    return f"{request.param}://{BUCKET}/in"
