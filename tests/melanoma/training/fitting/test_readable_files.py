"""Unreadable files are left out and counted; photographs keep the additional files that can be decoded."""

from pathlib import Path

import pytest

from melanoma.datasets.photographs import Photograph
from melanoma.errors import DataError
from melanoma.training.fitting.readable_files import Readable, drop_unreadable
from tests.helpers import photograph


def written(folder: Path, *others: str, broken: tuple[str, ...] = ()) -> Photograph:
    """Writes a photograph named as its folder, and additional files of it."""
    folder.mkdir()
    uris = []
    for number, name in enumerate(("main", *others)):
        path = folder / f"{name}.jpg"
        path.write_bytes(b"\xff\xd8\xff" if name in broken else photograph(number))
        uris.append(str(path))
    return Photograph(folder.name, uris[0], folder.name, "nevus", folder.name, tuple(uris[1:]))


def read(photographs: list[Photograph]) -> tuple[Readable, list[int]]:
    calls: list[int] = []
    readable = drop_unreadable(photographs, calls.append, lambda: calls.append(0))
    return readable, calls


def test_readable_photographs_are_all_kept(tmp_path: Path) -> None:
    photographs = [written(tmp_path / "a"), written(tmp_path / "b", "small")]
    readable, calls = read(photographs)
    assert readable.photographs == photographs
    assert calls == [3, 0, 0, 0]
    assert [Path(file.uri).stem for file in readable.files.files] == ["main", "main", "small"]
    assert readable.files.owners == [0, 1, 1]
    assert len(readable.files.hashes) == 3 and (readable.files.hashes[0] == readable.files.hashes[1]).all()
    assert readable.steps == [("unreadable files", 0, 2)]


def test_a_photograph_whose_main_file_is_unreadable_is_dropped_with_its_other_files(tmp_path: Path) -> None:
    photographs = [written(tmp_path / "a", "small", broken=("main",)), written(tmp_path / "b", "small")]
    readable, _ = read(photographs)
    assert [found.image_id for found in readable.photographs] == ["b"]
    assert readable.files.owners == [0, 0]
    assert {Path(file.uri).parent.name for file in readable.files.files} == {"b"}
    (step,) = readable.steps
    assert step.what.startswith("unreadable files, ") and step.what.endswith(" 1") and step[1:] == (1, 1)


def test_an_unreadable_additional_file_is_not_used(tmp_path: Path) -> None:
    photographs = [written(tmp_path / "a", "small", "large", broken=("small",)), written(tmp_path / "b")]
    readable, _ = read(photographs)
    assert [len(found.other_uris) for found in readable.photographs] == [1, 0]
    assert readable.photographs[0].other_uris[0].endswith("large.jpg")
    assert readable.files.owners == [0, 1, 0]
    assert readable.steps == [
        ("unreadable files", 0, 2),
        ("1 additional files of photographs are unreadable and not used", 0, 2),
    ]


def test_each_kind_of_error_is_counted(tmp_path: Path) -> None:
    photographs = [written(tmp_path / name, broken=("main",) if name != "e" else ()) for name in "abcde"]
    Path(photographs[0].uri).write_bytes(b"")
    Path(photographs[1].uri).write_bytes(b"")
    Path(photographs[2].uri).write_bytes(b"GIF89a and no more")
    (step,) = read(photographs)[0].steps
    assert step[1:] == (4, 1)
    assert step.what == "unreadable files, empty 2, truncated 1, unsupported_format 1"


def test_without_any_readable_file_there_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the 2 files is a readable photograph; check --data"):
        read([written(tmp_path / name, broken=("main",)) for name in "ab"])
