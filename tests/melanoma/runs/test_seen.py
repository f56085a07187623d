"""A set of digests in sorted arrays."""

import random

import pytest

from melanoma.runs.seen import SeenDigests


def test_nothing_is_seen_at_first() -> None:
    seen = SeenDigests()
    assert len(seen) == 0 and not seen.have([bytes(16), b"a" * 16]).any() and seen.have([]).tolist() == []


@pytest.mark.parametrize("sizes", [[1] * 40, [100, 1, 1, 50, 3], [5, 0, 60]])
def test_it_says_what_a_set_says(sizes: list[int]) -> None:
    draw, seen, known = random.Random(1), SeenDigests(), set[bytes]()
    for size in sizes:
        added = [draw.randbytes(15) + b"\0" for _ in range(size)]  # NumPy's text would drop the zero
        seen.add(added)
        known.update(added)
        asked = [*added, *draw.sample(sorted(known), min(20, len(known))), *(draw.randbytes(16) for _ in range(20))]
        assert seen.have(asked).tolist() == [digest in known for digest in asked]
    assert len(seen) == len(known)


def test_digests_with_a_common_half_are_told_apart() -> None:
    seen = SeenDigests()
    seen.add([b"a" * 8 + b"b" * 8])
    found = seen.have([b"a" * 8 + b"c" * 8, b"b" * 16, b"a" * 8 + b"b" * 8])
    assert found.tolist() == [False, False, True]


def test_many_additions_leave_few_arrays() -> None:
    seen = SeenDigests()
    for number in range(500):
        seen.add([number.to_bytes(16, "big")])
    assert len(seen._levels) < 10
