"""What two parts of a split share, and what joined groups keep together."""

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.leaks import find_leaks, join_near_duplicates
from tests.helpers.labelled import hashes_of, labelled


def test_a_split_that_shares_nothing_is_clean() -> None:
    photographs = [
        labelled("a", group="L1"),
        labelled("b", group="L1"),
        labelled("c", group="L2"),
        labelled("d", group="L2"),
    ]
    assert find_leaks(photographs, ["train", "train", "test", "test"], hashes_of(0, 1, 60, 63)) == []


def test_bytes_id_and_group_in_two_parts_are_found_separately() -> None:
    photographs = [labelled(name, group="L1") for name in "abac"]
    found = find_leaks(photographs, ["train", "train", "test", "train"])
    assert found == [
        Finding(Kind.LEAK, Basis.CONTENT, 0, 2),
        Finding(Kind.LEAK, Basis.ID, 0, 2),
        Finding(Kind.LEAK, Basis.GROUP, 0, 2),
    ]


def test_every_photograph_of_the_smaller_part_is_reported_for_every_two_parts() -> None:
    photographs = [labelled(name, group="L1") for name in "abcdef"]
    found = find_leaks(photographs, ["test", "train", "train", "train", "test", "validation"])
    assert [(f.first, f.second) for f in found] == [(1, 0), (1, 4), (1, 5), (0, 5)]


def test_a_group_that_is_only_the_id_is_not_a_group() -> None:
    found = find_leaks([labelled("a", content="1"), labelled("a", content="2")], ["train", "test"])
    assert [f.basis for f in found] == [Basis.ID]


def test_a_group_named_after_one_of_its_photographs_is_one() -> None:
    found = find_leaks([labelled("a"), labelled("b", group="a")], ["train", "test"])
    assert [f.basis for f in found] == [Basis.GROUP]


def test_near_duplicates_leak_with_the_nearest_and_identical_images_are_not_near_duplicates() -> None:
    photographs = [labelled("a"), labelled("b"), labelled("c"), labelled("d", content="a")]
    found = find_leaks(photographs, ["train", "train", "test", "train"], hashes_of(0, 20, 24, 0))
    assert found == [Finding(Kind.LEAK, Basis.NEAR, 1, 2, 4)]


def test_groups_join_through_other_photographs_and_all_other_fields_stay() -> None:
    photographs = [
        labelled("a", group="L3"),
        labelled("b", group="L2"),
        labelled("c", group="L1"),
        labelled("d", group="L4"),
    ]
    joined = join_near_duplicates(photographs, hashes_of(0, 20, 45, 63), max_bits=25)
    assert [p.group for p in joined] == ["L1", "L1", "L1", "L1"]
    joined = join_near_duplicates(photographs, hashes_of(0, 20, 45, 63), max_bits=20)
    assert [p.group for p in joined] == ["L2", "L2", "L1", "L1"]
    assert [(p.image_id, p.sha256, p.label) for p in joined] == [(p.image_id, p.sha256, p.label) for p in photographs]


def test_files_of_one_photograph_are_reported_as_their_owner() -> None:
    files = [
        labelled("a", content="1"),
        labelled("b", content="2"),
        labelled("a", content="3"),
        labelled("b", content="4"),
    ]
    hashes = hashes_of(0, 60, 30, 31)
    assert find_leaks(files, ["train", "test", "train", "test"], hashes, owners=[0, 1, 0, 1]) == [
        Finding(Kind.LEAK, Basis.NEAR, 0, 1, 1)
    ]


def test_a_split_of_joined_groups_no_longer_leaks() -> None:
    """`a` looks like `b`, which shows the lesion of `c`; `d` has nothing to do with them."""
    photographs = [labelled(name, group=group) for name, group in zip("abcd", ("L1", "L2", "L2", "L4"), strict=True)]
    hashes = hashes_of(0, 10, 60, 30)
    hashes[3] ^= hashes[3] << 1
    found = find_leaks(photographs, ["train", "test", "train", "test"], hashes)
    assert {f.basis for f in found} == {Basis.NEAR, Basis.GROUP}
    joined = join_near_duplicates(photographs, hashes)
    assert [p.group for p in joined] == ["L1", "L1", "L1", "L4"]
    assert find_leaks(joined, ["train" if p.group == "L1" else "test" for p in joined], hashes) == []
