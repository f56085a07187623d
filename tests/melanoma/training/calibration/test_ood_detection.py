"""Strange pictures are the same for the same seed, strange, and counted."""

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from melanoma.errors import UsageError
from melanoma.model.engine import Engine
from melanoma.samples.phantoms import draw
from melanoma.training.calibration import ood_detection, ood_images
from melanoma.training.calibration.ood_score import OOD_THRESHOLD, add_ood_output

SIZE = (24, 32)


def phantoms(count: int, first: int) -> npt.NDArray[np.uint8]:
    return np.stack([draw(seed, *SIZE) for seed in range(first, first + count)])


@pytest.mark.parametrize("kind", list(ood_images.KINDS))
def test_pictures_of_a_kind_differ_from_each_other_and_come_again(kind: str) -> None:
    found = ood_images.generate(kind, 12, SIZE, seed=3)
    assert found.shape == (12, *SIZE, 3) and found.dtype == np.uint8
    np.testing.assert_array_equal(found, ood_images.generate(kind, 12, SIZE, seed=3))
    assert len({picture.tobytes() for picture in found}) > 8
    assert (ood_images.generate(kind, 12, SIZE, seed=4) != found).any()
    assert ood_images.generate(kind, 2, (200, 160), seed=0).shape == (2, 200, 160, 3)


def test_kinds_differ_from_each_other() -> None:
    first = {ood_images.generate(kind, 1, SIZE, seed=0).tobytes() for kind in ood_images.KINDS}
    assert len(first) == len(ood_images.KINDS) == 8


def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    pixels = keras.Input((*SIZE, 3))
    maps = layers.Conv2D(12, 5, strides=2, name="maps")(layers.Rescaling(1 / 127.5, offset=-1.0)(pixels))
    features = layers.GlobalAveragePooling2D()(layers.ReLU()(maps))
    return keras.Model(pixels, layers.Dense(3, activation="softmax", name="probabilities")(features))


def test_what_is_noticed_is_counted_with_its_interval() -> None:
    extended = add_ood_output(network(), ["maps"], phantoms(200, 0), phantoms(100, 1000), batch_size=32)
    found = ood_detection.measure_detection(Engine(extended, SIZE, 16), OOD_THRESHOLD, 0, phantoms(50, 2000), count=20)
    assert set(found["strangers"]) == set(ood_images.KINDS) and set(found["spoilt"]) == set(ood_detection.CORRUPTIONS)
    assert found["strangers"]["noise"]["value"] == found["strangers"]["pattern"]["value"] == 1.0
    assert found["strangers"]["noise"]["n"] == 20 and found["spoilt"]["negative"]["n"] == 50
    assert found["spoilt"]["negative"]["value"] > 0.9 > 0.2 > found["false_alarms"]["value"]
    written = ood_detection.to_markdown(found)
    strange = ood_detection.measure_detection(Engine(extended, SIZE, 16), OOD_THRESHOLD, 0, count=20)
    assert strange == {key: found[key] for key in ("threshold", "strangers")}
    assert "| noise |" in ood_detection.to_markdown(strange) and "false alarms" not in ood_detection.to_markdown(
        strange
    )
    assert "| noise | 1.000 | 0.839 to 1.000 | 20 |" in written and ood_detection.LIMITS in written


def test_a_network_that_does_not_say_cannot_be_measured() -> None:
    with pytest.raises(UsageError, match="has no ood_score"):
        ood_detection.measure_detection(Engine(network(), SIZE, 16), OOD_THRESHOLD, count=1)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 2, 0.0945, 0.9055), (81, 263, 0.2553, 0.3662)],
)
def test_wilsons_interval_is_that_of_the_books(hits: int, n: int, low: float, high: float) -> None:
    found = ood_detection.wilson(hits, n)
    assert (found.value, found.n) == (hits / n, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
