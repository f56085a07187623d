"""Which photographs are linked across marks and within one, and on which basis."""

import numpy as np
import pytest

from melanoma.audit.findings import Basis
from melanoma.audit.links import Link, Links
from tests.helpers.labelled import hashes_of, labelled


def across(links: Links, *marks: str) -> list[tuple[Basis, int, int]]:
    return [(link.basis, link.first, link.second) for link in links.across(marks)]


def within(links: Links, *marks: str) -> list[tuple[Basis, int, int]]:
    return [(link.basis, link.first, link.second) for link in links.within(marks)]


def test_photographs_of_one_mark_are_linked_only_within() -> None:
    links = Links([labelled("a", content="1"), labelled("b", content="1")], None)
    assert across(links, "train", "train") == []
    assert within(links, "train", "train") == [(Basis.CONTENT, 0, 1)]
    assert across(links, "train", "test") == [(Basis.CONTENT, 0, 1)]
    assert within(links, "train", "test") == []


def test_a_photograph_without_a_mark_is_not_linked_across() -> None:
    links = Links([labelled("a", content="1"), labelled("b", content="1")], hashes_of(0, 0))
    assert across(links, "train", "") == []


def test_the_first_of_a_link_has_the_more_common_mark() -> None:
    photographs = [labelled(name, content="1") for name in "abc"]
    assert across(Links(photographs, None), "test", "train", "train") == [(Basis.CONTENT, 1, 0)]


def test_further_copies_link_to_the_first_one() -> None:
    photographs = [labelled(name, content="1") for name in "abc"]
    assert within(Links(photographs, None), "train", "train", "train") == [
        (Basis.CONTENT, 0, 1),
        (Basis.CONTENT, 0, 2),
    ]


def test_a_copy_is_not_reported_again_for_its_id() -> None:
    photographs = [labelled("a", content="1"), labelled("a", content="1"), labelled("a", content="2")]
    assert within(Links(photographs, None), *["train"] * 3) == [(Basis.CONTENT, 0, 1), (Basis.ID, 0, 2)]


def test_near_duplicates_within_a_mark_are_pairs_of_different_images() -> None:
    photographs = [labelled(name, content=content) for name, content in zip("abcd", "1123", strict=True)]
    assert within(Links(photographs, hashes_of(0, 0, 10, 60)), *["train"] * 4) == [
        (Basis.CONTENT, 0, 1),
        (Basis.NEAR, 0, 2),
    ]


def test_every_link_between_photographs_with_hashes_has_a_distance() -> None:
    photographs = [labelled("a", content="1"), labelled("a", content="2"), labelled("a", content="3")]
    hashes = hashes_of(0, 20, 0)
    hashes[2] = 0
    assert list(Links(photographs, hashes).within(["train"] * 3)) == [
        Link(Basis.ID, 0, 1, 20, ""),
        Link(Basis.ID, 0, 2, None, ""),
        Link(Basis.NEAR, 0, 1, 20, ""),
    ]
    assert [link.distance for link in Links(photographs, None).within(["train"] * 3)] == [None, None]


def test_a_link_that_is_closer_when_turned_is_marked() -> None:
    turns = np.random.default_rng(1).integers(1, 2**63, (2, 8, 4), dtype=np.uint64)
    turns[0, 5] = turns[1, 0]
    (link,) = Links([labelled("a"), labelled("b")], turns).across(["train", "test"])
    assert link == Link(Basis.NEAR, 0, 1, 0, "turned")


def test_only_stated_groups_link() -> None:
    alone = Links([labelled("a", content="1"), labelled("b", content="2")], None)
    assert alone.groups == ["", ""]
    stated = Links([labelled("a", content="1"), labelled("b", content="2", group="a")], None)
    assert stated.groups == ["a", "a"]
    assert across(stated, "train", "test") == [(Basis.GROUP, 0, 1)]


@pytest.mark.parametrize(("copies", "are_linked"), [(4, True), (5, False)])
def test_a_numbered_series_is_not_a_series_of_copies(copies: int, are_linked: bool) -> None:
    photographs = [labelled(f"nevus ({number})", content=f"{number}") for number in range(copies)]
    found = {link.basis for link in Links(photographs, None).within(["train"] * copies)}
    assert found == ({Basis.ID} if are_linked else set())


def test_every_two_marks_are_compared() -> None:
    photographs = [labelled(name, content="1") for name in "abcd"]
    found = across(Links(photographs, None), "train", "train", "validation", "test")
    assert found == [(Basis.CONTENT, 0, 2), (Basis.CONTENT, 0, 3), (Basis.CONTENT, 2, 3)]


def test_a_near_duplicate_is_linked_once_to_the_nearest_of_each_mark() -> None:
    photographs = [labelled(name) for name in "abcd"]
    found = list(Links(photographs, hashes_of(0, 8, 10, 30)).across(["train", "train", "test", "train"]))
    assert found == [Link(Basis.NEAR, 1, 2, 2, "")]
