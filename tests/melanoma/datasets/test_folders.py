"""Folders with one subfolder per class as labelled photographs."""

import hashlib
from pathlib import Path

import pytest

from melanoma.datasets.folders import check_plain_files, images_below, list_image_files, read_folders
from melanoma.errors import DataError
from tests.helpers import fill


def test_photographs_in_class_folders_have_slugs_ids_and_digests(tmp_path: Path) -> None:
    path = fill(tmp_path / "Basal cell carcinoma" / "clinic 1", 1)[0]
    fill(tmp_path / "nv", 2, first=10)
    found = read_folders(str(tmp_path))
    assert sorted(p.label for p in found) == ["basal_cell_carcinoma", "nevus", "nevus"]
    first = next(p for p in found if p.label == "basal_cell_carcinoma")
    assert first.image_id == first.group == path.stem
    assert first.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_files_that_are_not_photographs_are_ignored(tmp_path: Path) -> None:
    fill(tmp_path / "nv", 1)
    (tmp_path / "README.txt").write_text("about")
    (tmp_path / "nv" / "notes.csv").write_text("about")
    assert len(read_folders(str(tmp_path))) == 1


def test_a_photograph_outside_a_class_folder_is_refused_by_name(tmp_path: Path) -> None:
    fill(tmp_path / "nv", 1)
    fill(tmp_path, 1, first=7)
    with pytest.raises(DataError, match=r"lesion-0007\.png is outside a class folder; move it to .*/<label>/lesion"):
        read_folders(str(tmp_path))


def test_a_missing_folder_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder of photographs"):
        read_folders(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="expected a spoon"):
        list_image_files(str(tmp_path / "nowhere"), "a spoon")


def test_a_folder_without_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no photograph below it; expected files named .*\*\.jpg"):
        read_folders(str(tmp_path))


def test_a_link_is_refused_and_not_skipped(tmp_path: Path) -> None:
    target = fill(tmp_path / "elsewhere", 1)[0]
    (tmp_path / "data" / "nv").mkdir(parents=True)
    (tmp_path / "data" / "nv" / "link.jpg").symlink_to(target)
    with pytest.raises(DataError, match=r"link\.jpg: is a link or a device, expected a plain file"):
        read_folders(str(tmp_path / "data"))
    with pytest.raises(DataError, match="a link"):
        check_plain_files("data", list_image_files(str(tmp_path / "data")))


def test_images_are_known_by_their_path_below_the_folder(tmp_path: Path) -> None:
    path = fill(tmp_path / "nv" / "clinic 1", 1)[0]
    assert images_below(f"{tmp_path}/") == {"nv/clinic 1/lesion-0000.jpg": f"file://{path}"}


def test_extensions_are_recognised_in_any_case(tmp_path: Path) -> None:
    path = fill(tmp_path, 1)[0]
    path.rename(tmp_path / "A.JPG")
    assert [file.uri for file in list_image_files(str(tmp_path))] == [f"file://{tmp_path}/A.JPG"]
