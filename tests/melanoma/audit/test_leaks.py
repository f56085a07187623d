"""What two sides of a split both show, and what joining groups keeps together."""

import numpy as np

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.leaks import find_leaks, join_near_duplicates
from melanoma.datasets.image_ids import original_id
from melanoma.datasets.photographs import Photograph


def lesion(image_id: str, content: str, group: str = "", label: str = "nevus") -> Photograph:
    return Photograph(image_id, f"file:///{image_id}.jpg", content, label, group or image_id)


def hashes_of(*bits: int) -> np.ndarray:
    """Hashes of which any two differ by the difference of their numbers of bits, 0 to 63."""
    words = np.full((len(bits), 4), 0x5555555555555555, np.uint64)
    words[:, 0] ^= np.array([(1 << count) - 1 for count in bits], np.uint64)
    return words


def test_a_split_that_shares_nothing_is_clean() -> None:
    photographs = [lesion("a", "1", "L1"), lesion("b", "2", "L1"), lesion("c", "3", "L2"), lesion("d", "4", "L2")]
    assert find_leaks(photographs, ["train", "train", "test", "test"], hashes_of(0, 1, 60, 63)) == []


def test_content_id_and_group_on_two_sides_are_found_each_by_itself() -> None:
    photographs = [lesion("a", "1", "L1"), lesion("b", "2", "L1"), lesion("a", "1", "L1"), lesion("c", "3", "L1")]
    found = find_leaks(photographs, ["train", "train", "test", "train"])
    assert found == [
        Finding(Kind.LEAK, Basis.CONTENT, 0, 2),
        Finding(Kind.LEAK, Basis.ID, 0, 2),
        Finding(Kind.LEAK, Basis.GROUP, 0, 2),
    ]


def test_every_photograph_of_the_smaller_side_is_told_and_every_two_sides() -> None:
    photographs = [lesion(name, name, "L1") for name in "abcdef"]
    found = find_leaks(photographs, ["test", "train", "train", "train", "test", "validation"])
    assert [(f.first, f.second) for f in found] == [(1, 0), (1, 4), (1, 5), (0, 5)]


def test_a_group_that_is_the_id_alone_is_no_group() -> None:
    assert [f.basis for f in find_leaks([lesion("a", "1"), lesion("a", "2")], ["train", "test"])] == [Basis.ID]


def test_a_group_named_after_one_of_its_photographs_is_one() -> None:
    found = find_leaks([lesion("a", "1"), lesion("b", "2", "a")], ["train", "test"])
    assert [f.basis for f in found] == [Basis.GROUP]


def test_near_duplicates_leak_with_the_nearest_and_equal_contents_are_no_near_duplicates() -> None:
    photographs = [lesion("a", "1"), lesion("b", "2"), lesion("c", "3"), lesion("d", "1")]
    found = find_leaks(photographs, ["train", "train", "test", "train"], hashes_of(0, 20, 24, 0))
    assert found == [Finding(Kind.LEAK, Basis.NEAR, 1, 2, 4)]


def test_ids_lose_folders_extensions_and_marks_of_copies() -> None:
    for copy in ("ISIC_1(1)", "ISIC_1 (2)", "ISIC_1 - Copy", "ISIC_1_downsampled", "night/ISIC_1.JPG", "ISIC_1"):
        assert original_id(copy) == "ISIC_1"
    assert original_id("(1)") == "(1)"
    assert original_id("patient.7") == "patient.7"


def test_joining_links_groups_at_any_remove_and_keeps_order_and_all_else() -> None:
    photographs = [lesion("a", "1", "L3"), lesion("b", "2", "L2"), lesion("c", "3", "L1"), lesion("d", "4", "L4")]
    joined = join_near_duplicates(photographs, hashes_of(0, 20, 45, 63), max_bits=25)
    assert [p.group for p in joined] == ["L1", "L1", "L1", "L1"]
    joined = join_near_duplicates(photographs, hashes_of(0, 20, 45, 63), max_bits=20)
    assert [p.group for p in joined] == ["L2", "L2", "L1", "L1"]
    assert [(p.image_id, p.sha256, p.label) for p in joined] == [(p.image_id, p.sha256, p.label) for p in photographs]


def test_a_joined_split_no_longer_leaks() -> None:
    photographs = [lesion("a", "1", "L1"), lesion("b", "2", "L2"), lesion("c", "3", "L2")]
    hashes = hashes_of(0, 10, 60)
    parts = ["train", "test", "train"]
    assert {f.basis for f in find_leaks(photographs, parts, hashes)} == {Basis.NEAR, Basis.GROUP}
    joined = join_near_duplicates(photographs, hashes)
    assert len({p.group for p in joined}) == 1
    assert find_leaks(joined, ["train"] * 3, hashes) == []
