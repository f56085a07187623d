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


PRIOR = (1 / 3, 1 / 3, 1 / 3)


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_the_factor_is_how_overconfident_the_network_is(overconfidence: float) -> None:
    logits, truth = drawn(4000, 0)
    assert temperature_factor(softmax(logits * overconfidence), truth, PRIOR) == pytest.approx(overconfidence, rel=0.1)


def two_sources(second_count: int) -> tuple[Array, npt.NDArray[np.int64], list[str]]:
    """Draws a large source where the network is calibrated, and another where it is overconfident by 4."""
    (fine, first), (other, second) = drawn(2000, 1), drawn(second_count, 2)
    p, truth = softmax(np.concatenate([fine, other * 4])), np.concatenate([first, second])
    return p, truth, ["a"] * 2000 + ["b"] * second_count


def test_no_source_is_further_from_its_best_than_another() -> None:
    p, truth, sources = two_sources(400)

    def excess(factor: float) -> list[float]:
        losses = []
        for name in "ab":
            of = np.array(sources) == name
            weight = 1 / np.bincount(truth[of])[truth[of]]

            def loss(f: float, of: npt.NDArray[np.bool_] = of, weight: Array = weight) -> float:
                q = retempered(ModelOutput(p[of].astype(np.float32)), f).probabilities
                return float(-(weight @ np.log(q[np.arange(len(q)), truth[of]])) / weight.sum())

            losses.append(loss(factor) - min(loss(f) for f in np.geomspace(0.5, 8, 200)))
        return losses

    found, pooled = temperature_factor(p, truth, PRIOR, sources), temperature_factor(p, truth, PRIOR)
    first, second = excess(found)
    assert first == pytest.approx(second, abs=2e-3)
    assert max(excess(pooled)) > first + 0.03


def test_a_source_with_few_photographs_has_no_say() -> None:
    p, truth, sources = two_sources(49)
    alone = temperature_factor(p[:2000], truth[:2000], PRIOR, sources[:2000])
    assert temperature_factor(p, truth, PRIOR, sources) == pytest.approx(alone, rel=1e-3)
    p, truth, sources = two_sources(50)
    assert temperature_factor(p, truth, PRIOR, sources) > 1.2 * alone


def test_a_source_with_other_class_shares_needs_no_other_temperature() -> None:
    """Every photograph of the first class nine more times: nothing is wrong with the confidence in its label."""
    logits = drawn(3000, 4)[0] - np.array([2.0, 0.0, 0.0])
    truth = np.array([np.random.default_rng(index).choice(3, p=row) for index, row in enumerate(softmax(logits))])
    index = np.concatenate([np.arange(3000), np.tile(np.flatnonzero(truth == 0), 9)])
    prior = (np.bincount(truth) / 3000).tolist()
    p = softmax(logits)
    plain, shifted = (temperature_factor(p[of], truth[of], prior, ["a"] * len(of)) for of in (np.arange(3000), index))
    assert shifted == pytest.approx(plain, rel=1e-3)
    assert temperature_factor(p[index], truth[index], prior) != pytest.approx(plain, rel=0.1)


def test_new_outputs_are_those_under_the_new_temperature() -> None:
    logits, _ = drawn(20, 3)
    output = ModelOutput(softmax(logits / 2).astype(np.float32), np.full(20, 0.3, np.float32))
    found = retempered(output, 1.5)
    np.testing.assert_allclose(found.probabilities, softmax(logits / 3), atol=1e-6)
    assert found.ood is output.ood
