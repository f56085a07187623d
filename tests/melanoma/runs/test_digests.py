"""Photographs are known by digests, which sorted arrays find whatever bytes they hold."""

import hashlib
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from melanoma.runs.digests import (
    PackedDigests,
    adoption_key_of,
    adoption_keys_in,
    are_in,
    digests_in,
    name_digest,
    sorted_digests,
    unique,
)
from tests.helpers.planned_runs import digest, ref, rows_of, run_on

KEPT = pa.schema([("site", pa.string()), ("age", pa.int16())])


def blake(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def test_rows_have_the_digests_of_their_photographs(tmp_path: Path) -> None:
    refs = [ref("a"), ref("Müller"), ref("c", "")]
    rows = rows_of(run_on(tmp_path), refs)
    assert digests_in(rows) == list(map(digest, refs))
    assert digests_in(rows) == [
        blake("file:///in/a.jpg\0v1"),
        blake("file:///in/Müller.jpg\0v1"),
        blake("file:///in/c.jpg\0"),
    ]
    (batch,) = rows.to_batches()
    assert digests_in(batch) == digests_in(rows)
    assert digests_in(rows.slice(0, 0)) == []


def test_a_row_has_the_adoption_key_of_the_photograph_as_it_was_listed(tmp_path: Path) -> None:
    run = run_on(tmp_path, kept=KEPT)
    listed = [
        ref("a")._replace(kept=("arm", 40)),
        ref("b")._replace(kept=(None, 7)),
        ref("c")._replace(kept=("x", None)),
    ]
    rows = pa.concat_tables(
        rows_of(run, [photograph], site=photograph.kept[0], age=photograph.kept[1]) for photograph in listed
    )
    assert adoption_keys_in(rows) == list(map(adoption_key_of, listed))
    assert [key[:16] for key in adoption_keys_in(rows)] == list(map(digest, listed))
    assert {len(key) for key in adoption_keys_in(rows)} == {32}


def test_an_adoption_key_changes_with_what_the_manifest_says_and_with_nothing_else() -> None:
    listed = ref("a")._replace(kept=("arm", 40))
    same = [listed._replace(size=99), listed._replace(attempt=3), listed._replace(location="s3://b/c.jpg")]
    same.append(listed._replace(kept=("arm", 40, None)))
    other = [listed._replace(kept=kept) for kept in [(), ("arm",), ("arm", 41), ("arm", "40"), (None, 40), (40, "arm")]]
    other += [listed._replace(image_id="b"), listed._replace(version="v2"), listed._replace(uri="file:///in/b.jpg")]
    assert {adoption_key_of(photograph) for photograph in [listed, *same]} == {adoption_key_of(listed)}
    assert len({adoption_key_of(photograph) for photograph in [listed, *other]}) == 1 + len(other)


def test_rows_without_columns_of_a_manifest_have_keys_too(tmp_path: Path) -> None:
    assert adoption_keys_in(rows_of(run_on(tmp_path), [ref("a")])) == [adoption_key_of(ref("a"))]


def test_a_name_is_the_same_in_every_folder_of_every_store() -> None:
    found = {name_digest(uri, "v") for uri in ("file:///in/a.jpg", "s3://bucket/2026/a.jpg", "a.jpg")}
    assert found == {blake("a.jpg\0v")}
    assert name_digest("file:///in/a.jpg", "w") not in found and name_digest("file:///in/b.jpg", "v") not in found


@pytest.mark.parametrize("size", [16, 32])
@pytest.mark.parametrize("seed", range(5))
def test_a_sorted_array_finds_what_a_set_finds(size: int, seed: int) -> None:
    """Of few different bytes, so that many digests share their beginnings and end in zero bytes."""
    draw = random.Random(seed)

    def any_digest() -> bytes:
        return bytes(draw.choice((0, 0, 1, 255)) for _ in range(3)) + bytes(size - 6) + draw.randbytes(1) + bytes(2)

    known = {any_digest() for _ in range(1000)}
    wanted = [any_digest() for _ in range(3000)] + list(known)[:10]
    expected = [one in known for one in wanted]
    assert 10 < sum(expected) < 2990
    found = are_in(sorted_digests([*known, *known], size), wanted)
    assert found.dtype == np.bool_ and found.tolist() == expected


def test_digests_that_end_in_zero_bytes_are_told_apart() -> None:
    nearly = [b"\1" * length + bytes(16 - length) for length in range(17)]
    for one in nearly:
        array = sorted_digests([one])
        assert array.dtype == np.dtype("S16") and are_in(array, nearly).tolist() == [other == one for other in nearly]


def test_nothing_is_in_an_empty_array() -> None:
    assert are_in(sorted_digests([]), [bytes(16), b"x" * 16]).tolist() == [False, False]
    assert are_in(sorted_digests([b"x" * 16]), []).tolist() == []


def test_an_entry_takes_no_more_than_its_digest() -> None:
    assert sorted_digests([bytes([number]) * 16 for number in range(200)]).nbytes == 3200


@pytest.mark.parametrize("size", [16, 32])
def test_packed_digests_are_those_that_were_added(size: int) -> None:
    draw = random.Random(size)
    added = [draw.randbytes(size - 1) + b"\0" for _ in range(100)]
    packed = PackedDigests(added[:50], size)
    packed.extend(iter(added[50:90]))
    packed.extend_packed(b"".join(added[90:]) + b"cut off")
    assert list(packed) == added and len(packed) == 100
    both = packed + PackedDigests(added[:2], size)
    assert list(both) == [*added, *added[:2]] and both != packed
    in_order = packed.sorted()
    assert in_order.tobytes() == b"".join(sorted(added)) and list(packed) == sorted(added)
    with pytest.raises(BufferError):
        packed.extend(added[:1])


def test_nothing_can_be_packed_and_sorted() -> None:
    assert len(PackedDigests()) == 0 and list(PackedDigests()) == [] and PackedDigests().sorted().tolist() == []


def test_repeated_digests_are_left_out_of_a_sorted_array() -> None:
    digests = [b"a" * 16, b"a" * 15 + b"\0", b"b" * 16, bytes(16)]
    assert unique(sorted_digests(digests * 3)).tobytes() == b"".join(sorted(digests))
    assert unique(sorted_digests([])).tobytes() == b""
