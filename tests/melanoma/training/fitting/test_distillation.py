"""What teachers say counts as much as it is told to, and teachers stay as they are."""

import keras
import numpy as np
import pytest

from melanoma.training.fitting.distillation import with_teachers

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3)).astype(np.float32)
TARGETS = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]


def network(seed: int, dropout: float = 0.5) -> keras.Model:
    """A network whose answers differ from call to call while dropout is on."""
    keras.utils.set_random_seed(seed)
    pixels = keras.Input((None, None, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))
    features = keras.layers.Dropout(dropout)(keras.layers.Dense(8)(features))
    return keras.Model(pixels, keras.layers.Dense(3, activation="softmax", name="probabilities")(features))


def cross_entropy(targets: np.ndarray, answers: np.ndarray) -> float:
    return float(-(targets * np.log(answers)).sum(axis=1).mean())


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_loss_is_that_of_a_target_of_labels_and_answers(share: float) -> None:
    pupil, teachers = network(0), [network(1), network(2)]
    learner = with_teachers(pupil, teachers, share)
    learner.compile(loss="categorical_crossentropy", loss_weights=1 - share)
    taught = (teachers[0].predict(PIXELS, verbose=0) + teachers[1].predict(PIXELS, verbose=0)) / 2
    target = share * taught + (1 - share) * TARGETS
    found = learner.evaluate(PIXELS, TARGETS, batch_size=6, verbose=0)
    assert found == pytest.approx(cross_entropy(target, pupil.predict(PIXELS, verbose=0)), rel=1e-5)


def test_the_pupil_comes_to_answer_as_its_teacher_which_learns_nothing() -> None:
    pupil, teacher = network(0), network(1)
    before = [weights.copy() for weights in teacher.get_weights()]
    learner = with_teachers(pupil, [teacher], 1.0)
    assert len(learner.trainable_variables) == len(pupil.trainable_variables)
    learner.compile(optimizer=keras.optimizers.Adam(0.02), loss="categorical_crossentropy", loss_weights=0.0)
    aimed = teacher.predict(PIXELS, verbose=0)
    first = cross_entropy(aimed, pupil.predict(PIXELS, verbose=0))
    learner.fit(PIXELS, TARGETS[::-1], batch_size=6, epochs=60, verbose=0)
    least = cross_entropy(aimed, aimed)
    assert cross_entropy(aimed, pupil.predict(PIXELS, verbose=0)) - least < (first - least) / 2
    for ours, theirs in zip(teacher.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_teachers_do_not_guess_while_the_pupil_is_trained() -> None:
    pupil, teacher = network(0, dropout=0.0), network(1)
    learner = with_teachers(pupil, [teacher], 1.0)
    learner.compile(optimizer=keras.optimizers.SGD(0.0), loss="categorical_crossentropy", loss_weights=0.0)
    expected = cross_entropy(teacher.predict(PIXELS, verbose=0), pupil.predict(PIXELS, verbose=0))
    for _ in range(3):
        assert learner.train_on_batch(PIXELS, TARGETS) == pytest.approx(expected, rel=1e-5)


def test_the_same_answers_come_out() -> None:
    pupil = network(0)
    learner = with_teachers(pupil, [network(1)], 0.5)
    np.testing.assert_array_equal(learner.predict(PIXELS, verbose=0), pupil.predict(PIXELS, verbose=0))
