"""Drift between two distributions of predictions, against figures computed elsewhere."""

import math

import numpy as np
import pytest

from melanoma.model.reference_distribution import MIN_PHOTOGRAPHS, reference_of
from melanoma.reporting.drift import chance_limit, drift, level_of, pooled, stability_index

SLUGS = ("melanoma", "nevus")


def seen(n: int, share: float, seed: int = 0) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    melanoma = rng.beta(2 * share, 2 * (1 - share), n)
    both = np.stack([melanoma, 1 - melanoma], axis=1)
    return reference_of(SLUGS, both, both.argmax(axis=1))


def test_the_index_is_the_textbook_sum() -> None:
    expected, actual = [0.5, 0.3, 0.2], [0.4, 0.4, 0.2]
    textbook = sum((a - e) * math.log(a / e) for e, a in zip(expected, actual, strict=True))
    assert stability_index(expected, 10**9, actual, 10**9) == pytest.approx(textbook, abs=1e-6)
    assert stability_index(expected, 50, expected, 50) == 0


def test_an_empty_bin_leaves_the_index_finite() -> None:
    assert 0 < stability_index([1.0, 0.0], 100, [0.0, 1.0], 100) < 20


def test_without_a_change_the_index_has_its_expected_mean() -> None:
    found = [stability_index(*_histogram(400, seed), *_histogram(300, seed + 1000)) for seed in range(200)]
    assert np.mean(found) == pytest.approx(9 * (1 / 400 + 1 / 300), rel=0.2)


def _histogram(n: int, seed: int) -> tuple[list[float], int]:
    counts = np.random.default_rng(seed).multinomial(n, [0.1] * 10)
    return (counts / n).tolist(), n


def test_a_shift_is_a_warning_and_no_change_is_calm() -> None:
    assert drift(seen(2000, 0.3), seen(500, 0.3, seed=1))["level"] == "calm"
    moved = drift(seen(2000, 0.3), seen(500, 0.7, seed=1))
    assert moved["level"] == "warn" and moved["judged"]
    assert set(moved["columns"]) == {"p_melanoma", "p_nevus", "top_label"}
    assert moved["columns"][moved["worst"]] == max(moved["columns"].values())


@pytest.mark.parametrize(("index", "level"), [(0.1, "calm"), (0.11, "look"), (0.2, "look"), (0.21, "warn")])
def test_levels_have_their_customary_limits(index: float, level: str) -> None:
    assert level_of(index) == level


def test_too_few_photographs_are_not_judged() -> None:
    found = drift(seen(2000, 0.3), seen(MIN_PHOTOGRAPHS - 1, 0.9))
    assert not found["judged"] and "fewer than" in found["reason"]
    assert drift({}, seen(500, 0.3))["reason"] == "there is nothing to compare"


def test_pooled_runs_are_weighted_by_their_photographs() -> None:
    many, few = seen(900, 0.3), seen(100, 0.9)
    pool = pooled([many, {}, few])
    assert pool["n"] == 1000
    for place in range(10):
        expected = 0.9 * many["histograms"]["p_nevus"][place] + 0.1 * few["histograms"]["p_nevus"][place]  # type: ignore[index]
        assert pool["histograms"]["p_nevus"][place] == pytest.approx(expected)
    assert sum(pool["top_label"].values()) == pytest.approx(1)
    assert pooled([{}]) == {}


@pytest.mark.parametrize(("before", "now"), [(200, 200), (200, 5000), (2000, 2000)])
def test_chance_alone_hardly_ever_exceeds_its_limit(before: int, now: int) -> None:
    rng, shares = np.random.default_rng(5), np.full(10, 0.1)
    indexes = [
        stability_index(rng.multinomial(before, shares) / before, before, rng.multinomial(now, shares) / now, now)
        for _ in range(4000)
    ]
    limit = chance_limit(before, now)
    assert sum(index > limit for index in indexes) <= 4 and max(indexes) > limit / 2
