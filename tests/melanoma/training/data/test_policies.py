"""Augmentation policies by name: pure functions of file, size and key."""

import pickle

import numpy as np
import numpy.typing as npt
import pytest

from melanoma.images import encoding
from melanoma.training.data.policies import POLICIES, AugmentationPolicy
from tests.helpers import photograph

SIZE = (24, 40)


def test_policies_carry_the_names_of_the_flag() -> None:
    assert set(POLICIES) == {"augmentor", "views", "hospitals"}
    assert all(policy.name == name for name, policy in POLICIES.items())


@pytest.fixture(params=sorted(POLICIES))
def policy(request: pytest.FixtureRequest) -> AugmentationPolicy:
    return POLICIES[request.param]


def test_the_result_has_the_requested_size_and_depends_only_on_the_key(policy: AugmentationPolicy) -> None:
    data = photograph(1)
    images = [policy.apply(data, SIZE, (0, 1, number)) for number in range(6)]
    assert {(image.shape, image.dtype.name) for image in images} == {((*SIZE, 3), "uint8")}
    assert len({image.tobytes() for image in images}) > 4
    for number, image in enumerate(images):
        np.testing.assert_array_equal(policy.apply(data, SIZE, (0, 1, number)), image)


def test_a_policy_can_be_sent_to_another_process(policy: AugmentationPolicy) -> None:
    assert pickle.loads(pickle.dumps(policy)) == policy


def test_the_card_has_a_sentence_for_every_policy(policy: AugmentationPolicy) -> None:
    assert policy.description.startswith("In every epoch") and policy.description.endswith(").")
    assert policy.threads >= 1


def test_the_policy_for_hospitals_draws_borders_and_stickers_on_some_photographs() -> None:
    """On a grey surface nothing of `views` is dark or colourful; a border or a sticker is."""
    grey = encoding.encode(np.full((64, 64, 3), 150, np.uint8), "png")
    plain, drawn = (
        [POLICIES[name].apply(grey, (64, 64), (number,)) for number in range(200)] for name in ("views", "hospitals")
    )
    assert not any(_is_dark(image) or _is_colourful(image) for image in plain)
    assert 15 <= sum(map(_is_dark, drawn)) <= 50
    assert 8 <= sum(map(_is_colourful, drawn)) <= 40


def _is_dark(image: npt.NDArray[np.uint8]) -> bool:
    return bool((image.max(axis=2) < 60).mean() > 0.02)


def _is_colourful(image: npt.NDArray[np.uint8]) -> bool:
    return bool(((image.max(axis=2).astype(int) - image.min(axis=2)) > 90).mean() > 0.01)
