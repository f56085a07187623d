"""The networks of a training: built from a seed, compiled for the head or for all layers, and restored exactly."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from melanoma.errors import UsageError
from melanoma.training.data.epochs import EpochConfig
from melanoma.training.fitting.checkpoints import Checkpoint
from melanoma.training.fitting.distillation import DistillationConfig
from melanoma.training.fitting.training_state import TrainingState, build_state
from tests.helpers import coloured
from tests.helpers.trainings import CNN, SCHEDULE, config, listed

DATASET = listed({"melanoma": 10, "nevus": 10, "vascular_lesion": 10})
HEAD_FIRST = replace(SCHEDULE, head_epochs=1)
PIXELS = np.random.default_rng(0).integers(0, 256, (4, *coloured.SIZE, 3)).astype(np.float32)
TARGETS = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]


def trained_state(folder: Path, steps: int) -> TrainingState:
    """Returns a compiled state after a number of steps on four photographs."""
    training = config(DATASET, folder)
    state = build_state(training, with_distillation=True)
    state.compile(training, 0, steps=10)
    state.fitted.fit(PIXELS, TARGETS, batch_size=4, epochs=steps, callbacks=[state.average], verbose=0, shuffle=False)
    return state


def same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> bool:
    return all(np.array_equal(first, second) for first, second in zip(ours, theirs, strict=True))


def test_the_seed_decides_the_initial_weights(tmp_path: Path) -> None:
    weights = [
        build_state(config(DATASET, tmp_path, epochs=EpochConfig(8, seed)), with_distillation=False)
        for seed in (1, 1, 2)
    ]
    first, again, other = (state.shipped.get_weights() for state in weights)
    assert same(first, again) and not same(first, other)


def test_both_networks_begin_with_the_same_weights_and_predictions(tmp_path: Path) -> None:
    state = build_state(config(DATASET, tmp_path), with_distillation=False)
    assert same(state.shipped.get_weights(), state.network.get_weights())
    assert state.shipped.input_shape == (None, *coloured.SIZE, 3) and state.network.input_shape == (None, None, None, 3)
    assert state.fitted is state.network
    ours, theirs = (np.asarray(network(PIXELS)) for network in (state.shipped, state.network))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_the_head_keeps_its_own_initial_weights(tmp_path: Path) -> None:
    kernel, head = np.full((5, 5, 3, 8), 0.25, np.float32), np.zeros((16, 3), np.float32)
    initial = {"block1_convolution": [kernel], "probabilities": [head, np.zeros(3, np.float32)]}
    state = build_state(config(DATASET, tmp_path, initial_weights=initial), with_distillation=False)
    np.testing.assert_array_equal(state.network.get_layer("block1_convolution").get_weights()[0], kernel)
    assert state.network.get_layer("probabilities").get_weights()[0].any()


@pytest.mark.parametrize("initial", [{"stem_conv": (3, 3, 3, 32)}, {"block1_convolution": (3, 3, 3, 8)}])
def test_weights_of_another_kind_of_network_are_refused(tmp_path: Path, initial: dict[str, tuple[int, ...]]) -> None:
    weights = {name: [np.zeros(shape, np.float32)] for name, shape in initial.items()}
    with pytest.raises(UsageError, match="--start-from: that bundle contains a different kind of network"):
        build_state(config(DATASET, tmp_path, initial_weights=weights), with_distillation=False)


def test_only_the_head_is_trainable_in_its_epochs(tmp_path: Path) -> None:
    training = config(DATASET, tmp_path, schedule=HEAD_FIRST)
    state = build_state(training, with_distillation=False)
    state.compile(training, 0, steps=10)
    assert {variable.path.split("/")[0] for variable in state.fitted.trainable_variables} == {"probabilities"}
    assert len(state.fitted.trainable_variables) == 2
    rate = float(np.asarray(state.fitted.optimizer.learning_rate))
    assert rate == pytest.approx(HEAD_FIRST.head_rate)
    state.compile(training, 1, steps=10)
    assert len(state.fitted.trainable_variables) == len(CNN.build(3, (None, None)).trainable_variables)
    assert float(np.asarray(state.fitted.optimizer.learning_rate)) == pytest.approx(0, abs=1e-6)  # warmup begins


def test_teachers_are_loaded_only_if_an_epoch_is_left(tmp_path: Path) -> None:
    loaded: list[keras.Model] = []

    def load_teachers() -> list[keras.Model]:
        loaded.append(CNN.build(3, (None, None)))
        return loaded

    training = config(DATASET, tmp_path, distillation=DistillationConfig(0.5, load_teachers, "0.5 by one"))
    assert build_state(training, with_distillation=False).fitted.name == "assignment_cnn"
    assert loaded == []
    state = build_state(training, with_distillation=True)
    assert len(loaded) == 1 and not loaded[0].trainable_variables
    assert state.fitted is not state.network


def test_a_restored_state_continues_exactly_like_the_saved_one(tmp_path: Path) -> None:
    state = trained_state(tmp_path, steps=6)
    arrays = {name: [array.copy() for array in arrays] for name, arrays in state.to_arrays().items()}
    training = config(DATASET, tmp_path)
    restored = build_state(training, with_distillation=True)
    restored.compile(training, 0, steps=10)
    restored.restore(Checkpoint(1, [], [], arrays), with_optimizer=True)
    assert restored.average.steps == 6
    for before, after in zip(arrays.items(), restored.to_arrays().items(), strict=True):
        assert before[0] == after[0] and same(list(before[1]), list(after[1]))
    losses = [each.fitted.train_on_batch(PIXELS, TARGETS)[0] for each in (state, restored)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_optimizer_state_need_not_be_restored(tmp_path: Path) -> None:
    state = trained_state(tmp_path, steps=2)
    training = config(DATASET, tmp_path)
    restored = build_state(training, with_distillation=True)
    restored.compile(training, 0, steps=10)
    restored.restore(Checkpoint(1, [], [], state.to_arrays()), with_optimizer=False)
    assert int(np.asarray(restored.fitted.optimizer.iterations)) == 0
    assert same(restored.network.get_weights(), state.network.get_weights())


def test_the_average_is_copied_to_the_shipped_network(tmp_path: Path) -> None:
    state = trained_state(tmp_path, steps=7)
    state.publish_average()
    assert same(state.shipped.get_weights(), state.average.weights)
    assert not same(state.shipped.get_weights(), state.network.get_weights())
