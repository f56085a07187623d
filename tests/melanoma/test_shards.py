"""Shards divide photographs: each belongs to exactly one, wherever it is listed and whatever its version."""

import random

import pytest

from melanoma.ingest.image_refs import digest_of
from melanoma.ingest.tasks import Task
from melanoma.runs.chunking import cut
from melanoma.shards import MAX_SHARDS, Shard
from tests.helpers.planned_runs import ref

DIGESTS = [digest_of(f"s3://archive/{number}.jpg", "") for number in range(4000)]


@pytest.mark.parametrize("text", ["1/1", "1/4", "4/4", "1000/1000"])
def test_a_shard_is_read_as_it_is_written(text: str) -> None:
    assert str(Shard.parsed(text)) == text


@pytest.mark.parametrize(
    "text", ["", "1", "0/4", "5/4", "1/0", "-1/4", "1/1001", " 1/4", "1/4\n", "01/4", "1/4/4", "a/b", "١/٤", "1 / 4"]
)
def test_another_text_is_no_shard(text: str) -> None:
    with pytest.raises(ValueError, match="not a shard"):
        Shard.parsed(text)


@pytest.mark.parametrize("total", [1, 2, 3, 4, 7, MAX_SHARDS])
def test_every_photograph_belongs_to_one_shard(total: int) -> None:
    shards = [Shard(number, total) for number in range(1, total + 1)]
    assert {sum(shard.has(digest) for shard in shards) for digest in DIGESTS[:200]} == {1}


def test_shards_are_of_about_the_same_size() -> None:
    sizes = [sum(Shard(number, 4).has(digest) for digest in DIGESTS) for number in range(1, 5)]
    assert sum(sizes) == 4000 and all(abs(size - 1000) < 5 * 27.4 for size in sizes)  # binomial: sigma is 27.4


def test_the_shard_of_a_photograph_never_changes() -> None:
    """Values that were computed once: machines with different versions must divide photographs alike."""
    uris = ["file:///in/a.jpg", "s3://archive/b.png", "zip://c.jpg::file:///in/d.zip", "gs://é/ü.jpg"]
    found = [[number for number in range(1, 6) if Shard(number, 5).has(digest_of(uri, ""))] for uri in uris]
    assert found == [[5], [1], [1], [5]]


def test_photographs_of_one_shard_fill_all_chunks() -> None:
    refs = [ref(str(number)) for number in range(4000)]
    mine = [one for one in refs if Shard(2, 4).has(digest_of(one.uri, ""))]
    sizes = [len(chunk.tasks) for chunk in cut([Task(one) for one in mine], 8)]
    assert len(sizes) == 8 and min(sizes) > 60


def test_other_shards_of_the_same_number_may_run_beside_each_other() -> None:
    first = Shard(1, 4)
    assert first.is_beside(Shard(2, 4)) and first.is_beside(Shard(4, 4))
    assert not any(first.is_beside(other) for other in (None, first, Shard(2, 3), Shard(1, 1)))
    assert first.others == [Shard(2, 4), Shard(3, 4), Shard(4, 4)] and Shard(1, 1).others == []


def test_the_digest_decides_by_its_second_half() -> None:
    draw = random.Random(1)
    for _ in range(100):
        digest = draw.randbytes(16)
        assert Shard(1 + int.from_bytes(digest[8:], "big") % 4, 4).has(draw.randbytes(8) + digest[8:])
