"""Every member of an archive that can be read by itself has a place in the archive's bytes, and no other one has."""

import io
import random
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.storage.archive_spans import Span
from melanoma.storage.archive_spans import _blocks as blocks
from melanoma.storage.archive_spans import _Member as Member
from tests.helpers.archives import tar_of

FILES = {"a.jpg": b"first", "d/b.jpg": random.Random(1).randbytes(5000), "empty.jpg": b"", "zeros.jpg": bytes(9000)}


def spans(root: str) -> dict[str, Span | None]:
    return {storage.name_of(file.uri): file.span for file in storage.list_files(root)}


def test_the_content_of_a_tar_lies_where_its_span_says(tmp_path: Path) -> None:
    found, data = spans(tar_of(tmp_path / "a.tar", FILES)), (tmp_path / "a.tar").read_bytes()
    for name, content in FILES.items():
        span = found[storage.name_of(f"x/{name}")]
        assert (
            span is not None and not span.is_zip and (span.start, span.end) == (span.offset, span.offset + span.packed)
        )
        assert data[span.offset : span.offset + span.packed] == content


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\nexit\n"], ids=["plain", "self-extracting"])
def test_the_header_and_content_of_a_zip_member_lie_in_its_span(tmp_path: Path, method: int, before: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    data = before + (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data)
    found = spans(f"zip://{tmp_path / 'a.zip'}")
    for name, content in FILES.items():
        span = found[storage.name_of(f"x/{name}")]
        assert span is not None and (span.is_zip, span.method, span.crc) == (True, method, zlib.crc32(content))
        assert data[span.start :].startswith(b"PK\3\4") and span.end - span.start >= 30 + len(name) + span.packed


def test_links_sparse_files_and_members_of_packed_archives_have_none(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "links.tar", "w") as tar:
        real = tarfile.TarInfo("real.jpg")
        real.size = 4
        tar.addfile(real, io.BytesIO(b"real"))
        for name, kind in (("hard.jpg", tarfile.LNKTYPE), ("soft.jpg", tarfile.SYMTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "real.jpg"
            tar.addfile(link)
    found = spans(f"tar://{tmp_path / 'links.tar'}")
    assert found["real.jpg"] is not None and found["hard.jpg"] is found["soft.jpg"] is None
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.addfile(real, io.BytesIO(b"real"))
    assert spans(f"tar://{tmp_path / 'a.tar.gz'}") == {"real.jpg": None}


def test_the_last_of_several_members_of_one_name_counts(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for content in (b"old", b"newer"):
            member = tarfile.TarInfo("a.jpg")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    (file,) = storage.list_files(f"tar://{tmp_path / 'a.tar'}")
    assert file.span is not None and storage.read_bytes(file.uri, file) == b"newer"


def test_a_member_with_another_packing_or_an_impossible_place_has_none(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("lzma.jpg", bytes(99), zipfile.ZIP_LZMA)
        archive.writestr("plain.jpg", bytes(99))
    assert {name: span is not None for name, span in spans(f"zip://{tmp_path / 'a.zip'}").items()} == {
        "lzma.jpg": False,
        "plain.jpg": True,
    }


def test_blocks_hold_neighbours_up_to_a_megabyte_and_every_member_whole() -> None:
    draw, offset, members = random.Random(3), 0, []
    for _ in range(500):
        size = draw.choice([0, 1, 20_000, 70_000, 3_000_000])
        members.append(Member(offset, offset + size, size))
        offset += size + draw.choice([0, 512, 2_000_000])
    found = list(blocks(members))
    assert found == sorted(found) and all(start <= end for start, end in found)
    inside = [[m for m in members if start <= m.offset and m.end <= end] for start, end in found]
    assert all(any(m in group for group in inside) for m in members)
    large = [(start, end) for (start, end), group in zip(found, inside, strict=True) if end - start > 2**20]
    assert large and all(any(m.offset == start and m.end == end for m in members) for start, end in large)
    assert len(found) < 400
