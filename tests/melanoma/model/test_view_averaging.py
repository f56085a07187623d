"""Views of a photograph are turned and mirrored, and their logits averaged."""

from pathlib import Path

import numpy as np
import pytest

from melanoma.errors import BundleError
from melanoma.images.pixels import Pixels
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.decision import ModelOutput
from melanoma.model.engine import load_engine, score_all
from melanoma.model.engine_names import ENGINES, F32, precision_of
from melanoma.model.view_averaging import averaged, with_views
from melanoma.model.view_counts import view_fault
from tests.helpers.bundles import copied, describe, document_of
from tests.helpers.networks import photographs, with_more, write_bundle_of


class Recorder:
    """Answers with the corners of each photograph, and keeps what it was given."""

    version, batch_size = "recorder", 4

    def __init__(self) -> None:
        self.seen: list[Pixels] = []

    def score(self, pixels: Pixels) -> ModelOutput:
        self.seen.append(pixels.copy())
        corners = pixels[:, [0, 0], [0, -1], 0].astype(np.float32) + 1
        return ModelOutput(corners / corners.sum(axis=1, keepdims=True), corners[:, 0] / 256)


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_every_view_is_another_turn_or_mirror_image(count: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 5, 5, 3), np.uint8)
    recorder = Recorder()
    with_views(recorder, count).score(picture)
    turned = [np.rot90(picture[0], turns) for turns in range(4)]
    allowed = {view.tobytes() for one in turned for view in (one, one[:, ::-1])}
    seen = {view[0].tobytes() for view in recorder.seen}
    assert len(seen) == len(recorder.seen) == count
    assert seen <= allowed and recorder.seen[0].tobytes() == picture.tobytes()


@pytest.mark.parametrize(("views", "size", "fault"), [(8, (4, 6), "8 views of 4x6"), (3, (4, 4), "3 views, expected")])
def test_a_number_of_views_that_cannot_be_is_named(views: int, size: tuple[int, int], fault: str) -> None:
    assert fault in view_fault(views, *size)
    assert not view_fault(4, 4, 6) and not view_fault(8, 4, 4)


def test_the_average_is_the_softmax_of_the_mean_logits() -> None:
    logits = np.array([[[1.0, 2.0, 0.5]], [[0.0, -1.0, 3.0]]])
    outputs = [ModelOutput((np.exp(one) / np.exp(one).sum()).astype(np.float32), np.float32([0.2])) for one in logits]
    mean = np.exp(logits.mean(axis=0))
    found = averaged(outputs)
    np.testing.assert_allclose(found.probabilities, mean / mean.sum(), atol=1e-6)
    assert found.ood is not None and found.ood.tolist() == pytest.approx([0.2])
    assert np.isnan(averaged([ModelOutput(np.full((1, 3), np.nan, np.float32))]).probabilities).all()


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Bundle]:
    """The same network as bundles with one view and with eight."""
    network, place = with_more(("ood_score", 1)), tmp_path_factory.mktemp("views")
    one = write_bundle_of(place / "1", network)
    settings = ModelSettings(labels=one.labels, spec=one.spec, prior=one.prior, views=8)
    documents = BundleDocuments(card="# X\n", licence="None.\n")
    return {1: one, 8: write_bundle(str(place / "8"), network, settings, documents, one.files["model.keras"])}


@pytest.mark.parametrize("name", [name for name in ENGINES if precision_of(name) == F32])
def test_every_engine_scores_the_average_that_the_golden_samples_prove(bundles: dict[int, Bundle], name: str) -> None:
    pixels = photographs(5)
    each = [np.rot90(one, turns, axes=(1, 2)) for one in (pixels, pixels[:, :, ::-1]) for turns in range(4)]
    plain = load_engine(bundles[1], 5, name)
    logits = np.mean([np.log(score_all(plain, np.ascontiguousarray(view)).probabilities) for view in each], axis=0)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = score_all(load_engine(bundles[8], 2, name), pixels).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found - score_all(plain, pixels).probabilities).max() > 1e-4  # or the views change nothing


def test_views_are_part_of_the_model_id_and_one_view_is_not_stated(bundles: dict[int, Bundle]) -> None:
    one, eight = bundles[1], bundles[8]
    assert "views" not in one.description and eight.description["views"] == eight.views == 8
    assert one.model_id != eight.model_id and one.files["model.onnx"] == eight.files["model.onnx"]


def test_a_bundle_that_states_other_views_than_it_was_written_with_does_not_score(
    bundles: dict[int, Bundle], tmp_path: Path
) -> None:
    folder = copied(bundles[8].uri, tmp_path / "copy")
    describe(folder, {**document_of(folder), "views": 1})
    assert load_bundle(str(folder)).model_id == bundles[1].model_id
    with pytest.raises(BundleError, match="do not belong together"):
        load_engine(load_bundle(str(folder)), 4)
    describe(folder, {**document_of(folder), "views": True})
    with pytest.raises(BundleError, match="views"):
        load_bundle(str(folder))
