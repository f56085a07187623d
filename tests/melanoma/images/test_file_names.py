"""Which names are names of photographs."""

import itertools
from pathlib import PurePosixPath

import pytest

from melanoma.images.decoding import IMAGE_EXTENSIONS
from melanoma.images.file_names import explains_folder, is_hidden, is_photograph, is_system_folder, reported_extension


@pytest.mark.parametrize("extension", sorted(IMAGE_EXTENSIONS))
def test_extensions_count_in_any_case(extension: str) -> None:
    assert extension.startswith(".")
    for spelling in (extension, extension.upper(), extension.title()):
        assert is_photograph(f"a{spelling}")
    assert not is_photograph(f"a{extension}.txt") and not is_photograph(extension)


@pytest.mark.parametrize(
    "name", ["notes.txt", "jpg", "a.jpg~", "a.mp4", "a.nef", "a.jpg.part", "", ".jpg", "a.", "ajpg"]
)
def test_other_names_are_not_photographs(name: str) -> None:
    assert not is_photograph(name)


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("IMG_0001", "img_*", True),
        ("IMG_0001", "IMG_?", False),
        ("a.JPG", "*.jpg", True),
        ("a.jpg", "*.png", False),
        ("notes.txt", "*", True),
        ("b.jpg", "[a-c].jpg", True),
    ],
)
def test_a_pattern_decides_alone(name: str, pattern: str, expected: bool) -> None:
    assert is_photograph(name, pattern) is expected


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("notes.txt", ".txt"),
        ("NOTES.TXT", ".txt"),
        ("scan.jpg.gz", ".gz"),
        ("1.2.840.mueller", "another extension"),
        ("x.123456", "another extension"),
        ("README", "no extension"),
        (".hidden", "no extension"),
        ("", "no extension"),
    ],
)
def test_only_common_extensions_are_reported(name: str, heading: str) -> None:
    assert reported_extension(name) == heading


@pytest.mark.parametrize("name", [
    "@sharesnap", "@GMT-2024.01.02-03.04.05", "FOUND.000", "Catalog Previews.lrdata", "files_trashbin", "RECYCLED",
    "@eaDir", "#recycle", "#snapshot", "@Recycle", "$RECYCLE.BIN", "__MACOSX", "System Volume Information",
    "~snapshot", ".snapshot", ".snapshots", ".zfs", ".Trash-1000", ".thumbnails", ".@__thumb", ".stversions",
    "lost+found",
])  # fmt: skip
def test_folders_of_systems_are_known(name: str) -> None:
    assert is_system_folder(name)


@pytest.mark.parametrize(
    "name",
    ["2024", "snapshots", "Recycle", "images", "eaDir", ".", "..", "#1", "@home", "trash", "found", "@gmt", "lrdata"],
)
def test_ordinary_folders_are_not_taken_for_those_of_a_system(name: str) -> None:
    assert not is_system_folder(name)


def test_hidden_files_are_not_photographs_unless_asked_for() -> None:
    assert is_hidden("._IMG_1.jpg") and is_hidden(".trashed-1-a.jpg", "*") and not is_hidden("IMG_1.jpg")
    assert not is_hidden("._IMG_1.jpg", "._*.jpg")


def test_a_readme_explains_its_folder_and_nothing_else_does() -> None:
    assert all(map(explains_folder, ["README.txt", "readme.md", "ReadMe", "Readme.html"]))
    assert not any(map(explains_folder, ["README-smith.txt", "notes.txt", "a.readme", ""]))


def test_extensions_are_those_of_pathlib() -> None:
    names = ["".join(parts) for length in range(1, 6) for parts in itertools.product(".jPg ", repeat=length)]
    names += [f"a{name}" for name in names] + [f"{name}.JPEG" for name in names]
    wrong = [name for name in names if is_photograph(name) != (PurePosixPath(name).suffix.lower() in IMAGE_EXTENSIONS)]
    assert wrong == []
