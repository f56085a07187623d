"""A bundle for bf16 is a model of its own, which only an engine of that precision scores."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma.errors import BundleError, UsageError
from melanoma.images.pixels import Pixels
from melanoma.model import openvino_engine
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.engine import load_engine, score_all, usable_engines
from melanoma.model.engine_names import ENGINES, OPENVINO_BF16, precision_of
from melanoma.model.tensorflow_engine import load_network
from tests.helpers.bundles import copied, describe, document_of
from tests.helpers.networks import two_output_bundle, varied_photographs
from tests.helpers.precision import needs_bf16


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return two_output_bundle(tmp_path_factory.mktemp("precision") / "plain")


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory, plain: Bundle) -> Bundle:
    """The same network in bf16."""
    names = ("labels", "spec", "prior", "temperature", "thresholds")
    chosen: dict[str, Any] = {name: getattr(plain, name) for name in names}
    documents = BundleDocuments(card="# X\n", licence="None.\n")
    place = str(tmp_path_factory.mktemp("precision") / "short")
    with plain.network_file() as path:
        network = load_network(path, plain.uri)
    return write_bundle(
        place, network, ModelSettings(precision="bf16", **chosen), documents, plain.files["model.keras"]
    )


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return varied_photographs()


@needs_bf16
def test_it_is_another_model_with_the_same_network(plain: Bundle, short: Bundle) -> None:
    assert (plain.precision, short.precision) == ("f32", "bf16")
    assert "precision" not in plain.description
    assert short.model_id != plain.model_id and short.files["model.onnx"] == plain.files["model.onnx"]


@needs_bf16
def test_only_an_engine_of_its_precision_scores_it(plain: Bundle, short: Bundle) -> None:
    assert usable_engines(short) == [OPENVINO_BF16] and OPENVINO_BF16 not in usable_engines(plain)
    assert load_engine(short, 4).version.endswith("-bf16")
    for name in ENGINES:
        bundle = plain if precision_of(name) == "bf16" else short
        with pytest.raises(UsageError, match=rf"--engine {name} computes in .* is made for {bundle.precision}; choose"):
            usable_engines(bundle, name)


@needs_bf16
def test_it_rounds_as_bf16_does_and_a_photograph_has_the_same_bits_anywhere(
    plain: Bundle, short: Bundle, pixels: Pixels
) -> None:
    exact = score_all(load_engine(plain, 4), pixels).probabilities
    whole = score_all(load_engine(short, 32), pixels)
    difference = np.abs(whole.probabilities - exact).max()
    assert 1e-5 < difference < 0.02  # the first is far above what engines of f32 differ by
    for batch_size in (1, 3):
        other = score_all(load_engine(short, batch_size), pixels)
        np.testing.assert_array_equal(other.probabilities, whole.probabilities)
        np.testing.assert_array_equal(other.ood, whole.ood)


@needs_bf16
def test_its_golden_samples_are_those_of_its_precision(short: Bundle) -> None:
    moved = [replace(one, probabilities=dict.fromkeys(one.probabilities, 1 / 3)) for one in short.golden]
    with pytest.raises(BundleError, match="do not belong together"):
        load_engine(replace(short, golden=tuple(moved)), 4)


def test_a_processor_without_it_is_named(plain: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        """The processor of another machine, as OpenVINO describes it."""

        def get_property(self, device: str, name: str) -> list[str]:
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvino_engine, "_core", Old)
    with pytest.raises(BundleError, match="the processor of this machine does not compute in bf16"):
        load_engine(replace(plain, precision="bf16"), 4)


def test_an_unknown_precision_is_refused(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    with pytest.raises(BundleError, match="precision 'int4', this version computes in f32 and bf16"):
        load_bundle(describe(folder, document_of(folder) | {"precision": "int4"}))
