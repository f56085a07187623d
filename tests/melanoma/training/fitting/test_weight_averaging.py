"""The running average starts with the first weights and forgets old ones by its momentum per step."""

import keras
import numpy as np
import pytest

from melanoma.training.fitting.weight_averaging import EVERY, WeightAverage


def network_at(value: float) -> keras.Model:
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.set_weights([np.full((1, 1), value), np.full(1, -value)])
    return network


def go(average: WeightAverage, steps: int) -> list[float]:
    average.on_epoch_begin(0)
    for step in range(steps):
        average.on_train_batch_end(step)
    return [float(weights.ravel()[0]) for weights in average.weights]


def test_the_average_starts_as_a_copy_of_the_first_weights() -> None:
    network = network_at(3)
    average = WeightAverage(network, 0.9)
    assert average.weights == []
    assert go(average, 1) == [3, -3]
    average.weights[0][:] = 7
    assert network.get_weights()[0].item() == 3


@pytest.mark.parametrize("momentum", [0.5, 0.9, 0.99])
def test_old_weights_fade_by_the_momentum_at_every_step(momentum: float) -> None:
    network = network_at(0)
    average = WeightAverage(network, momentum)
    go(average, 5000)  # so many that the smaller momentum of the first steps does not matter
    network.set_weights(network_at(1).get_weights())
    assert go(average, 20)[0] == pytest.approx(1 - momentum**20, rel=1e-5)
    assert go(average, 5000) == pytest.approx([1, -1], rel=1e-5)


def test_the_first_steps_are_soon_forgotten() -> None:
    network = network_at(0)
    average = WeightAverage(network, 0.9999)
    go(average, 10)
    network.set_weights(network_at(1).get_weights())
    assert 0.8 < go(average, 10)[0] < 1


def test_one_call_may_cover_several_steps() -> None:
    network, averages = network_at(0), []
    for step in (1, EVERY):
        average = WeightAverage(network, 0.9)
        network.set_weights(network_at(0).get_weights())
        for epoch in range(3):
            average.on_epoch_begin(epoch)
            for batch in range(step - 1, 2 * EVERY, step):
                average.on_train_batch_end(batch)
            network.set_weights(network_at(epoch + 1).get_weights())
        averages.append(average)
    assert averages[0].steps == averages[1].steps == 6 * EVERY
    np.testing.assert_allclose(averages[0].weights[0], averages[1].weights[0], rtol=1e-6)
