"""Archives as other programs write them: every member is listed, and what cannot be read says why."""

import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.storage.filesystems import locate

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


@pytest.mark.parametrize("compress", [lzma.compress, lambda data: lzma.compress(data, lzma.FORMAT_ALONE)])
def test_both_formats_of_lzma_are_read(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a.tlz").write_bytes(compress(tar_bytes()))
    assert contents(f"tar://{tmp_path / 'a.tlz'}") == EXPECTED


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("kept", [1024, 1030, 2048])
def test_no_member_of_a_tar_that_is_cut_between_two_is_lost_in_silence(
    tmp_path: Path, compress: Callable[[bytes], bytes], kept: int
) -> None:
    (tmp_path / "a.tar").write_bytes(compress(tar_bytes()[:kept]))
    with pytest.raises(ReadError, match="end mark") as caught:
        list(storage.list_files(f"tar://{tmp_path / 'a.tar'}"))
    assert caught.value.kind is ErrorKind.CORRUPT


def test_a_damaged_header_in_a_tar_hides_no_later_member(tmp_path: Path) -> None:
    data = bytearray(tar_bytes())
    data[1024 + 100] ^= 1
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(ReadError, match="end mark"):
        list(storage.list_files(f"tar://{tmp_path / 'a.tar'}"))


@pytest.mark.parametrize(("protocol", "data", "words"), [
    ("tar", b"(\xb5/\xfd" + bytes(99), "Zstandard"), ("tar", b"\x04\x22\x4d\x18" + bytes(99), "LZ4"),
    ("tar", b"\x1f\x9d\x90" + bytes(99), "compress"), ("tar", b"PK\3\4" + bytes(600), "write zip://"),
    ("tar", gzip.compress(b"no tar" * 200, mtime=0), "gzip data"), ("tar", b"", "empty"), ("zip", b"", "empty"),
    ("zip", b"Rar!\x1a\7\0" + bytes(99), "RAR"), ("zip", b"7z\xbc\xaf\x27\x1c" + bytes(99), "7-Zip"),
    ("zip", b"\n<!DOCTYPE html>", "web page"), ("zip", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ("zip", tar_bytes(), "write tar://"), ("zip", gzip.compress(tar_bytes(), mtime=0), "write tar://"),
    ("zip", b"PK\3\4" + bytes(99), "cut off"), ("zip", bytes(99), "BadZipFile"),
])  # fmt: skip
def test_what_stands_in_place_of_an_archive_is_named(tmp_path: Path, protocol: str, data: bytes, words: str) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ReadError, match=words) as caught:
        list(storage.list_files(f"{protocol}://{tmp_path / 'a'}"))
    assert caught.value.kind is ErrorKind.CORRUPT


def test_every_member_of_a_zip_with_odd_names_is_listed_and_read(tmp_path: Path) -> None:
    names = ["/srv/a.jpg", "x//b.jpg", "./c.jpg", "../d.jpg", "y/../e.jpg", "//f.jpg"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, name.encode())
    assert sorted(contents(f"zip://{tmp_path / 'a.zip'}").values()) == sorted(name.encode() for name in names)


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-8", "Läsion_ß.jpg"), ("utf-8", "病変.jpg"), ("cp437", "Läsion_é.jpg")]
)
def test_a_name_without_the_mark_of_utf8_is_read_as_utf8_or_else_as_code_page_437(
    tmp_path: Path, encoding: str, name: str
) -> None:
    raw = name.encode(encoding)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("X" * len(raw), b"content")
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(b"X" * len(raw), raw))
    assert contents(f"zip://{tmp_path / 'a.zip'}") == {name: b"content"}


def test_links_and_devices_of_an_archive_are_no_files_unless_they_lead_to_a_member(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("d/a.jpg"))
        for name, kind, target in (
            ("hard.jpg", tarfile.LNKTYPE, "d/a.jpg"), ("d/soft.jpg", tarfile.SYMTYPE, "a.jpg"),
            ("d/up.jpg", tarfile.SYMTYPE, "../d/a.jpg"), ("gone.jpg", tarfile.SYMTYPE, "b.jpg"),
            ("out.jpg", tarfile.SYMTYPE, "/etc/passwd"), ("pipe.jpg", tarfile.FIFOTYPE, ""),
            ("circle.jpg", tarfile.SYMTYPE, "back.jpg"), ("back.jpg", tarfile.SYMTYPE, "circle.jpg"),
            ("self.jpg", tarfile.LNKTYPE, "self.jpg"), ("device.jpg", tarfile.CHRTYPE, ""), ("label.jpg", b"V", ""),
        ):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            tar.addfile(member)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "a.jpg")
        archive.writestr("a.jpg", b"")
    regular = {
        storage.name_of(file.uri) for name in ("tar", "zip")
        for file in storage.list_files(f"{name}://{tmp_path}/a.{name}") if file.regular
    }  # fmt: skip
    assert regular == {"a.jpg", "hard.jpg", "soft.jpg", "up.jpg"}


def test_the_folders_of_an_incremental_tar_are_folders(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        folder, member = tarfile.TarInfo("./d"), tarfile.TarInfo("./d/IMG_0.jpg")
        folder.type, member.size = b"D", 4
        tar.addfile(folder)
        tar.addfile(member, io.BytesIO(b"zero"))
    assert contents(f"tar://{tmp_path / 'a.tar'}") == {"IMG_0.jpg": b"zero"}


def test_a_member_in_another_part_of_a_divided_zip_says_so(tmp_path: Path) -> None:
    root = zipped(tmp_path / "a.zip")
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes()[20:])
    first, second = storage.list_files(root)
    with pytest.raises(ReadError, match="join the parts") as caught:
        storage.read_bytes(first.uri, first)
    assert caught.value.kind is ErrorKind.UNSUPPORTED_FORMAT
    assert storage.read_bytes(second.uri, second) == b"one"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_of_any_compression_is_corrupt_and_not_a_failure_of_the_store(
    tmp_path: Path, method: int
) -> None:
    content = random.Random(0).randbytes(3000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a.jpg", content)
    whole = (tmp_path / "a.zip").read_bytes()
    for place in range(45, 1500, 97):
        (tmp_path / "a.zip").write_bytes(whole[:place] + bytes(30) + whole[place + 30 :])
        (file,) = storage.list_files(f"zip://{tmp_path / 'a.zip'}")
        with pytest.raises(ReadError) as caught:
            storage.read_bytes(file.uri, file)
        assert caught.value.kind is ErrorKind.CORRUPT


def test_members_of_a_zip_without_a_name_disturb_no_other(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("", "/", "//", "a.jpg"):
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, b"x")
    assert contents(f"zip://{tmp_path / 'a.zip'}")["a.jpg"] == b"x"


@pytest.mark.parametrize("protocol", ["zip", "tar"])
def test_a_pipe_or_a_device_in_place_of_an_archive_is_refused_and_not_read(tmp_path: Path, protocol: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "link"):
        with pytest.raises(ReadError, match="it is a pipe or a device; copy it to a file") as caught:
            locate(f"{protocol}://{path}")
        assert caught.value.kind is ErrorKind.CORRUPT
