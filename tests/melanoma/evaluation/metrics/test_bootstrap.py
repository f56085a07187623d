"""Intervals from whole lesions, and differences on the same resamples."""

import math

import numpy as np
import pytest

from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.bootstrap import Resampled, difference, estimates, mean, resample
from melanoma.evaluation.metrics.metric import average, share

ALL = np.ones(400, np.bool_)


def names(n: int, per_group: int = 1) -> np.ndarray:
    return np.array([f"g{i // per_group}" for i in range(n)])


def test_the_interval_is_binomial_if_every_lesion_has_one_photograph() -> None:
    hits = np.random.default_rng(0).random(400) < 0.7
    found = resample({"share": share(hits, ALL)}, names(400), seed=1)["share"].estimate()
    assert found is not None
    half = 1.96 * math.sqrt(found.value * (1 - found.value) / 400)
    assert found.value == hits.mean()
    assert found.low == pytest.approx(found.value - half, abs=0.01)
    assert found.high == pytest.approx(found.value + half, abs=0.01)
    assert found.n == 400


def test_several_photographs_per_lesion_widen_the_interval_and_keep_the_value() -> None:
    hits = np.repeat(np.random.default_rng(0).random(50) < 0.7, 8)
    wide = resample({"": share(hits, ALL)}, names(400, 8), 0)[""].estimate()
    narrow = resample({"": share(hits, ALL)}, names(400), 0)[""].estimate()
    assert wide is not None
    assert narrow is not None
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert wide.value == narrow.value


def test_a_seed_fixes_the_interval_and_another_one_moves_it() -> None:
    measure = {"": average(np.random.default_rng(0).normal(size=90))}
    first, again, other = (resample(measure, names(90), seed)[""].estimate() for seed in (4, 4, 5))
    assert first == again
    assert first != other


def test_many_photographs_are_drawn_in_chunks_that_make_up_all_resamples() -> None:
    n = bootstrap._CHUNK // 300
    found = resample({"": average(np.arange(n, dtype=np.float64))}, names(n, 100), 0)[""]
    assert found.resamples.shape == (bootstrap.RESAMPLES,)
    assert len(set(found.resamples.tolist())) > bootstrap.RESAMPLES / 2


@pytest.mark.parametrize(("hit", "low", "high"), [(True, 0.6915, 1.0), (False, 0.0, 0.3085)])
def test_all_or_none_of_ten_lesions_is_not_certain(hit: bool, low: float, high: float) -> None:
    """Clopper and Pearson's interval for 0 and 10 of 10, as tables give it."""
    found = resample({"": share(np.full(40, hit), np.ones(40, np.bool_))}, names(40, 4), 0)[""].estimate()
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_the_interval_of_a_biased_metric_is_reflected_and_never_below_zero() -> None:
    draws = np.linspace(0.2, 0.4, bootstrap.RESAMPLES)
    found = Resampled(0.25, draws, 10, is_biased=True).estimate()
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(0.105), pytest.approx(0.295))
    assert Resampled(0.1, draws, 10, is_biased=True).estimate().low == 0.0  # type: ignore[union-attr]


def test_resampling_keeps_the_properties_of_a_metric() -> None:
    among = np.arange(40) < 20
    biased = average(np.arange(40.0))._replace(is_biased=True)
    found = resample({"share": share(among, among), "biased": biased}, names(40, 4), 0)
    assert (found["share"].n, found["share"].groups, found["share"].is_biased) == (20, 5, False)
    assert (found["biased"].n, found["biased"].groups, found["biased"].is_biased) == (40, 0, True)


def test_an_undefined_metric_is_none() -> None:
    none = np.zeros(400, np.bool_)
    assert estimates({"": share(ALL, none)}, names(400), 0) == {"": None}
    assert estimates({"": average(np.zeros(0))}, names(0), 0) == {"": None}
    assert mean([], 0).to_json() is None


def test_a_mean_leaves_out_undefined_metrics() -> None:
    one = Resampled(0.5, np.array([0.4, np.nan]), 5)
    two = Resampled(math.nan, np.array([0.8, 0.6]), 5)
    averaged = mean([one, two], 10)
    assert averaged.value == 0.5
    assert averaged.resamples.tolist() == [pytest.approx(0.6), 0.6]


def test_a_paired_difference_is_narrower_than_its_parts() -> None:
    rng = np.random.default_rng(0)
    old = rng.random(400) < 0.7
    new = np.where(rng.random(400) < 0.05, ~old, old)
    found = resample({"old": share(old, ALL), "new": share(new, ALL)}, names(400), 0)
    paired, alone = difference(found["new"], found["old"]).estimate(), found["old"].estimate()
    assert paired is not None
    assert alone is not None
    assert paired.value == pytest.approx(new.mean() - old.mean())
    assert paired.high - paired.low < 0.6 * (alone.high - alone.low)
    same = difference(found["old"], found["old"]).estimate()
    assert same == (0.0, 0.0, 0.0, 400)


def test_resamples_are_those_of_photographs_drawn_lesion_by_lesion() -> None:
    """The weights give what computing on the drawn photographs themselves gives."""
    rng = np.random.default_rng(5)
    groups = np.array([f"g{i}" for i in rng.integers(0, 12, 40)])
    hits, among, values = rng.random(40) < 0.6, rng.random(40) < 0.7, rng.normal(size=40)
    found = resample({"share": share(hits, among), "mean": average(values)}, groups, seed=3)
    unique = np.unique(groups)
    members = [np.flatnonzero(groups == name) for name in unique]
    draws = np.random.default_rng(3).integers(0, len(unique), (bootstrap.RESAMPLES, len(unique)))
    for row, draw in enumerate(draws[:50]):
        photographs = np.concatenate([members[group] for group in draw])
        counted = photographs[among[photographs]]
        assert found["share"].resamples[row] == pytest.approx(hits[counted].mean())
        assert found["mean"].resamples[row] == pytest.approx(values[photographs].mean())


@pytest.mark.parametrize(("by_lesion", "low", "high"), [(True, 0.88, 0.99), (False, 0.3, 0.8)])
def test_intervals_cover_the_true_share_if_lesions_are_known_and_too_rarely_if_not(
    by_lesion: bool, low: float, high: float
) -> None:
    """Forty lesions of four equal photographs each; the true share is 0.7."""
    covered = 0
    for seed in range(150):
        hits = np.repeat(np.random.default_rng(seed).random(40) < 0.7, 4)
        groups = names(160, 4 if by_lesion else 1)
        found = resample({"": share(hits, np.ones(160, np.bool_))}, groups, seed)[""].estimate()
        assert found is not None
        covered += found.low <= 0.7 <= found.high
    assert low < covered / 150 < high


def test_metrics_share_their_resamples_whatever_else_is_computed() -> None:
    rng = np.random.default_rng(0)
    first, second = share(rng.random(90) < 0.5, np.ones(90, np.bool_)), average(rng.normal(size=90))
    both = resample({"first": first, "second": second}, names(90), 4)
    assert resample({"second": second}, names(90), 4)["second"].resamples.tolist() == both["second"].resamples.tolist()


def test_estimates_are_json_values_by_name() -> None:
    found = estimates({"a": share(ALL, ALL), "b": average(np.ones(400))}, names(400), 0)
    assert found["a"] == {"value": 1.0, "low": pytest.approx(0.025 ** (1 / 400)), "high": 1.0, "n": 400}
    assert found["b"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 400}
