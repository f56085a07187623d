"""Members are read by their place: the right bytes or an error, many at once, and few requests to an object store."""

import contextlib
import random
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError
from melanoma.storage import archive_reads, filesystems
from melanoma.storage.file_info import StoredFile
from tests.helpers.archives import tar_of, zip_of

FILES = {f"{number:04}.jpg": random.Random(number).randbytes(3000 + number) for number in range(300)}


@pytest.fixture(params=["tar", "zip"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def archive(kind: str, path: Path, files: dict[str, bytes]) -> str:
    return tar_of(path, files) if kind == "tar" else zip_of(path, files)


def listed(root: str) -> list[StoredFile]:
    files = list(storage.list_files(root))
    assert all(file.span is not None for file in files)
    return files


def read_all(files: list[StoredFile]) -> dict[str, bytes]:
    with ThreadPoolExecutor(16) as pool:
        contents = pool.map(lambda file: storage.read_bytes(file.uri, file), files)
        return {storage.name_of(file.uri): data for file, data in zip(files, contents, strict=True)}


@contextlib.contextmanager
def without_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails what opens an archive in the block."""
    with monkeypatch.context() as patched:
        patched.delattr(filesystems, "_open_archive")
        yield


def test_many_readers_get_the_bytes_of_their_members_without_the_index(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = listed(archive(kind, tmp_path / "a", FILES))
    random.Random(1).shuffle(files)
    with without_index(monkeypatch):
        assert read_all(files) == FILES


def test_members_in_s3_are_read_block_by_block(
    tmp_path: Path, kind: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(kind, tmp_path / "a", FILES)
    storage.write_bytes(f"{bucket}/a", (tmp_path / "a").read_bytes())
    files, asked = listed(f"{kind}://{bucket}/a"), []
    read_range = archive_reads.read_range

    def noted(place: filesystems.Place, version: str, start: int, end: int) -> bytes:
        asked.append((start, end))
        return read_range(place, version, start, end)

    monkeypatch.setattr(archive_reads, "read_range", noted)
    with without_index(monkeypatch):
        assert read_all(files) == FILES
    assert len(asked) == len(set(asked)) == {"tar": 2, "zip": 1}[kind]  # a megabyte each


def test_an_archive_that_was_replaced_is_changed(tmp_path: Path, kind: str, bucket: str) -> None:
    archive(kind, tmp_path / "a", FILES)
    data = (tmp_path / "a").read_bytes()
    storage.write_bytes(f"{bucket}/a", data)
    for root, target in ((f"{kind}://{tmp_path / 'a'}", str(tmp_path / "a")), (f"{kind}://{bucket}/a", f"{bucket}/a")):
        first, *_, last = listed(root)
        storage.write_bytes(target, data[::-1] + b"x")
        for file in (first, last):
            with pytest.raises(ReadError) as caught:
                storage.read_bytes(file.uri, file)
            assert caught.value.kind is ErrorKind.CHANGED


def test_a_failure_is_that_of_all_who_wait_for_a_block_and_is_not_kept(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tar_of(tmp_path / "a", FILES)
    storage.write_bytes(f"{bucket}/a", (tmp_path / "a").read_bytes())
    files, read_range, tries = listed(f"tar://{bucket}/a")[:20], archive_reads.read_range, list[int]()

    def failing(*args: object) -> bytes:
        tries.append(1)
        if len(tries) == 1:
            raise ReadError(ErrorKind.STORE_UNAVAILABLE, "the store failed")
        return read_range(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(archive_reads, "read_range", failing)
    with pytest.raises(ReadError, match="the store failed"):
        storage.read_bytes(files[0].uri, files[0])
    assert read_all(files) == {name: FILES[name] for name in sorted(FILES)[:20]} and len(tries) == 2


def test_only_so_many_blocks_are_kept(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{number}.jpg": random.Random(number).randbytes(700_000) for number in range(6)}
    tar_of(tmp_path / "a", files)
    storage.write_bytes(f"{bucket}/a", (tmp_path / "a").read_bytes())
    monkeypatch.setattr(archive_reads, "_KEPT_BYTES", 1_500_000)
    monkeypatch.setattr(archive_reads, "_blocks", found := archive_reads._Blocks())
    assert read_all(listed(f"tar://{bucket}/a")) == files
    assert len(found._blocks) == 2


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_is_corrupt_and_its_neighbour_is_read(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as packed:
        for name in ("a.jpg", "b.jpg"):
            packed.writestr(name, FILES["0001.jpg"])
    data = bytearray((tmp_path / "a.zip").read_bytes())
    for place in (0, 29, 1500):  # magic, length of the extra field, content
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        (tmp_path / "a.zip").write_bytes(damaged)
        broken, whole = listed(f"zip://{tmp_path / 'a.zip'}")
        with pytest.raises(ReadError) as caught:
            storage.read_bytes(broken.uri, broken)
        assert caught.value.kind is ErrorKind.CORRUPT and "jpg" not in caught.value.detail
        assert storage.read_bytes(whole.uri, whole) == FILES["0001.jpg"]


def test_no_more_is_unpacked_than_the_archive_states(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bomb.jpg", bytes(50_000_000))
    (file,) = listed(f"zip://{tmp_path / 'a.zip'}")
    with pytest.raises(ReadError) as caught:
        archive_reads.read_member(file.uri, file._replace(size=1000), file.span)  # type: ignore[arg-type]
    assert caught.value.kind is ErrorKind.CORRUPT


def test_empty_members_are_empty_in_any_store(tmp_path: Path, kind: str, bucket: str) -> None:
    archive(kind, tmp_path / "a", {"empty.jpg": b""})
    storage.write_bytes(f"{bucket}/a", (tmp_path / "a").read_bytes())
    for root in (f"{kind}://{tmp_path / 'a'}", f"{kind}://{bucket}/a"):
        assert read_all(listed(root)) == {"empty.jpg": b""}
