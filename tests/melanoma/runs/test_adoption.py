"""What killed runs have staged is taken over once for each photograph, and only as it was listed."""

import random

from melanoma.ingest.image_refs import ImageRef
from melanoma.runs.adoption import Adoption
from melanoma.runs.digests import PackedDigests, adoption_key_of
from tests.helpers.planned_runs import adoption_keys, digest, ref


def renamed(photograph: ImageRef) -> ImageRef:
    return photograph._replace(image_id="renamed")


def test_each_photograph_is_taken_once() -> None:
    adoption = Adoption(adoption_keys([ref("b"), ref("a"), ref("b")]))
    assert (len(adoption), adoption.waiting) == (2, 2)
    staged = [adoption_key_of(one) for one in (ref("b"), ref("c"), ref("b"), renamed(ref("a")))]
    assert adoption.take(staged).tolist() == [True, False, False, False]
    assert adoption.take(staged).tolist() == [False] * 4
    assert (len(adoption), adoption.waiting) == (2, 1)
    adoption.wait_again()
    assert adoption.take(staged)[0] and adoption.waiting == 1


def test_what_is_settled_is_waited_for_no_longer() -> None:
    adoption = Adoption(adoption_keys([ref("a"), ref("b"), ref("c")]))
    assert adoption.settle([digest(ref(name)) for name in "axa"]) == 1
    assert adoption.settle([digest(ref(name)) for name in "ab"]) == 1
    assert adoption.waiting == 1
    assert adoption.has([digest(ref(name)) for name in "axc"]).tolist() == [True, False, True]
    assert not adoption.take([adoption_key_of(ref("a"))]).any()


def test_of_a_photograph_that_was_listed_in_two_ways_one_counts() -> None:
    adoption = Adoption(adoption_keys([ref("a"), renamed(ref("a"))]))
    assert len(adoption) == 1
    assert adoption.take([adoption_key_of(ref("a")), adoption_key_of(renamed(ref("a")))]).sum() == 1


def test_nothing_is_adopted_of_nothing() -> None:
    adoption = Adoption(PackedDigests())
    assert (len(adoption), adoption.waiting, adoption.settle([digest(ref("a"))])) == (0, 0, 0)
    assert adoption.take([adoption_key_of(ref("a"))]).tolist() == [False] and adoption.take([]).tolist() == []


def test_thousands_are_found_whatever_bytes_their_keys_hold() -> None:
    generator = random.Random(0)
    keys = [generator.randbytes(16) + bytes(generator.randrange(17)).rjust(16, b"z") for _ in range(3000)]
    keys += [bytes(number) + generator.randbytes(16 - number) + bytes(16) for number in range(16)]
    adoption = Adoption(PackedDigests(keys, 32))
    generator.shuffle(keys)
    assert len(adoption) == len(keys)
    assert adoption.take(keys[:1000]).all() and adoption.settle([key[:16] for key in keys]) == len(keys) - 1000
