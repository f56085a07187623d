"""One suite over every kind of store: what is written under a name is listed and read under that name."""

import errno
import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import s3fs

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError, ReadError, UsageError
from melanoma.storage import filesystems
from tests.helpers.odd_names import NAMES


def tar_of(archive: Path, files: dict[str, bytes]) -> str:
    with tarfile.open(archive, "w") as file:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return f"tar://{archive}"


@pytest.fixture(params=["file", "memory", "s3", "zip", "tar"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A root that holds one file a name, its content the name's bytes."""
    if request.param == "zip":
        archive = tmp_path / "in # it.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for name in NAMES:
                file.writestr(name, name.encode())
        return f"zip://{archive}"
    if request.param == "tar":
        return tar_of(tmp_path / "in # it.tar", {name: name.encode() for name in NAMES})
    if request.param == "s3":
        root = request.getfixturevalue("bucket") + "/photos"
    else:
        root = str(tmp_path / "photos") if request.param == "file" else f"memory://{tmp_path.name}"
    for name in NAMES:
        storage.write_bytes(storage.join(root, name), name.encode())
    return root


def test_odd_names_come_back_byte_for_byte(filled: str) -> None:
    listed = list(storage.list_files(filled))
    contents = {storage.read_bytes(file.uri, file).decode() for file in listed}
    assert contents == set(NAMES)
    for file in listed:
        assert storage.read_bytes(file.uri).decode().endswith(storage.name_of(file.uri))
        assert storage.canonical(file.uri) == file.uri
        assert file.size == len(storage.read_bytes(file.uri))
        assert file.version


def test_a_name_with_glob_characters_is_a_name_where_it_exists(filled: str) -> None:
    prefix = next(file.uri for file in storage.list_files(filled) if file.uri.count("plain.jpg"))
    bracketed = prefix.replace("plain.jpg", "x[1].jpg")
    assert [storage.read_bytes(file.uri) for file in storage.list_files(bracketed)] == [b"x[1].jpg"]


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_threads_that_share_an_archive_each_get_their_own_member(kind: str, tmp_path: Path) -> None:
    files = {f"{index:03d}.jpg": os.urandom(20_000) for index in range(200)}
    root = tar_of(tmp_path / "a.tar", files) if kind == "tar" else f"zip://{tmp_path}/a.zip"
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
            for name, data in files.items():
                file.writestr(name, data)
    listed = list(storage.list_files(root))
    with ThreadPoolExecutor(16) as pool:
        read = list(pool.map(lambda stored: storage.read_bytes(stored.uri, stored), listed))
    found = {storage.name_of(stored.uri): hashlib.sha256(data) for stored, data in zip(listed, read, strict=True)}
    assert {name: digest.digest() for name, digest in found.items()} == {
        name: hashlib.sha256(data).digest() for name, data in files.items()
    }


def test_keys_with_an_empty_part_are_listed_too(bucket: str) -> None:
    from moto.s3.models import s3_backends

    name = bucket.removeprefix("s3://")
    keys = ["p/a.jpg", "p//b.jpg", "p/c//d.jpg", "p//e//f.jpg", "p/g/h.jpg"]
    for key in [*keys, "p/g/", "p/m//"]:  # the server itself would take the empty part away
        s3_backends["123456789012"]["aws"].put_object(name, key, b"" if key.endswith("/") else b"x")
    assert sorted(file.uri for file in storage.list_files(f"{bucket}/p")) == sorted(f"{bucket}/{key}" for key in keys)


def test_a_folder_that_may_not_be_entered_fails_one_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a share goes stale between listing and reading."""
    (tmp_path / "DOE_JANE.jpg").write_bytes(b"x")
    listed = storage.stat(str(tmp_path / "DOE_JANE.jpg"))

    def stale(path: str) -> None:
        raise OSError(errno.ESTALE, "Stale file handle", path)

    monkeypatch.setattr(os, "stat", stale)
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed.uri, listed)
    assert caught.value.kind is ErrorKind.STORE_UNAVAILABLE and "DOE" not in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["ftp://h/x", "http://h/x.jpg", "https://h/x", "github://x", "hdfs://h/x", "zip://x::no://b"]
)
def test_stores_that_cannot_be_used_are_a_mistake(uri: str) -> None:
    with pytest.raises(UsageError, match=r"store that can be used|not installed"):
        storage.canonical(uri)


def test_a_missing_file_is_missing(filled: str) -> None:
    plain = next(file.uri for file in storage.list_files(filled) if "plain.jpg" in file.uri)
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(plain.replace("plain", "absent"))
    assert caught.value.kind is ErrorKind.MISSING


def test_globs_match_below_the_last_plain_folder(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/b/2.jpg", "a/b/3.png", "c/4.jpg"):
        storage.write_bytes(str(tmp_path / name), b"x")

    def found(pattern: str) -> list[str]:
        return [file.uri.removeprefix(f"file://{tmp_path}/") for file in storage.list_files(f"{tmp_path}/{pattern}")]

    assert found("a/**/*.jpg") == ["a/1.jpg", "a/b/2.jpg"]
    assert found("*/*.jpg") == ["a/1.jpg", "c/4.jpg"]
    assert found("a/b/[2-9].*") == ["a/b/2.jpg", "a/b/3.png"]


def test_links_and_pipes_are_listed_as_irregular_and_folders_behind_links_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jpg").write_bytes(b"x")
    root = tmp_path / "root"
    root.mkdir()
    (root / "b.jpg").write_bytes(b"y")
    (root / "link.jpg").symlink_to(tmp_path / "real" / "a.jpg")
    (root / "folder").symlink_to(tmp_path / "real")
    os.mkfifo(root / "pipe.jpg")
    listed = {Path(file.uri).name: file.regular for file in storage.list_files(str(root))}
    assert listed == {"b.jpg": True, "link.jpg": False, "folder": False, "pipe.jpg": False}


def test_a_folder_that_cannot_be_listed_stops_the_listing_instead_of_looking_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write_bytes(str(tmp_path / "a" / "1.jpg"), b"x")
    file_system = type(filesystems.locate(str(tmp_path)).fs)
    listing: Callable[..., object] = file_system.ls

    def refusing(self: object, path: str, **options: object) -> object:
        if path.endswith("/a"):
            raise PermissionError(path)
        return listing(self, path, **options)

    monkeypatch.setattr(file_system, "ls", refusing)
    with pytest.raises(ReadError) as caught:
        list(storage.list_files(str(tmp_path)))
    assert caught.value.kind is ErrorKind.FORBIDDEN
    assert str(tmp_path) not in str(caught.value)


def test_a_file_overwritten_after_the_listing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    listed = storage.stat(str(path))
    path.write_bytes(b"new and longer")
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed.uri, listed)
    assert caught.value.kind is ErrorKind.CHANGED


def test_a_local_file_overwritten_with_as_many_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    listed = storage.stat(str(path))
    path.write_bytes(b"new")
    os.utime(path, (1, 1))
    with pytest.raises(ReadError):
        storage.read_bytes(listed.uri, listed)


def test_a_name_that_is_not_unicode_is_listed_readably(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.jpg")).write_bytes(b"x")
    (found,) = storage.list_files(str(tmp_path))
    assert storage.name_of(found.uri) == "bad\\xff.jpg"
    found.uri.encode("utf-8")


def test_writing_leaves_no_trace_of_a_failed_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    storage.write_bytes(str(tmp_path / "a"), b"before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NothingCommittedError, match="No space left"):
        storage.write_bytes(str(tmp_path / "a"), b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"


def test_zip_members_are_never_extracted_and_damaged_ones_are_corrupt(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../evil.jpg", b"evil")
        file.writestr("damaged.jpg", b"0123456789")
    archive.write_bytes(archive.read_bytes().replace(b"0123456789", b"0123456780"))
    listed = {storage.name_of(file.uri): file for file in storage.list_files(f"zip://{archive}")}
    assert storage.read_bytes(listed["evil.jpg"].uri) == b"evil"
    assert not (tmp_path.parent / "evil.jpg").exists()
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed["damaged.jpg"].uri)
    assert caught.value.kind is ErrorKind.CORRUPT


def test_an_unknown_store_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="nostore://"):
        storage.canonical("nostore://x/y")


def test_delta_tables_need_a_durable_store(tmp_path: Path) -> None:
    assert storage.delta_location(str(tmp_path)) == (str(tmp_path), {})
    with pytest.raises(UsageError, match="memory://"):
        storage.delta_location("memory://x")


def test_a_store_that_is_not_there_is_unavailable_and_names_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASECRET")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    with pytest.raises(ReadError) as caught:
        list(storage.list_files("s3://no-such-bucket-here/x"))
    assert caught.value.kind is ErrorKind.STORE_UNAVAILABLE
    assert "SECRET" not in str(caught.value).upper()
    s3fs.S3FileSystem.clear_instance_cache()
