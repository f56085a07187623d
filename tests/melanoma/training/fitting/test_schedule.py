"""Image sizes, head epochs and learning rates over a training."""

import keras
import numpy as np
import pytest

from melanoma.training.fitting.schedule import Schedule

SIZE = ((32, 32),)


def rate_after(schedule: Schedule, steps: int, *, head_only: bool = False, steps_per_epoch: int = 10) -> float:
    """Returns the learning rate of an optimizer after a number of steps."""
    optimizer = schedule.optimizer(steps_per_epoch, head_only=head_only)
    optimizer.build([keras.Variable(np.zeros(1), name="kernel")])
    optimizer.iterations.assign(steps)
    return float(np.asarray(optimizer.learning_rate))


def test_images_grow_through_the_sizes() -> None:
    schedule = Schedule(epochs=7, sizes=((1, 1), (2, 2), (3, 3)))
    assert [schedule.size_of(epoch)[0] for epoch in range(7)] == [1, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("sizes", [1, 2, 3, 5])
@pytest.mark.parametrize("epochs", [1, 2, 4, 9])
def test_sizes_never_shrink_and_are_used_about_equally_often(epochs: int, sizes: int) -> None:
    schedule = Schedule(epochs=epochs, sizes=tuple((side, side) for side in range(sizes)))
    sides = [schedule.size_of(epoch)[0] for epoch in range(epochs)]
    assert sides == sorted(sides) and sides[0] == 0
    if epochs >= sizes:
        counts = np.bincount(sides, minlength=sizes)
        assert counts.max() - counts.min() <= 1


def test_the_first_epochs_train_only_the_head() -> None:
    schedule = Schedule(epochs=4, sizes=SIZE, head_epochs=2)
    assert [schedule.is_head_only(epoch) for epoch in range(4)] == [True, True, False, False]
    assert not Schedule(epochs=1, sizes=SIZE).is_head_only(0)


def test_the_rate_rises_to_its_peak_and_falls_to_zero_along_a_cosine() -> None:
    schedule = Schedule(epochs=5, sizes=SIZE, learning_rate=0.1, warmup_epochs=1)
    warmup, falling = 10, 40
    for step in range(0, 50, 7):
        linear = 0.1 * step / warmup
        cosine = 0.05 * (1 + np.cos(np.pi * (step - warmup) / falling))
        assert rate_after(schedule, step) == pytest.approx(linear if step < warmup else cosine, abs=1e-6)
    assert rate_after(schedule, warmup) == pytest.approx(0.1)
    assert rate_after(schedule, 50) == pytest.approx(0, abs=1e-8)


def test_head_epochs_have_a_constant_rate_and_do_not_count_for_the_others() -> None:
    schedule = Schedule(epochs=5, sizes=SIZE, head_epochs=2, head_rate=0.03, learning_rate=0.1)
    assert [rate_after(schedule, step, head_only=True) for step in (0, 15)] == pytest.approx([0.03, 0.03])
    assert rate_after(schedule, 29) > 0
    assert rate_after(schedule, 30) == pytest.approx(0, abs=1e-8)


def test_a_training_shorter_than_its_warmup_still_trains() -> None:
    assert rate_after(Schedule(epochs=1, sizes=SIZE, learning_rate=0.1, warmup_epochs=3), 15) == pytest.approx(0.05)
    assert rate_after(Schedule(epochs=1, sizes=SIZE, learning_rate=0.1, warmup_epochs=0), 1) == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["kernel", "gamma", "beta", "bias"])
def test_biases_and_normalisation_do_not_decay(name: str) -> None:
    optimizer = Schedule(epochs=1, sizes=SIZE, head_rate=0.1, weight_decay=0.5).optimizer(1, head_only=True)
    variable = keras.Variable(np.ones(1), name=name)
    optimizer.build([variable])
    optimizer.apply([np.zeros(1, np.float32)], [variable])
    assert float(np.asarray(variable)[0]) == pytest.approx(1 - 0.1 * 0.5 if name == "kernel" else 1.0)


def test_long_gradients_are_clipped_together() -> None:
    optimizer = Schedule(epochs=1, sizes=SIZE).optimizer(1, head_only=True)
    assert optimizer.global_clipnorm == 5.0
