"""Epochs: the training part only, sampled as configured, augmented anew, and reproducible."""

import numpy as np
import pytest

from melanoma.datasets.splits import TRAIN, Dataset
from melanoma.training.data.epochs import Epoch, EpochConfig
from melanoma.training.data.loader import DataLoader
from melanoma.training.data.policies import POLICIES
from tests.helpers import coloured

LOADER = DataLoader(POLICIES["views"])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return coloured.dataset(tmp_path_factory.mktemp("coloured"), {"melanoma": 60, "nevus": 90, "vascular_lesion": 30})


def epoch(dataset: Dataset, number: int = 0, **config: object) -> Epoch:
    given = EpochConfig(**({"batch_size": 16, "seed": 0} | config))  # type: ignore[arg-type]
    return Epoch(dataset.part(TRAIN), len(dataset.labels), given, LOADER, number, coloured.SIZE)


def test_an_epoch_holds_the_training_part_only_with_equal_classes(dataset: Dataset) -> None:
    found = epoch(dataset, batch_size=12)
    part = dataset.part(TRAIN)
    assert len(part.truth) == 108
    assert found.indices.max() < 108
    targets = np.concatenate([found[batch][1] for batch in range(len(found))])
    assert targets.sum(axis=0).tolist() == [36, 36, 36]
    assert found.class_shares().tolist() == pytest.approx([1 / 3] * 3)


def test_targets_are_the_labels_of_the_sampled_photographs(dataset: Dataset) -> None:
    found = epoch(dataset)
    truth = dataset.part(TRAIN).truth[found.indices]
    for batch in (0, 5):
        targets = found[batch][1]
        assert targets.dtype == np.float32 and targets.shape == (16, 3)
        assert targets.argmax(axis=1).tolist() == truth[16 * batch : 16 * batch + 16].tolist()
        assert targets.sum(axis=1).tolist() == [1] * 16


def test_pixels_are_those_of_the_photographs_with_the_keys_of_their_positions(dataset: Dataset) -> None:
    found, part = epoch(dataset, number=4, seed=7), dataset.part(TRAIN)
    photographs = [part.photographs[index] for index in found.indices[16:32]]
    expected = LOADER.load(photographs, coloured.SIZE, [(7, 4, position) for position in range(16, 32)])
    assert np.array_equal(found[1][0], expected)


def test_all_batches_are_full_unless_there_is_only_one(dataset: Dataset) -> None:
    found = epoch(dataset, batch_size=16)
    assert len(found) == 6
    assert {len(found[batch][0]) for batch in range(len(found))} == {16}
    few = epoch(dataset, batch_size=500)
    assert (len(few), len(few[0][0])) == (1, 108)


def test_the_number_of_draws_may_be_given(dataset: Dataset) -> None:
    assert len(epoch(dataset, draws=50).indices) == 48
    assert len(epoch(dataset, draws=600, max_repeats=1).indices) == 96  # no more than there are, in full batches


def test_class_shares_are_those_of_the_sample(dataset: Dataset) -> None:
    natural = epoch(dataset, balance=0.0, batch_size=1)
    assert natural.class_shares().tolist() == pytest.approx([60 / 180, 90 / 180, 30 / 180])
    counts = np.bincount(dataset.part(TRAIN).truth[epoch(dataset).indices], minlength=3)
    assert epoch(dataset).class_shares().tolist() == (counts / 96).tolist()


def test_a_batch_is_the_same_until_the_epoch_changes(dataset: Dataset) -> None:
    first, again, other = epoch(dataset)[1][0], epoch(dataset)[1][0], epoch(dataset, number=1)
    assert first.shape == (16, *coloured.SIZE, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other[1][0])
    assert not np.array_equal(epoch(dataset).indices, other.indices)


def test_a_photograph_that_occurs_twice_is_augmented_in_two_ways(dataset: Dataset) -> None:
    found = epoch(dataset, batch_size=108)
    pixels = found[0][0]
    index = int(np.argmax(np.bincount(found.indices)))
    first, second, *_ = np.flatnonzero(found.indices == index)
    assert not np.array_equal(pixels[first], pixels[second])


def test_mixup_is_applied_at_the_configured_rate(dataset: Dataset) -> None:
    plain, mixed, again = epoch(dataset)[0], epoch(dataset, mixup=1.0)[0], epoch(dataset, mixup=1.0)[0]
    assert not np.array_equal(plain[0], mixed[0]) and not np.array_equal(plain[1], mixed[1])
    assert np.array_equal(mixed[0], again[0]) and np.array_equal(mixed[1], again[1])


def test_keras_may_request_as_many_batches_as_the_loader_can_use(dataset: Dataset) -> None:
    assert epoch(dataset).workers == LOADER.workers == 2
