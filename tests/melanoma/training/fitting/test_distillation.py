"""The loss weights the teachers' predictions, and teachers do not change."""

import keras
import numpy as np
import pytest

from melanoma.training.fitting.distillation import with_teachers

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3)).astype(np.float32)
TARGETS = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]


def network(seed: int, dropout: float = 0.5) -> keras.Model:
    """A network whose predictions differ from call to call while dropout is active."""
    keras.utils.set_random_seed(seed)
    pixels = keras.Input((None, None, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))
    features = keras.layers.Dropout(dropout)(keras.layers.Dense(8)(features))
    return keras.Model(pixels, keras.layers.Dense(3, activation="softmax", name="probabilities")(features))


def cross_entropy(targets: np.ndarray, predictions: np.ndarray) -> float:
    return float(-(targets * np.log(predictions)).sum(axis=1).mean())


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_loss_equals_the_loss_of_the_weighted_target(weight: float) -> None:
    student, teachers = network(0), [network(1), network(2)]
    learner = with_teachers(student, teachers, weight)
    learner.compile(loss="categorical_crossentropy", loss_weights=1 - weight)
    predicted = (teachers[0].predict(PIXELS, verbose=0) + teachers[1].predict(PIXELS, verbose=0)) / 2
    target = weight * predicted + (1 - weight) * TARGETS
    found = learner.evaluate(PIXELS, TARGETS, batch_size=6, verbose=0)
    assert found == pytest.approx(cross_entropy(target, student.predict(PIXELS, verbose=0)), rel=1e-5)


def test_the_student_approaches_its_teacher_which_does_not_change() -> None:
    student, teacher = network(0), network(1)
    before = [weights.copy() for weights in teacher.get_weights()]
    learner = with_teachers(student, [teacher], 1.0)
    assert len(learner.trainable_variables) == len(student.trainable_variables)
    learner.compile(optimizer=keras.optimizers.Adam(0.02), loss="categorical_crossentropy", loss_weights=0.0)
    target = teacher.predict(PIXELS, verbose=0)
    first = cross_entropy(target, student.predict(PIXELS, verbose=0))
    learner.fit(PIXELS, TARGETS[::-1], batch_size=6, epochs=60, verbose=0)
    least = cross_entropy(target, target)
    assert cross_entropy(target, student.predict(PIXELS, verbose=0)) - least < (first - least) / 2
    for ours, theirs in zip(teacher.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_dropout_of_teachers_is_off_during_training() -> None:
    student, teacher = network(0, dropout=0.0), network(1)
    learner = with_teachers(student, [teacher], 1.0)
    learner.compile(optimizer=keras.optimizers.SGD(0.0), loss="categorical_crossentropy", loss_weights=0.0)
    expected = cross_entropy(teacher.predict(PIXELS, verbose=0), student.predict(PIXELS, verbose=0))
    for _ in range(3):
        assert learner.train_on_batch(PIXELS, TARGETS) == pytest.approx(expected, rel=1e-5)


def test_predictions_are_unchanged_by_the_teachers() -> None:
    student = network(0)
    learner = with_teachers(student, [network(1)], 0.5)
    np.testing.assert_array_equal(learner.predict(PIXELS, verbose=0), student.predict(PIXELS, verbose=0))
