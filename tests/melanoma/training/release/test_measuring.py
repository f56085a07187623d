"""What a bundle states is measured anew, with the engine that scores it."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma.datasets.photographs import load_pixels
from melanoma.datasets.splits import Dataset, Part
from melanoma.model.bundle import Bundle
from melanoma.model.engine import load_engine, score_all
from melanoma.model.view_averaging import with_views
from melanoma.training.release.candidate import ReleaseCandidate
from melanoma.training.release.external_photographs import ExternalSet
from melanoma.training.release.measuring import Measured, Measurer, Photographs
from melanoma.training.release.shipping import CardText, write_release
from melanoma.training.release.training_job import TrainingJob


@pytest.fixture(scope="module")
def bundle(job: TrainingJob, candidate: ReleaseCandidate, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    text = CardText("coloured", "Colours.", "CC0", "melanoma train", [])
    return write_release(str(tmp_path_factory.mktemp("measured") / "bundle"), job, text, candidate)


@pytest.fixture(scope="module")
def photographs(dataset: Dataset) -> Photographs:
    test = dataset.part("test")
    return Photographs(dataset.part("validation"), test, [ExternalSet("elsewhere", test, {})])


@pytest.fixture(scope="module")
def measured(bundle: Bundle, photographs: Photographs) -> Measured:
    return Measurer(bundle, photographs).measure(with_views(load_engine(bundle, 8), 2))


def test_the_figures_are_those_of_the_views_under_the_temperature(
    bundle: Bundle, photographs: Photographs, measured: Measured
) -> None:
    pixels = load_pixels(photographs.test.photographs, bundle.spec)
    engine = load_engine(bundle, 8)
    views = [score_all(engine, np.ascontiguousarray(view)).probabilities for view in (pixels, pixels[:, :, ::-1])]
    p = np.sqrt(views[0].astype(float) * views[1]) ** (bundle.temperature / measured.temperature)
    p /= p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(measured.test_output.probabilities, p, atol=1e-5)
    melanoma = bundle.slugs.index("melanoma")
    flagged = p[:, melanoma] >= measured.thresholds["melanoma"] - 1e-7
    of = photographs.test.truth == melanoma
    assert measured.report["flag_melanoma"]["sensitivity"]["value"] == pytest.approx(flagged[of].mean())
    assert measured.report["n"] == len(of) and measured.external[0]["n"] == len(of)
    assert measured.external[0]["source"] == "elsewhere"


def test_thresholds_and_reference_are_those_of_the_validation_part(
    photographs: Photographs, measured: Measured
) -> None:
    truth, p = photographs.validation.truth, measured.validation_output.probabilities
    assert (p[truth == 0, 0] >= measured.thresholds["melanoma"]).mean() >= 0.95
    assert measured.reference["n"] == len(truth)
    assert measured.choices["calibration"]["temperature"] == measured.temperature
    assert measured.validation is not None and measured.validation["value"] == 1.0


def test_the_temperature_may_stay(bundle: Bundle, photographs: Photographs) -> None:
    found = Measurer(bundle, photographs, keep_temperature=True).measure(load_engine(bundle, 8))
    assert found.temperature == bundle.temperature
    before, after = (found.choices["calibration"][name] for name in ("before", "after"))
    assert before == after


def test_the_worst_source_of_the_validation_part_decides(bundle: Bundle, photographs: Photographs) -> None:
    """At the second source every melanoma is filed as a nevus and the other way round, so no flag is sure there."""
    part = photographs.validation
    swapped = np.array([1, 0, 2])[part.truth]
    both = Part(
        [replace(one, source=source) for source in ("a", "b") for one in part.photographs],
        np.concatenate([part.truth, swapped]),
        [f"{source}{group}" for source in ("a", "b") for group in part.groups],
    )
    engine = load_engine(bundle, 8)
    one, two = (
        Measurer(bundle, replace(photographs, validation=each), keep_temperature=True).measure(engine)
        for each in (part, both)
    )
    sources = two.choices["sources"]
    assert set(sources) == {"a", "b"}
    assert min(figures["sensitivity"]["value"] for figures in sources.values()) >= 0.95
    assert two.thresholds["melanoma"] < one.thresholds["melanoma"]
