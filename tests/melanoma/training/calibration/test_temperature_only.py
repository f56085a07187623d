"""The temperature of a finished network is chosen anew, for all photographs or for the worst source."""

import numpy as np
import numpy.typing as npt
import pytest

from melanoma.model.decision import ModelOutput
from melanoma.training.calibration.temperature_only import retempered, temperature_factor

Array = npt.NDArray[np.float64]


def softmax(logits: Array) -> Array:
    powers: Array = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def drawn(count: int, seed: int) -> tuple[Array, npt.NDArray[np.int64]]:
    """Draws calibrated logits, and labels from their probabilities."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, 3))
    truth = np.array([rng.choice(3, p=row) for row in softmax(logits)])
    return logits, truth


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_the_factor_is_how_overconfident_the_network_is(overconfidence: float) -> None:
    logits, truth = drawn(4000, 0)
    assert temperature_factor(softmax(logits * overconfidence), truth) == pytest.approx(overconfidence, rel=0.1)


def test_the_source_with_the_largest_loss_decides() -> None:
    (fine, first), (other, second) = drawn(2000, 1), drawn(400, 2)
    p, truth = softmax(np.concatenate([fine, other * 4])), np.concatenate([first, second])
    sources = np.array(["a"] * 2000 + ["b"] * 400)

    def worst(factor: float) -> float:
        own = retempered(ModelOutput(p.astype(np.float32)), factor).probabilities[np.arange(2400), truth]
        return max(float(-np.log(own[sources == name]).mean()) for name in "ab")

    found = temperature_factor(p, truth, sources.tolist())
    assert worst(found) < worst(temperature_factor(p, truth)) - 0.1
    assert worst(found) < min(worst(found * 0.9), worst(found * 1.1))


def test_a_source_with_few_photographs_has_no_say() -> None:
    (fine, first), (other, second) = drawn(2000, 1), drawn(49, 2)
    p, truth = softmax(np.concatenate([fine, other * 4])), np.concatenate([first, second])
    alone = temperature_factor(p[:2000], truth[:2000])
    assert temperature_factor(p, truth, ["a"] * 2000 + ["b"] * 49) == pytest.approx(alone, rel=1e-3)


def test_new_outputs_are_those_under_the_new_temperature() -> None:
    logits, _ = drawn(20, 3)
    output = ModelOutput(softmax(logits / 2).astype(np.float32), np.full(20, 0.3, np.float32))
    found = retempered(output, 1.5)
    np.testing.assert_allclose(found.probabilities, softmax(logits / 3), atol=1e-6)
    assert found.ood is output.ood
