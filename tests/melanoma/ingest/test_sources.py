"""Sources are listed once each, under their own names, and checked before a run."""

import datetime
import os
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from fsspec.implementations.local import LocalFileSystem

from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.ingest.image_refs import distinct
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import check_sources, kept_schema, list_images
from melanoma.storage import filesystems
from melanoma.table.layout import OutputLayout
from tests.helpers import refusing
from tests.helpers.manifests import csv_manifest, touch


def ids(root: Path | str, pattern: str | None = None, ignored: Counter[str] | None = None) -> list[str]:
    return [ref.image_id for ref in list_images(Root(str(root), pattern), ignored)]


def test_photographs_of_a_root_have_version_size_and_id(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "sub/b.b.PNG")
    first, second = list_images(Root(str(tmp_path)))
    assert first.uri == f"file://{tmp_path}/a.jpg" and second.uri == f"file://{tmp_path}/sub/b.b.PNG"
    assert (first.image_id, second.image_id) == ("a", "b.b")
    assert first.version and (first.size, first.kept, first.attempt) == (1, (), 1)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", {"A.JPG", "b.jpg", "c.dat", "IMG_1"}),
        ("*.jpg", {"A.JPG", "b.jpg"}),
        ("*.JPG", {"A.JPG", "b.jpg"}),
        ("img_?", {"IMG_1"}),
        ("[a-b].*", {"A.JPG", "b.jpg"}),
        ("*.tif", set()),
    ],
)
def test_a_pattern_replaces_the_extensions_and_ignores_case(tmp_path: Path, pattern: str, expected: set[str]) -> None:
    touch(tmp_path, "A.JPG", "sub/b.jpg", "c.dat", "IMG_1")
    found = {Path(ref.uri).name for ref in list_images(Root(str(tmp_path), pattern))}
    assert found == expected


def test_ignored_files_are_counted_by_kind_and_never_opened(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.txt", "sub/c.TXT", "d", "e.jpg.gz", ".hidden")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    ignored = Counter[str]()
    assert ids(tmp_path, ignored=ignored) == ["a"]
    assert ignored == {".txt": 2, "no extension": 2, ".gz": 1, "links and devices": 1}


def test_an_extension_that_may_be_a_name_is_not_passed_on(tmp_path: Path) -> None:
    touch(tmp_path, "1.2.840.mueller anna 1970-01-01", "x.anna", "y.\x1b[31m", "z.604688111", "w.NEF")
    ignored = Counter[str]()
    assert ids(tmp_path, ignored=ignored) == []
    assert ignored == {"another extension": 4, ".nef": 1}


def test_roots_may_be_files_globs_and_archives(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "a/b/2.jpg", "a/b/3.txt", "c[1]/4.jpg")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("x/5.jpg", b"x")
        archive.writestr("6.txt", b"x")
    assert ids(tmp_path / "a" / "1.jpg") == ["1"]
    assert ids(f"{tmp_path}/a/**/*.jpg") == ["1", "2"]
    assert ids(f"{tmp_path}/*/b/*") == ["2"]
    assert ids(f"{tmp_path}/c[1]") == ["4"]
    assert ids(f"zip://{tmp_path}/in.zip") == ["5"]
    (member,) = list_images(Root(f"zip://{tmp_path}/in.zip"))
    assert member.uri == f"zip://x/5.jpg::file://{tmp_path}/in.zip"
    assert ids(f"zip://{tmp_path}/in.zip", "*.TXT") == ["6"]


def test_a_root_that_does_not_exist_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ReadError) as caught:
        ids(tmp_path / "absent")
    assert caught.value.kind is ErrorKind.MISSING


def test_sources_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    touch(tmp_path, "full/a.jpg", "bare/notes.txt")
    full, bare = str(tmp_path / "full"), str(tmp_path / "bare")
    assert check_sources([Root(full), Root(bare), Root(f"{full}/*.png")]) == [bare, f"{full}/*.png"]
    assert check_sources([csv_manifest(tmp_path, "uri\n")]) == [str(tmp_path / "manifest.csv")]
    assert check_sources([csv_manifest(tmp_path, "uri\nabsent.jpg\n")]) == [str(tmp_path / "manifest.csv")]
    assert check_sources([csv_manifest(tmp_path, f"uri\nabsent.jpg\n{full}/a.jpg\n")]) == []
    with pytest.raises(UsageError, match="absent: does not exist; check --images for a typo"):
        check_sources([Root(full), Root(str(tmp_path / "absent"))])


def test_overlapping_roots_give_a_photograph_one_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "in/sub/a.jpg")
    monkeypatch.chdir(tmp_path)
    spellings = ["in", "./in/", f"{tmp_path}/in/sub", f"file://{tmp_path}/in", "in/*/*.jpg", "in/../in", "in//sub"]
    refs = [ref for spelling in spellings for ref in list_images(Root(spelling))]
    assert len(refs) == len(spellings) and len(distinct(refs)) == 1


def test_spellings_of_one_uri_in_a_manifest_are_one_photograph(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    spellings = [f"{tmp_path}/a.jpg", f"file://{tmp_path}/a.jpg", f"{tmp_path}/./a.jpg", f"{tmp_path}//a.jpg"]
    refs = list(list_images(csv_manifest(tmp_path, "\n".join(["uri", *spellings]))))
    assert len(refs) == 4 and len(distinct(refs)) == 1


def test_a_manifest_names_members_of_archives_and_what_is_not_there(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("a.jpg", b"xyz")
    member, absent = f"zip://a.jpg::{tmp_path}/in.zip", f"zip://b.jpg::{tmp_path}/in.zip"
    refs = list(list_images(csv_manifest(tmp_path, "\n".join(["uri", member, absent]))))
    assert [(ref.image_id, ref.size) for ref in refs] == [("a", 3), ("b", -1)]


def test_the_outputs_own_files_are_ignored_wherever_it_lies(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "out/b.jpg", "out/_staging/c.jpg", "out/_reports/d.jpg", "out/model_id=m-1/e.jpg")
    ignored = Counter[str]()
    root = Root(str(tmp_path), output=OutputLayout.at(str(tmp_path / "out")))
    assert [ref.image_id for ref in list_images(root, ignored)] == ["a", "b"]
    assert ignored == {"of the score table": 3}


def test_photographs_older_than_a_date_are_ignored_and_the_day_itself_is_not(tmp_path: Path) -> None:
    touch(tmp_path, "old.jpg", "new.jpg")
    day = datetime.date(2020, 5, 6)
    midnight = datetime.datetime.combine(day, datetime.time()).timestamp()
    os.utime(tmp_path / "old.jpg", (midnight - 1, midnight - 1))
    os.utime(tmp_path / "new.jpg", (midnight, midnight))
    ignored = Counter[str]()
    assert [ref.image_id for ref in list_images(Root(str(tmp_path), since=day), ignored)] == ["new"]
    listed = replace(csv_manifest(tmp_path, f"uri\n{tmp_path}/old.jpg\n{tmp_path}/new.jpg\n"), since=day)
    assert [ref.image_id for ref in list_images(listed, ignored)] == ["new"]
    assert ignored == {"older than --since": 2}


def test_a_moved_folder_keeps_the_names_that_the_table_knows(tmp_path: Path) -> None:
    touch(tmp_path, "new/sub/a.jpg")
    (ref,) = list_images(Root(str(tmp_path / "new"), base="s3://archive/old/"))
    assert (ref.uri, ref.location) == ("s3://archive/old/sub/a.jpg", f"file://{tmp_path}/new/sub/a.jpg")
    assert ref.stored.uri == ref.location


@pytest.mark.parametrize("root", ["new/a.jpg", "new/*.jpg"])
def test_only_a_folder_can_be_known_under_another_name(tmp_path: Path, root: str) -> None:
    touch(tmp_path, "new/a.jpg")
    with pytest.raises(UsageError, match="--uri-base needs a folder, not a file, a glob or an archive"):
        list(list_images(Root(f"{tmp_path}/{root}", base="s3://archive/old")))


def refused(root: Path, error: Exception, monkeypatch: pytest.MonkeyPatch) -> str:
    touch(root, "DOE_JANE/a.jpg")
    monkeypatch.setattr(LocalFileSystem, "ls", refusing("/DOE_JANE", LocalFileSystem.ls, error))
    with pytest.raises(UsageError) as caught:
        list(list_images(Root(str(root))))
    return str(caught.value)


def test_a_folder_without_permission_is_a_mistake_that_names_only_its_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(tmp_path, PermissionError(13, "Permission denied"), monkeypatch) == (
        f"{tmp_path}: permission denied for it or a folder below it; fix the permissions, or give the readable "
        "folders, each with its own --images"
    )


def test_missing_credentials_are_named_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import NoCredentialsError

    assert refused(tmp_path, NoCredentialsError(), monkeypatch) == (
        f"{tmp_path}: cannot be listed: no AWS credentials found; set them in the environment: AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    )


def test_a_store_that_does_not_answer_is_not_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    monkeypatch.setattr(LocalFileSystem, "ls", refusing(tmp_path.name, LocalFileSystem.ls, OSError(5, "I/O")))
    for look in (lambda: list(list_images(Root(str(tmp_path)))), lambda: check_sources([Root(str(tmp_path))])):
        with pytest.raises(ReadError) as caught:
            look()
        assert caught.value.kind is ErrorKind.STORE_UNAVAILABLE


def test_a_root_whose_photographs_are_all_too_old_is_not_empty(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    os.utime(tmp_path / "a.jpg", (5, 5))
    root = Root(str(tmp_path), since=datetime.date(2020, 1, 1))
    assert check_sources([root]) == [] and list(list_images(root)) == []


def test_kept_columns_of_all_manifests_make_one_schema(tmp_path: Path) -> None:
    touch(tmp_path / "x")
    touch(tmp_path, "x/a.jpg")
    source = csv_manifest(tmp_path, "uri,site\na.jpg,left\n", "site")
    assert kept_schema([Root(str(tmp_path)), source]) == pa.schema([("site", pa.string())])
    assert kept_schema([Root(str(tmp_path))]) == pa.schema([])
