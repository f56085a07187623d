"""A listing names every file of a folder or a glob once, and a listing that fails never looks empty."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError
from melanoma.storage import filesystems
from tests.helpers.archives import zip_of


def test_a_name_with_glob_characters_is_a_name_where_it_exists(filled: str) -> None:
    prefix = next(file.uri for file in storage.list_files(filled) if file.uri.count("plain.jpg"))
    bracketed = prefix.replace("plain.jpg", "x[1].jpg")
    assert [storage.read_bytes(file.uri) for file in storage.list_files(bracketed)] == [b"x[1].jpg"]


def test_keys_with_an_empty_part_are_listed_too(bucket: str) -> None:
    from moto.s3.models import s3_backends

    name = bucket.removeprefix("s3://")
    keys = ["p/a.jpg", "p//b.jpg", "p/c//d.jpg", "p//e//f.jpg", "p/g/h.jpg"]
    for key in [*keys, "p/g/", "p/m//"]:  # the server itself would take the empty part away
        s3_backends["123456789012"]["aws"].put_object(name, key, b"" if key.endswith("/") else b"x")
    assert sorted(file.uri for file in storage.list_files(f"{bucket}/p")) == sorted(f"{bucket}/{key}" for key in keys)


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


def test_a_name_that_is_not_unicode_is_listed_readably(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.jpg")).write_bytes(b"x")
    (found,) = storage.list_files(str(tmp_path))
    assert storage.name_of(found.uri) == "bad\\xff.jpg"
    found.uri.encode("utf-8")


@pytest.mark.parametrize(
    ("root", "uri", "holds"),
    [
        ("/in", "file:///in/a.jpg", True),
        ("/in", "file:///in/deep/a.jpg", True),
        ("/in/", "file:///in", True),
        ("/in", "file:///inside/a.jpg", False),
        ("/in/*.jpg", "file:///in/a.jpg", True),
        ("/in/*.jpg", "file:///in/deep/a.jpg", False),
        ("/in/**/*.jpg", "file:///in/deep/er/a.jpg", True),
        ("/in/x[1].jpg", "file:///in/x[1].jpg", True),
        ("/in/x[1].jpg", "file:///in/x1.jpg", True),
        ("/in", "memory:///in/a.jpg", False),
        ("memory://in", "memory:///in/a.jpg", True),
    ],
)
def test_a_root_knows_which_uris_its_listing_could_hold(root: str, uri: str, holds: bool) -> None:
    assert storage.below(root)(uri) is holds


def test_an_archive_could_hold_only_its_own_members(tmp_path: Path) -> None:
    root = zip_of(tmp_path / "a.zip", {"x/1.jpg": b"1", "y.jpg": b"2"})
    other = zip_of(tmp_path / "b.zip", {"x/1.jpg": b"1"})
    listed = [file.uri for file in storage.list_files(root)]
    assert len(listed) == 2 and all(storage.below(root)(uri) for uri in listed)
    assert not storage.below(other)(listed[0])
    folder = storage.below(f"zip://x::{tmp_path}/a.zip")
    assert [folder(uri) for uri in sorted(listed)] == [True, False]


def test_a_listing_is_sorted_folder_by_folder(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b/1.jpg", "a.jpg", "c.jpg", "a/z.jpg", "b/a/0.jpg"):
        storage.write_bytes(str(tmp_path / name), b"x")
    found = [file.uri.removeprefix(f"file://{tmp_path}/") for file in storage.list_files(str(tmp_path))]
    assert found == ["a.jpg", "c.jpg", "a/z.jpg", "b/1.jpg", "b/2.jpg", "b/a/0.jpg"]


def test_a_file_lists_itself_and_a_missing_root_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"data")
    (found,) = storage.list_files(str(tmp_path / "a.jpg"))
    assert found == storage.stat(str(tmp_path / "a.jpg"))
    assert (found.uri, found.size, found.regular) == (f"file://{tmp_path}/a.jpg", 4, True)
    assert found.modified is not None
    assert found.modified.timestamp() == pytest.approx((tmp_path / "a.jpg").stat().st_mtime, abs=1e-5)
    with pytest.raises(ReadError) as caught:
        list(storage.list_files(str(tmp_path / "absent")))
    assert caught.value.kind is ErrorKind.MISSING


def test_an_empty_folder_and_a_glob_without_a_match_list_nothing(tmp_path: Path) -> None:
    assert list(storage.list_files(str(tmp_path))) == []
    assert list(storage.list_files(f"{tmp_path}/*.jpg")) == []


def test_lost_and_found_of_a_disk_is_listed_but_never_entered(tmp_path: Path) -> None:
    storage.write_bytes(str(tmp_path / "lost+found" / "a.jpg"), b"x")
    (found,) = storage.list_files(str(tmp_path))
    assert storage.name_of(found.uri) == "lost+found" and not found.regular


def test_subfolders_are_those_directly_inside(tmp_path: Path, bucket: str) -> None:
    for root in (str(tmp_path), bucket, f"{bucket}/below"):
        for name in ("b/c/1.jpg", "a/2.jpg", "3.jpg"):
            storage.write_bytes(f"{root}/{name}", b"x")
    assert storage.subfolders(str(tmp_path)) == [f"file://{tmp_path}/a", f"file://{tmp_path}/b"]
    assert storage.subfolders(bucket) == [f"{bucket}/a", f"{bucket}/b", f"{bucket}/below"]
    assert storage.subfolders(f"{bucket}/below/") == [f"{bucket}/below/a", f"{bucket}/below/b"]
    with pytest.raises(ReadError) as caught:
        storage.subfolders(str(tmp_path / "missing"))
    assert caught.value.kind is ErrorKind.MISSING
