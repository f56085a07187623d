"""Epochs: only of the training part, drawn as told, seen anew, and the same again for the same seed."""

import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.datasets.splits import TRAIN, Dataset
from melanoma.images import encoding
from melanoma.training.data import views
from melanoma.training.data.epochs import Epoch, EpochConfig
from melanoma.training.data.loader import DataLoader
from melanoma.training.data.mixup import mixup
from melanoma.training.data.policies import AugmentationPolicy
from melanoma.training.data.sampling import class_shares, sample_epoch
from tests.helpers import coloured

LOOK = AugmentationPolicy("views", views.random_view, 2)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return coloured.dataset(tmp_path_factory.mktemp("coloured"), {"melanoma": 60, "nevus": 90, "vascular_lesion": 30})


def epoch(dataset: Dataset, number: int = 0, **drawing: object) -> Epoch:
    given = EpochConfig(**({"batch_size": 16, "seed": 0} | drawing))  # type: ignore[arg-type]
    return Epoch(dataset.part(TRAIN), len(dataset.labels), given, DataLoader(LOOK), number, coloured.SIZE)


def test_an_epoch_holds_nothing_but_the_training_part_and_classes_alike(dataset: Dataset) -> None:
    found = epoch(dataset, batch_size=12)
    part = dataset.part(TRAIN)
    assert len(part.truth) == 108
    assert found.indices.max() < 108
    targets = np.concatenate([found[batch][1] for batch in range(len(found))])
    assert targets.sum(axis=0).tolist() == [36, 36, 36]
    assert found.class_shares().tolist() == pytest.approx([1 / 3] * 3)


def test_all_batches_are_full_unless_there_is_but_one(dataset: Dataset) -> None:
    found = epoch(dataset, batch_size=16)
    assert len(found) == 6
    assert {len(found[batch][0]) for batch in range(len(found))} == {16}
    few = epoch(dataset, batch_size=500)
    assert (len(few), len(few[0][0])) == (1, 108)


def test_processes_of_their_own_see_the_very_same(dataset: Dataset) -> None:
    photographs, keys = dataset.part(TRAIN).photographs[:5], [(0, 1, number) for number in range(5)]
    with DataLoader(LOOK, processes=2) as viewer:
        elsewhere = viewer.load(photographs, coloured.SIZE, keys)
        assert viewer.workers == 2
        assert multiprocessing.active_children()
    assert np.array_equal(elsewhere, DataLoader(LOOK).load(photographs, coloured.SIZE, keys))
    assert not multiprocessing.active_children()


def test_a_batch_is_the_same_until_the_epoch_changes(dataset: Dataset) -> None:
    first, again, other = epoch(dataset)[1][0], epoch(dataset)[1][0], epoch(dataset, number=1)
    assert first.shape == (16, *coloured.SIZE, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other[1][0])
    assert not np.array_equal(epoch(dataset).indices, other.indices)


def test_a_photograph_that_comes_up_twice_is_seen_in_two_ways(dataset: Dataset) -> None:
    found = epoch(dataset, batch_size=108)
    pixels = found[0][0]
    index = int(np.argmax(np.bincount(found.indices)))
    first, second, *_ = np.flatnonzero(found.indices == index)
    assert not np.array_equal(pixels[first], pixels[second])


def test_other_files_of_a_photograph_are_looked_at_too(tmp_path: Path) -> None:
    dataset = coloured.dataset(tmp_path / "grey", {"melanoma": 60, "nevus": 60})
    green = tmp_path / "green.png"
    green.write_bytes(encoding.encode(np.full((40, 40, 3), (0, 255, 0), np.uint8), "png"))
    with_others = Dataset([replace(p, other_uris=(str(green),)) for p in dataset.photographs], dataset.parts)
    found = epoch(with_others, batch_size=72)
    pixels = found[0][0].astype(float)
    share = (pixels[..., 1] > 2 * pixels[..., 0] + 40).all(axis=(1, 2)).mean()
    assert 0.1 < share < 0.4


@pytest.mark.parametrize(("balance", "expected"), [(0, [0.1, 0, 0.9]), (0.5, [0.25, 0, 0.75]), (1, [0.5, 0, 0.5])])
def test_shares_go_from_natural_to_alike(balance: float, expected: list[float]) -> None:
    labels = np.array([0] * 10 + [2] * 90)
    assert class_shares(labels, balance).tolist() == pytest.approx(expected)
    drawn = labels[sample_epoch(labels, (0, 0), 100, balance, 99)]
    assert np.bincount(drawn, minlength=3) / 100 == pytest.approx(np.array(expected))


def test_a_draw_repeats_no_photograph_before_all_others_of_its_class_came_up() -> None:
    labels = np.array([0] * 10 + [1] * 90)
    counts = np.bincount(sample_epoch(labels, (0, 0), 100, 1.0, 99), minlength=100)
    assert set(counts[:10]) == {5}
    assert set(counts[10:]) == {0, 1}


def test_the_cap_keeps_a_class_small() -> None:
    labels = np.array([0] * 50 + [1])
    assert np.bincount(labels[sample_epoch(labels, (0, 0), 51, 1.0, 3)]).tolist() == [26, 3]


def test_draws_differ_by_seed_and_by_epoch() -> None:
    labels = np.array([0] * 50 + [1] * 50)
    draws = [sample_epoch(labels, key, 100, 1.0, 9).tolist() for key in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2] != draws[3] != draws[0]


def test_some_batches_are_blended_with_themselves_labels_in_step() -> None:
    targets = np.eye(3, dtype=np.float32)[[0, 1, 2, 1]]
    pixels = np.broadcast_to(np.uint8(255 * targets)[:, None, None, :], (4, 2, 2, 3)).copy()
    blends = [mixup(pixels, targets, 0.5, (0, 1, batch)) for batch in range(60)]
    for blend, shares in blends:
        assert (blend.dtype, shares.dtype) == (np.uint8, np.float32)
        assert shares.sum(axis=1) == pytest.approx(np.ones(4))
        assert np.abs(blend / 255 - shares[:, None, None, :]).max() <= 0.5 / 255 + 1e-6
    assert 15 < sum(np.array_equal(blend, pixels) for blend, _ in blends) < 45
    assert all(np.array_equal(mixup(pixels, targets, 0.0, (0, 1, batch))[0], pixels) for batch in range(20))


def test_an_epoch_blends_as_much_as_it_is_told(dataset: Dataset) -> None:
    plain, mixed, again = epoch(dataset)[0], epoch(dataset, mixup=1.0)[0], epoch(dataset, mixup=1.0)[0]
    assert not np.array_equal(plain[0], mixed[0]) and not np.array_equal(plain[1], mixed[1])
    assert np.array_equal(mixed[0], again[0]) and np.array_equal(mixed[1], again[1])
