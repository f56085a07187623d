"""Detection rates: counted with a network whose score is known, so that NumPy can count them too."""

import keras
import numpy as np
import pytest
from keras import layers

from melanoma.errors import UsageError
from melanoma.images.pixels import Pixels
from melanoma.model.tensorflow_engine import TensorFlowEngine
from melanoma.samples.phantoms import draw
from melanoma.training.calibration import ood_detection, ood_images

SIZE = (24, 32)
COUNT = 20
SEED = 3


def brightness(pixels: Pixels) -> np.ndarray:
    """Mean of an image, 0 to 1."""
    means: np.ndarray = pixels.astype(np.float64).mean(axis=(1, 2, 3)) / 255
    return means


@pytest.fixture(scope="module")
def engine() -> TensorFlowEngine:
    """Its `ood_score` is the brightness."""
    pixels = keras.Input((*SIZE, 3))
    average = layers.GlobalAveragePooling2D()(pixels)
    probabilities = layers.Dense(3, activation="softmax", name="probabilities")(average)
    score = layers.Dense(1, use_bias=False, name="ood_score")
    network = keras.Model(pixels, [probabilities, score(average)])
    score.set_weights([np.full((3, 1), 1 / 3 / 255, np.float32)])
    return TensorFlowEngine(network, SIZE, 64)


@pytest.fixture(scope="module")
def photographs() -> Pixels:
    return np.stack([draw(seed, *SIZE) for seed in range(30)])


@pytest.fixture(scope="module")
def rates(engine: TensorFlowEngine, photographs: Pixels) -> dict[str, dict[str, dict[str, float]]]:
    return ood_detection.measure_detection(engine, SIZE, 0.5, SEED, photographs, COUNT)


def test_every_kind_is_generated_scored_and_counted(rates: dict[str, dict[str, dict[str, float]]]) -> None:
    assert rates["threshold"] == 0.5
    assert list(rates["strangers"]) == list(ood_images.KINDS)
    for kind, figure in rates["strangers"].items():
        images = ood_images.generate(kind, COUNT, SIZE, SEED)
        assert (figure["value"], figure["n"]) == ((brightness(images) > 0.5).mean(), COUNT), kind
    assert 0 < rates["strangers"]["blank"]["value"] < 1


def test_corrupted_photographs_are_counted_and_so_are_those_without_corruption(
    rates: dict[str, dict[str, dict[str, float]]], photographs: Pixels
) -> None:
    bright = (brightness(photographs) > 0.5).mean()
    assert rates["false_alarms"]["value"] == bright and rates["false_alarms"]["n"] == 30
    assert list(rates["spoilt"]) == list(ood_detection.CORRUPTIONS)
    assert rates["spoilt"]["negative"]["value"] == (brightness(255 - photographs) > 0.5).mean() != bright
    assert rates["spoilt"]["much too dark"]["value"] == 0
    assert rates["spoilt"]["red and blue swapped"]["value"] == bright


def test_without_photographs_the_figures_that_need_them_are_left_out(
    engine: TensorFlowEngine, rates: dict[str, dict[str, dict[str, float]]]
) -> None:
    alone = ood_detection.measure_detection(engine, SIZE, 0.5, SEED, count=COUNT)
    assert alone == {key: rates[key] for key in ("threshold", "strangers")}
    assert "false alarms" not in ood_detection.to_markdown(alone)


def test_the_table_has_a_row_for_each_figure_and_states_its_limits() -> None:
    figure = {"value": 0.25, "low": 0.1, "high": 0.5, "n": 20}
    written = ood_detection.to_markdown(
        {"threshold": 0.5, "strangers": {"noise": figure}, "spoilt": {"grey": figure}, "false_alarms": figure}
    )
    assert written.splitlines()[:5] == [
        "| images | detected | 95 % interval | n |",
        "|---|---:|---:|---:|",
        "| noise | 0.250 | 0.100 to 0.500 | 20 |",
        "| grey | 0.250 | 0.100 to 0.500 | 20 |",
        "| test photographs: false alarms | 0.250 | 0.100 to 0.500 | 20 |",
    ]
    assert written.endswith(f"\n\n{ood_detection.LIMITS}")


def test_a_network_without_a_score_cannot_be_measured() -> None:
    network = keras.Sequential([keras.Input((*SIZE, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    with pytest.raises(UsageError, match="has no ood_score"):
        ood_detection.measure_detection(TensorFlowEngine(network, SIZE, 16), SIZE, 0.5, count=1)


@pytest.mark.parametrize(
    ("name", "colour", "expected"),
    [
        ("red and blue swapped", (10, 20, 30), (30, 20, 10)),
        ("negative", (0, 100, 255), (255, 155, 0)),
        ("much too dark", (100, 200, 255), (15, 30, 38)),
        ("grey", (10, 20, 60), (30, 30, 30)),
        ("much blurred", (1, 2, 3), (1, 2, 3)),
    ],
)
def test_a_corruption_does_what_its_name_says(
    name: str, colour: tuple[int, int, int], expected: tuple[int, int, int]
) -> None:
    plain = np.broadcast_to(np.uint8(colour), (2, 20, 30, 3))
    corrupted = ood_detection.CORRUPTIONS[name](plain)
    assert corrupted.shape == plain.shape and corrupted.dtype == np.uint8
    assert np.unique(corrupted.reshape(-1, 3), axis=0).tolist() == [list(expected)]


def test_blur_takes_detail_away_and_leaves_the_mean() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), np.uint8)
    blurred = ood_detection.CORRUPTIONS["much blurred"](noise)
    assert blurred.std() < noise.std() / 4
    assert blurred.mean() == pytest.approx(noise.mean(), abs=3)
    assert not np.array_equal(blurred[0], blurred[1])


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 2, 0.0945, 0.9055), (81, 263, 0.2553, 0.3662)],
)
def test_wilsons_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    """The last case is that of Newcombe, Statistics in Medicine 17, 1998."""
    estimate = ood_detection.wilson(hits, n)
    assert (estimate.value, estimate.n) == (hits / n, n)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-4)
