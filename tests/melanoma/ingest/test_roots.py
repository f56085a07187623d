"""What below a root is a photograph, and what belongs to a system."""

from collections import Counter
from pathlib import Path

from melanoma.ingest.roots import Root, root_images
from tests.helpers.archives import zip_of
from tests.helpers.manifests import touch


def ids(root: Path | str, ignored: Counter[str] | None = None) -> list[str]:
    counter = Counter[str]() if ignored is None else ignored
    return [listed.ref.image_id for listed in root_images(Root(str(root)), counter)]


SYSTEM = "hidden or of the system"


def test_thumbnails_snapshots_and_bins_of_a_network_storage_are_not_photographs(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "visit/b.jpg", "visit/._b.jpg")
    touch(tmp_path, "visit/@eaDir/b.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/c.jpg", ".snapshot/hourly.0/a.jpg")
    ignored = Counter[str]()
    assert ids(tmp_path, ignored) == ["a", "b"]
    assert ignored == {SYSTEM: 4}  # one hidden file, and three folders, which are not entered


def test_system_folders_of_an_archive_are_ignored_and_their_photographs_counted(tmp_path: Path) -> None:
    names = ("HAM/a.jpg", "__MACOSX/HAM/._a.jpg", "__MACOSX/b.jpg", "HAM/._a.jpg")
    root = zip_of(tmp_path / "a.zip", dict.fromkeys(names, b"x"))
    ignored = Counter[str]()
    assert ids(root, ignored) == ["a"]
    assert ignored == {SYSTEM: 3}


def test_a_system_folder_that_is_named_itself_is_listed(tmp_path: Path) -> None:
    touch(tmp_path, ".snapshot/hourly.0/a.jpg", ".snapshot/hourly.0/@eaDir/b.jpg")
    assert ids(tmp_path / ".snapshot") == ["a"]
    assert ids(f"{tmp_path}/.snapshot/*/*.jpg") == ["a"]
    root = zip_of(tmp_path / "a.zip", {".backup/a.jpg": b"x", ".backup/.old/b.jpg": b"x"})
    member = root.replace("zip://", "zip://.backup::")
    assert ids(member) == ["a"]
