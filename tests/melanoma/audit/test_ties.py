"""Classes that can be told without the lesion are found, with numbers that other means confirm."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma.audit.sets import Sets
from melanoma.audit.ties import MARGIN, STICKER, TOGETHER, _cramers_v, find_ties, tie_lines, tie_values
from melanoma.audit.traits import Traits
from tests.helpers.labelled import labelled, set_of

RNG = np.random.default_rng(1)


def sets_of(labels: list[str]) -> Sets:
    return set_of(*(labelled(f"p{i}", label=label, group=f"g{i}") for i, label in enumerate(labels)))


def traits_with(sizes: list[str]) -> list[Traits | None]:
    return [Traits(size, "jpeg", 0, False, *RNG.normal(size=3)) for size in sizes]


def test_a_class_from_one_camera_is_named() -> None:
    labels = ["melanoma", "nevus"] * 60
    sizes = ["600x450" if label == "nevus" else "1024x768" for label in labels]
    ties = {tie.trait: tie for tie in find_ties(sets_of(labels), traits_with(sizes))}
    assert ties["picture size"].accuracy == 1 and ties["picture size"].baseline == 0.5
    assert ties["picture size"].cramers_v == pytest.approx(1, abs=0.02)
    assert ties["picture size"].example == "every photograph of melanoma has 1024x768"
    assert ties[TOGETHER].is_found and "kind of file" not in ties
    text = "\n".join(tie_lines(list(ties.values())))
    assert "picture size: balanced accuracy 1.00, guessing 0.50, Cramér's V 1.00; every photograph of" in text
    assert tie_values([ties["picture size"]])[0]["found"] is True


def test_a_stated_source_counts_instead_of_the_set() -> None:
    labels = ["melanoma", "nevus"] * 60
    plain = sets_of(labels)
    stated = [replace(one, source="north" if one.label == "nevus" else "south") for one in plain.photographs]
    traits = traits_with(["600x450"] * 120)
    assert "source (set)" not in {tie.trait for tie in find_ties(plain, traits)}
    ties = {tie.trait: tie for tie in find_ties(replace(plain, photographs=stated), traits)}
    assert (
        ties["source (set)"].accuracy == 1 and ties["source (set)"].example == "every photograph of melanoma has south"
    )


def test_traits_that_say_nothing_are_no_finding() -> None:
    labels = ["melanoma", "nevus", "vascular_lesion"] * 60
    sizes = RNG.choice(["600x450", "1024x768"], 180).tolist()
    ties = find_ties(sets_of(labels), traits_with(sizes))
    assert {tie.trait for tie in ties} >= {TOGETHER, "picture size", "sharpness"}
    assert tie_lines(ties) == []


def test_a_number_that_differs_between_classes_is_found() -> None:
    labels = ["melanoma", "nevus"] * 80
    traits: list[Traits | None] = [
        Traits("1x1", "jpeg", 0, False, 5.0 * (label == "nevus") + RNG.normal(), 0.0, 0.0) for label in labels
    ]
    (together, sharpness) = find_ties(sets_of(labels), traits)
    assert sharpness.trait == "sharpness" and sharpness.accuracy > 0.95 and sharpness.is_found and together.is_found


@pytest.mark.parametrize(
    ("stickers", "expected"),
    [
        ({"nevus": 36}, "36 of 36 photographs with a coloured sticker show melanocytic nevus"),
        ({"nevus": 36, "melanoma": 3}, "36 of 39 photographs with a coloured sticker show melanocytic nevus"),
        ({"nevus": 36, "melanoma": 6}, ""),
        ({"nevus": 19}, ""),
    ],
)
def test_stickers_of_one_class_are_named_though_most_of_its_photographs_have_none(
    stickers: dict[str, int], expected: str
) -> None:
    labels = ["melanoma", "nevus"] * 200
    plain = [one for one in traits_with(["1x1"] * 400) if one]
    marked = {label: [at for at, one in enumerate(labels) if one == label][:count] for label, count in stickers.items()}
    having = {at for places in marked.values() for at in places}
    traits: list[Traits | None] = [one._replace(sticker=at in having) for at, one in enumerate(plain)]
    tie = next(tie for tie in find_ties(sets_of(labels), traits) if tie.trait == STICKER)
    assert (tie.example, tie.is_found) == (expected, bool(expected))
    assert tie.accuracy < tie.baseline + MARGIN


def test_stickers_on_nearly_every_photograph_tell_nothing() -> None:
    labels = ["melanoma"] * 20 + ["nevus"] * 380
    traits: list[Traits | None] = [
        one and one._replace(sticker=at % 10 > 0) for at, one in enumerate(traits_with(["1x1"] * 400))
    ]
    tie = next(tie for tie in find_ties(sets_of(labels), traits) if tie.trait == STICKER)
    assert tie.example == ""


def test_cramers_v_agrees_with_its_formula() -> None:
    """Bergsma (2013), computed from the counts 30, 10 / 10, 30: phi² = 0.25."""
    bins = np.repeat([0, 0, 1, 1], [30, 10, 10, 30])
    labels = np.repeat(["a", "b", "a", "b"], [30, 10, 10, 30])
    corrected = (0.25 - 1 / 79) / (2 - 1 / 79 - 1)
    assert _cramers_v(bins, labels) == pytest.approx(corrected**0.5)
    assert _cramers_v(np.repeat([0, 1, 0, 1], 20), np.repeat(["a", "a", "b", "b"], 20)) == 0


def test_small_classes_and_unreadable_photographs_do_not_count() -> None:
    labels = ["melanoma"] * 19 + ["nevus"] * 60
    assert find_ties(sets_of(labels), traits_with(["1x1"] * 79)) == []
    assert find_ties(sets_of(["melanoma", "nevus"] * 40), [None] * 80) == []
