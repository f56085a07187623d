"""A network is compared with answers that Keras computed by itself, and what was set wrongly is named."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from melanoma.errors import DataError
from melanoma.images.decoding import ImageSpec, decode
from melanoma.model.answer_check import AnswerCheck, check_answers, check_bundle, check_lines
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.description import uniform_prior
from melanoma.model.engine import load_engine, score_all
from melanoma.model.expected_answers import Answer, ExpectedAnswers
from melanoma.model.preprocessing import Scaling
from tests.helpers import photograph
from tests.helpers.precision import needs_bf16

LABELS = ("melanoma", "nevus", "bcc")
SIZE = 24
UNIT = Scaling(1 / 255)
Prepare = Callable[[np.ndarray], np.ndarray]


def colourful_network(outputs: int = 3) -> keras.Model:
    """A network whose answers depend strongly on scale, channels and details; made for pixels from 0 to 1."""
    keras.utils.set_random_seed(3)
    pixels = keras.Input((SIZE, SIZE, 3))
    features = layers.Conv2D(8, 3, activation="relu", kernel_initializer="he_normal")(pixels)
    features = layers.Flatten()(layers.MaxPooling2D(2)(features))
    activation = "sigmoid" if outputs == 1 else "softmax"
    weights = keras.initializers.RandomNormal(stddev=0.15, seed=5)
    return keras.Model(pixels, layers.Dense(outputs, activation=activation, kernel_initializer=weights)(features))


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return colourful_network()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sharp photographs as PNG, so that every framework decodes them alike."""
    folder = tmp_path_factory.mktemp("images")
    paths = []
    for seed in range(6):
        image = Image.open(io.BytesIO(photograph(seed, "png", 90, 120)))
        noise = np.random.default_rng(seed).integers(-60, 60, (90, 120, 3))
        noisy = np.clip(np.asarray(image, np.int64) + noise, 0, 255).astype(np.uint8)
        paths.append(folder / f"{seed}.png")
        Image.fromarray(noisy).save(paths[-1])
    return paths


def as_ours(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def by_nearest_pixel(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.NEAREST))


def the_centred_square(pixels: np.ndarray) -> np.ndarray:
    return as_ours(pixels[:, 15:105])


def expected(
    network: keras.Model, files: Sequence[Path], prepare: Prepare = as_ours, unit: bool = True, flip: bool = False
) -> ExpectedAnswers:
    """What the network's authors would have written down, computed by Pillow and Keras alone."""
    pixels = np.stack([prepare(np.asarray(Image.open(path).convert("RGB"))) for path in files]).astype(np.float32)
    scaled = (pixels[..., ::-1] if flip else pixels) / (255 if unit else 1)
    answers = network(scaled, training=False).numpy().astype(np.float64)
    both = np.concatenate([1 - answers, answers], axis=1) if answers.shape[1] == 1 else answers
    return ExpectedAnswers([Answer(path.name, f"file://{path}") for path in files], both, 0)


def settings(labels: Sequence[str] = LABELS, scaling: Scaling = UNIT, crop: float | None = None) -> ModelSettings:
    return ModelSettings(labels=labels, spec=ImageSpec(SIZE, SIZE, crop), prior=uniform_prior(labels), scaling=scaling)


def text(check: AnswerCheck) -> str:
    return "\n".join(check_lines(check))


def test_right_settings_agree(network: keras.Model, files: list[Path]) -> None:
    stated = expected(network, files)
    assert np.ptp(stated.probabilities, axis=0).max() > 0.2, "answers that are all alike would prove nothing"
    check = check_answers(network, settings(), stated, 0.001)
    assert not check.failed and check.diagnosis is None
    assert "6 of 6 photographs agree within 0.001" in text(check)


def test_the_largest_difference_comes_first_with_its_class(network: keras.Model, files: list[Path]) -> None:
    stated = expected(network, files)
    stated.probabilities[4] = [0.0, 1.0, 0.0]
    check = check_answers(network, settings(), stated, 0.01)
    worst = check.differences[0]
    assert worst.name == "4.png" and check.failed == 1
    assert worst.size == pytest.approx(np.abs(expected(network, files).probabilities[4] - [0, 1, 0]).max(), abs=1e-4)
    assert "1 of 6 photographs differ from the expected answers by more than 0.01" in check.refusal()
    assert "none of the usual causes explains it" in text(check)


@pytest.mark.parametrize(
    ("given", "stated", "cause"),
    [
        (settings(("nevus", "bcc", "melanoma")), {}, "--labels"),
        (settings(scaling=Scaling()), {}, "would match with pixels from 0 to 1: --scale 0.00392156862745098 (largest"),
        (settings(scaling=UNIT), {"unit": False}, "would match with pixels 0 to 255, without --scale"),
        (settings(), {"flip": True}, "would match with channels in the order blue, green, red (BGR"),
        (settings(), {"prepare": by_nearest_pixel}, "a resize to the nearest pixel, as keras.utils.load_img does"),
        (settings(crop=1.0), {}, "would match with the whole photograph: without --crop"),
        (settings(), {"prepare": the_centred_square}, "would match with --crop 1 (largest"),
        (
            settings(scaling=Scaling()),
            {"flip": True},
            "--scale 0.00392156862745098; and with channels in the order blue",
        ),
    ],
    ids=["labels", "scale", "no scale", "bgr", "nearest", "no crop", "crop", "two causes"],
)
def test_what_was_set_wrongly_is_named(
    network: keras.Model, files: list[Path], given: ModelSettings, stated: dict[str, object], cause: str
) -> None:
    answers = expected(network, files, **stated)  # type: ignore[arg-type]
    if given.labels != LABELS:  # the answers are in the order of the labels as given
        order = [LABELS.index(label) for label in given.labels]
        answers = ExpectedAnswers(answers.answers, answers.probabilities[:, order], 0)
        cause = "would match with labels in another order: --labels melanoma nevus bcc (largest"
    check = check_answers(network, given, answers, 0.005)
    assert check.failed and cause in text(check)


def test_the_classes_of_a_sigmoid_in_the_wrong_order_are_named(files: list[Path]) -> None:
    network = colourful_network(1)
    answers = expected(network, files)
    assert not check_answers(network, settings(("nevus", "melanoma")), answers, 0.005).failed
    turned = ExpectedAnswers(answers.answers, answers.probabilities[:, ::-1], 0)
    check = check_answers(network, settings(("melanoma", "nevus")), turned, 0.005)
    assert "labels in another order: --labels nevus melanoma" in text(check)


def test_a_photograph_that_cannot_be_decoded_is_named(network: keras.Model, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photograph(1)[:300])
    answers = ExpectedAnswers([Answer("a.jpg", f"file://{tmp_path}/a.jpg")], np.array([[1.0, 0.0, 0.0]]), 0)
    with pytest.raises(DataError, match=r"^a\.jpg: .*; leave this photograph out"):
        check_answers(network, settings(), answers, 0.01)


@pytest.mark.parametrize(
    ("views", "precision"),
    [(4, "f32"), pytest.param(1, "bf16", marks=needs_bf16), pytest.param(4, "bf16", marks=needs_bf16)],
)
def test_a_bundle_is_compared_with_its_views_and_in_its_precision(
    network: keras.Model, files: list[Path], tmp_path: Path, views: int, precision: str
) -> None:
    chosen = replace(settings(), views=views, precision=precision)
    bundle = write_bundle(str(tmp_path / "b"), network, chosen, BundleDocuments(card="# X\n", licence="None.\n"))
    plain = expected(network, files)  # of one view, in f32
    pixels = np.stack([decode(path.read_bytes(), bundle.spec) for path in files])
    own = score_all(load_engine(bundle, 4), pixels).probabilities.astype(np.float64)
    assert not check_bundle(bundle, replace(plain, probabilities=own), 1e-5).failed
    assert check_bundle(bundle, plain, 1e-4).failed
