"""Which engine scores a bundle, and that all of them compute the same, whatever a photograph's neighbours."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from melanoma import model
from melanoma.errors import BundleError, UsageError
from melanoma.images.pixels import Pixels
from melanoma.model import engine
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.engine import load_engine, score_all, usable_engines
from melanoma.model.engine_names import AUTO, ONNX_RUNTIME, OPENVINO, TENSORFLOW
from tests.helpers.bundles import copied, describe, document_of, without_portable
from tests.helpers.networks import engine_refusal, two_output_bundle, varied_photographs

PORTABLE = (ONNX_RUNTIME, OPENVINO)
IN_F32 = (*PORTABLE, TENSORFLOW)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle with scaling, temperature and a second output."""
    return two_output_bundle(tmp_path_factory.mktemp("engines") / "two")


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return varied_photographs()


@pytest.mark.parametrize("name", PORTABLE)
def test_every_engine_computes_what_tensorflow_computes(bundle: Bundle, pixels: Pixels, name: str) -> None:
    expected = score_all(load_engine(bundle, 4, TENSORFLOW), pixels)
    found = score_all(load_engine(bundle, 4, name), pixels)
    assert expected.ood is not None and found.ood is not None
    np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.ood, expected.ood, rtol=0, atol=1e-5)
    assert np.ptp(expected.probabilities, axis=0).max() > 1e-3  # or agreement would mean nothing


@pytest.mark.parametrize("name", PORTABLE)
def test_a_portable_engine_gives_a_photograph_the_same_bits_anywhere(bundle: Bundle, pixels: Pixels, name: str) -> None:
    whole = load_engine(bundle, len(pixels), name).score(pixels)
    for batch_size in (1, 3, 32):
        other = score_all(load_engine(bundle, batch_size, name), pixels)
        np.testing.assert_array_equal(other.probabilities, whole.probabilities)
        np.testing.assert_array_equal(other.ood, whole.ood)
    turned = load_engine(bundle, len(pixels), name).score(pixels[::-1])
    np.testing.assert_array_equal(turned.probabilities[::-1], whole.probabilities)


@pytest.mark.parametrize("name", PORTABLE)
def test_the_number_of_threads_changes_no_bit(
    bundle: Bundle, pixels: Pixels, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", threads)
        found.append(load_engine(bundle, len(pixels), name).score(pixels).probabilities)
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("name", IN_F32)
def test_an_engine_says_its_name_its_version_and_its_precision(bundle: Bundle, name: str) -> None:
    version = load_engine(bundle, 2, name).version
    assert version.startswith(f"{name}-") and version.split("-")[1][0].isdigit()
    assert name == TENSORFLOW or version.endswith("-f32")


def test_auto_takes_the_first_engine_that_has_a_file(bundle: Bundle, bundle_uri: str, tmp_path: Path) -> None:
    assert usable_engines(bundle, AUTO) == list(IN_F32)
    assert load_engine(bundle, 2).version.startswith(ONNX_RUNTIME)
    old = load_bundle(without_portable(bundle_uri, tmp_path))
    assert usable_engines(old, AUTO) == [TENSORFLOW]
    assert load_engine(old, 2).version.startswith(TENSORFLOW)


def test_an_engine_that_cannot_be_imported_is_named_and_auto_goes_on_without_it(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine, "_is_installed", lambda name: True)
    monkeypatch.setitem(sys.modules, ONNX_RUNTIME, None)  # its import fails
    monkeypatch.delitem(sys.modules, "melanoma.model.onnxruntime_engine", raising=False)
    monkeypatch.delattr(model, "onnxruntime_engine", raising=False)
    with pytest.raises(BundleError, match="the engine onnxruntime is installed, but cannot be imported"):
        load_engine(bundle, 2, ONNX_RUNTIME)
    assert load_engine(bundle, 2).version.startswith(OPENVINO)
    assert "another engine is tried" in caplog.text


def test_auto_passes_over_an_engine_that_is_not_installed(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, ONNX_RUNTIME, None)  # as if it were not installed, for find_spec too
    monkeypatch.setattr(engine, "_is_installed", lambda name: name != ONNX_RUNTIME)
    assert usable_engines(bundle, AUTO) == [OPENVINO, TENSORFLOW]
    with pytest.raises(UsageError, match="--engine onnxruntime is not installed; install melanoma again"):
        usable_engines(bundle, ONNX_RUNTIME)
    monkeypatch.setattr(engine, "_is_installed", lambda name: False)
    with pytest.raises(UsageError, match=r"--engine openvino is not installed; run: .*melanoma\[openvino\]"):
        usable_engines(bundle, OPENVINO)
    with pytest.raises(BundleError, match="none of the engines that could run it is installed"):
        usable_engines(bundle, AUTO)


@pytest.mark.parametrize("name", PORTABLE)
def test_an_engine_without_a_file_is_refused_with_what_to_do(bundle_uri: str, tmp_path: Path, name: str) -> None:
    old = load_bundle(without_portable(bundle_uri, tmp_path))
    wanted = f"no model.onnx, which --engine {name} needs; make it with melanoma bundle convert"
    assert wanted in engine_refusal(old, name)


def test_a_portable_network_that_scores_otherwise_is_refused_and_auto_goes_on_without_it(
    bundle_uri: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = copied(bundle_uri, tmp_path)
    model = onnx.load_model_from_string((folder / "model.onnx").read_bytes())
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.ndim == 2:  # of the last layer
            weight.CopyFrom(onnx.numpy_helper.from_array(values[:, ::-1].copy(), weight.name))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    bundle = load_bundle(describe(folder, document_of(folder)))
    for name in PORTABLE:
        assert "do not belong together" in engine_refusal(bundle, name)
    assert load_engine(bundle, 2).version.startswith(TENSORFLOW)
    assert "another engine is tried" in caplog.text
    broken = replace(bundle, files={name: data for name, data in bundle.files.items() if name != "model.keras"})
    assert "do not belong together" in engine_refusal(broken)
