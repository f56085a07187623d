"""Metrics between epochs: every class counts equally, and probabilities are converted to equal class shares."""

from pathlib import Path

import keras
import numpy as np
import pytest

from melanoma.images.decoding import ImageSpec
from melanoma.training.fitting.monitoring import Monitor, history_csv, validate
from tests.helpers import coloured


def identity(classes: int) -> keras.Model:
    """A network whose probabilities are its pixels."""
    inputs = keras.Input((1, 1, classes))
    return keras.Model(inputs, keras.layers.Flatten()(inputs))


def as_pixels(probabilities: list[list[float]]) -> np.ndarray:
    return np.array(probabilities, np.float32).reshape(len(probabilities), 1, 1, -1)


def test_every_class_counts_equally() -> None:
    pixels = as_pixels([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.6, 0.4]])
    metrics = validate(identity(2), pixels, np.array([0, 0, 0, 1]), np.array([0.5, 0.5]))
    assert metrics["val_accuracy"] == pytest.approx(0.5)
    assert metrics["val_loss"] == pytest.approx((-np.log(0.8) - np.log(0.4)) / 2, rel=1e-5)


def test_the_prior_is_divided_out() -> None:
    pixels, truth = as_pixels([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1])
    metrics = validate(identity(2), pixels, truth, np.array([0.75, 0.25]))
    converted = [0.8 / 0.75 / (0.8 / 0.75 + 0.2 / 0.25), 0.4 / 0.25 / (0.6 / 0.75 + 0.4 / 0.25)]
    assert metrics == {"val_loss": pytest.approx(-np.log(converted).mean(), rel=1e-5), "val_accuracy": 1.0}


def test_classes_without_a_photograph_are_left_out() -> None:
    pixels = as_pixels([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1]])
    metrics = validate(identity(3), pixels, np.array([0, 1]), np.array([0.495, 0.495, 0.01]))
    assert metrics["val_accuracy"] == 1.0
    assert metrics["val_loss"] == pytest.approx(-np.log(2 / 3), rel=1e-5)


def test_a_last_batch_may_be_incomplete() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([1, 1], 100)
    truth = rng.integers(0, 2, 100)
    metrics = validate(identity(2), as_pixels(probabilities.tolist()), truth, np.array([0.5, 0.5]))
    recall = [(probabilities.argmax(axis=1) == truth)[truth == label].mean() for label in (0, 1)]
    assert metrics["val_accuracy"] == pytest.approx(np.mean(recall))


def test_a_certain_but_wrong_network_has_a_finite_loss() -> None:
    metrics = validate(identity(2), as_pixels([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]), np.array([0.5, 0.5]))
    assert metrics["val_loss"] == pytest.approx(-np.log(1e-7) / 2, rel=1e-3)


class FirstChannel(keras.layers.Layer):
    """Predicts the first class for photographs with much red, and records how many it was given."""

    def call(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        red = keras.ops.mean(pixels[..., 0], axis=(1, 2)) / 255
        return keras.ops.stack([1 - red, red], axis=1)


def test_a_monitor_measures_photographs_of_every_class(tmp_path: Path) -> None:
    part = coloured.dataset(tmp_path, {"melanoma": 10, "nevus": 30}).part("validation")
    pixels = keras.Input((*coloured.SIZE, 3))
    metrics = Monitor(part, ImageSpec(*coloured.SIZE)).measure(
        keras.Model(pixels, FirstChannel()(pixels)), np.array([0.5, 0.5])
    )
    assert metrics["val_accuracy"] == 1.0  # melanoma is dark, nevus has much red
    dark, light = (np.clip(np.random.default_rng(0).normal(red, 25, 100_000), 0, 255).mean() / 255 for red in (90, 200))
    assert metrics["val_loss"] == pytest.approx(-np.log([1 - dark, light]).mean(), abs=0.01)


def test_the_history_is_a_row_per_epoch() -> None:
    history = [{"size": 32, "loss": 1.5}, {"size": 48, "loss": 0.25}]
    assert history_csv(history) == b"epoch,size,loss\n1,32,1.5\n2,48,0.25\n"
    assert history_csv([]) == b"epoch\n"


def test_the_history_of_a_training_that_an_earlier_version_began_has_the_columns_of_that_version() -> None:
    history = [{"size": 32, "loss": 1.5}, {"size": 48, "loss": 0.25, "learning_rate": 0.125}]
    assert history_csv(history) == b"epoch,size,loss\n1,32,1.5\n2,48,0.25\n"
