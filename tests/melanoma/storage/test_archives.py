"""Archives as other programs write them: every member is listed, and what cannot be read says why."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError

MEMBERS = {"d/IMG_0.jpg": b"zero", "d/IMG_1.jpg": b"one"}


def tar_bytes(prefix: str = "") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in MEMBERS.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def contents(root: str) -> dict[str, bytes]:
    return {storage.name_of(file.uri): storage.read_bytes(file.uri, file) for file in storage.list_files(root)}


EXPECTED = {Path(name).name: content for name, content in MEMBERS.items()}


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.tar.gz", "a.TAR.GZ", "a.tbz2", "a.txz", "archive", "a.tar.1"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_is_read_by_its_content_whatever_its_name(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    (tmp_path / name).write_bytes(compress(tar_bytes()))
    assert contents(f"tar://{tmp_path / name}") == EXPECTED


@pytest.mark.parametrize("prefix", ["/", "//", "./", "/srv/x/"])
def test_members_with_absolute_names_are_listed_and_read(tmp_path: Path, prefix: str) -> None:
    (tmp_path / "a.tar").write_bytes(tar_bytes(prefix))
    assert contents(f"tar://{tmp_path / 'a.tar'}") == EXPECTED


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_cut_tar_is_corrupt_and_not_a_failure_of_the_store(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    whole = compress(tar_bytes())
    (tmp_path / "a.tar").write_bytes(whole[: len(whole) // 2 if compress is not bytes else 700])
    with pytest.raises(ReadError) as caught:
        list(storage.list_files(f"tar://{tmp_path / 'a.tar'}"))
    assert caught.value.kind is ErrorKind.CORRUPT


def zipped(path: Path, method: int = zipfile.ZIP_STORED) -> str:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
    return f"zip://{path}"


def patched(path: Path, offset_local: int, offset_central: int, value: int) -> None:
    """Sets a 16-bit field in every header of a zip archive."""
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\3\4", offset_local), (b"PK\1\2", offset_central)):
        place = -1
        while (place := data.find(magic, place + 1)) >= 0:
            data[place + offset : place + offset + 2] = value.to_bytes(2, "little")
    path.write_bytes(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_of_every_known_compression_are_read(tmp_path: Path, method: int) -> None:
    assert contents(zipped(tmp_path / "a.zip", method)) == EXPECTED


@pytest.mark.parametrize(("fields", "value", "words"), [
    ((6, 8), 1, "encrypted"), ((8, 10), 9, "compression"), ((8, 10), 93, "compression"), ((8, 10), 98, "compression"),
])  # fmt: skip
def test_what_nobody_can_read_without_unpacking_says_so_finally(
    tmp_path: Path, fields: tuple[int, int], value: int, words: str
) -> None:
    root = zipped(tmp_path / "a.zip")
    patched(tmp_path / "a.zip", *fields, value)
    for file in storage.list_files(root):
        with pytest.raises(ReadError, match=words) as caught:
            storage.read_bytes(file.uri, file)
        assert caught.value.kind is ErrorKind.UNSUPPORTED_FORMAT and not caught.value.kind.may_heal


def test_folders_separated_by_backslashes_are_no_part_of_the_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("Patient 1\\visit\\IMG_0.jpg")
        info.filename = "Patient 1\\visit\\IMG_0.jpg"
        archive.writestr(info, b"x")
    (file,) = storage.list_files(f"zip://{tmp_path / 'a.zip'}")
    assert storage.stem_of(file.uri) == "IMG_0" and storage.member_parts(file.uri) == [
        "Patient 1",
        "visit",
        "IMG_0.jpg",
    ]


def test_an_endless_chain_of_archives_is_a_mistake(tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip")
    with pytest.raises(UsageError, match="inside one another"):
        storage.canonical("zip://" + "a::zip://" * 1000 + f"{tmp_path}/a.zip")
