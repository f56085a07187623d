"""Training on photographs that can be told apart by their colour: it learns, repeats, and goes on where it stopped."""

import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from melanoma.datasets.splits import Dataset
from melanoma.errors import UsageError
from melanoma.images.decoding import ImageSpec
from melanoma.training.data import augmentor, views
from melanoma.training.data.epochs import EpochConfig
from melanoma.training.data.policies import AugmentationPolicy
from melanoma.training.fitting.distillation import Teaching
from melanoma.training.fitting.monitoring import History, history_csv, validate
from melanoma.training.fitting.schedule import Schedule
from melanoma.training.fitting.trainer import Trained, Trainer
from melanoma.training.networks.assignment_cnn import assignment_cnn
from melanoma.training.networks.layers import SCALING, Size
from melanoma.training.networks.pretrained import preprocess
from melanoma.training.networks.registry import Network
from melanoma.training.release.learning_curves import draw_curves
from tests.helpers import coloured

CNN = Network(partial(assignment_cnn, widths=(8, 16)), False, (), "A small network")
DRAWING = EpochConfig(batch_size=8, seed=0)
SCHEDULE = Schedule(
    epochs=6, sizes=(coloured.SIZE,), learning_rate=1e-2, warmup_epochs=0.5, weight_decay=0, averaging=0.9
)
LOOK = AugmentationPolicy("augmentor", augmentor.augmented_view, 1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    counts = {"melanoma": 60, "nevus": 90, "vascular_lesion": 30}
    return coloured.dataset(tmp_path_factory.mktemp("coloured"), counts)


def trainer(dataset: Dataset, folder: Path, schedule: Schedule = SCHEDULE, **changes: object) -> Trainer:
    given = {"network": CNN, "look": LOOK, "drawing": DRAWING} | changes
    spec = ImageSpec(*coloured.SIZE)
    return Trainer(spec=spec, dataset=dataset, schedule=schedule, checkpoint=folder / "checkpoint.npz", **given)  # type: ignore[arg-type]


def run(training: Trainer, resume: bool = False, stop_after: int | None = None) -> Trained:
    def on_epoch(history: History) -> None:
        if len(history) == stop_after:
            raise KeyboardInterrupt

    return training.run(resume, 0, on_epoch)


def test_it_learns_what_can_be_learned(dataset: Dataset, tmp_path: Path) -> None:
    trained = run(trainer(dataset, tmp_path))
    assert trained.history[-1]["val_accuracy"] > 0.9
    assert len(trained.history) == SCHEDULE.epochs
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]
    assert trained.prior.tolist() == pytest.approx([1 / 3] * 3, abs=0.01)


def test_without_a_signal_it_does_no_better_than_chance(dataset: Dataset, tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    labels = dice.permutation([photograph.label for photograph in dataset.photographs])
    shuffled = [replace(p, label=str(label)) for p, label in zip(dataset.photographs, labels, strict=True)]
    trained = run(trainer(Dataset(shuffled, dataset.parts), tmp_path, replace(SCHEDULE, epochs=3)))
    assert trained.history[-1]["val_accuracy"] < 0.6


def test_one_seed_is_one_network(dataset: Dataset, tmp_path: Path) -> None:
    schedule = replace(SCHEDULE, epochs=1)
    losses = [
        run(trainer(dataset, tmp_path, schedule, drawing=EpochConfig(16, seed))).history[0]["loss"]
        for seed in (1, 1, 2)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] != pytest.approx(losses[2], rel=1e-3)


def test_a_killed_training_goes_on_after_its_last_whole_epoch(dataset: Dataset, tmp_path: Path) -> None:
    schedule = replace(SCHEDULE, epochs=3, head_epochs=1, sizes=(coloured.SIZE, (48, 48)))
    whole = run(trainer(dataset, tmp_path / "whole", schedule))
    for killed_in in (2, 3):  # the epoch in which it is killed is lost, those before are not
        folder = tmp_path / f"killed-{killed_in}"
        with pytest.raises(KeyboardInterrupt):
            run(trainer(dataset, folder, schedule), stop_after=killed_in)
        resumed = run(trainer(dataset, folder, schedule), resume=True)
        assert len(resumed.history) == 3
        for ours, theirs in zip(resumed.network.get_weights(), whole.network.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_checkpoint_of_another_training_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    run(trainer(dataset, tmp_path, replace(SCHEDULE, epochs=1)))
    with pytest.raises(UsageError, match="was trained with learning_rate"):
        run(trainer(dataset, tmp_path, replace(SCHEDULE, epochs=1, learning_rate=0.5)), resume=True)
    with pytest.raises(UsageError, match="was trained with precision float32, now it is bfloat16"):
        run(trainer(dataset, tmp_path, replace(SCHEDULE, epochs=1), precision="bfloat16"), resume=True)
    whole = (tmp_path / "checkpoint.npz").read_bytes()
    for damaged in (b"", b"PK broken", whole[: len(whole) // 2]):
        (tmp_path / "checkpoint.npz").write_bytes(damaged)
        with pytest.raises(UsageError, match="is no checkpoint, or a damaged one"):
            run(trainer(dataset, tmp_path), resume=True)


def test_the_head_learns_first_and_alone(dataset: Dataset, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    fresh = CNN.build(3, coloured.SIZE)
    trained = run(trainer(dataset, tmp_path, replace(SCHEDULE, epochs=1, head_epochs=1))).network
    kernel = fresh.get_layer("block1_convolution").get_weights()[0]
    np.testing.assert_array_equal(trained.get_layer("block1_convolution").get_weights()[0], kernel)
    assert not np.allclose(trained.get_layer("probabilities").get_weights()[0], 0)
    assert not np.allclose(
        trained.get_layer("probabilities").get_weights()[0], fresh.get_layer("probabilities").get_weights()[0]
    )


def test_a_training_that_learns_nothing_any_more_ends(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="epoch 1: the loss has become infinite; give a smaller --learning-rate"):
        run(trainer(dataset, tmp_path, replace(SCHEDULE, learning_rate=1e30)))
    assert not (tmp_path / "checkpoint.npz").exists()


def test_how_pixels_are_scaled_is_not_learned(dataset: Dataset, tmp_path: Path) -> None:
    def build(labels: int, size: Size) -> keras.Model:
        pixels = keras.Input((*size, 3), name="pixels")
        return keras.Model(pixels, assignment_cnn(labels, size, widths=(8, 16))(preprocess(pixels, "VGG16")))

    trained = run(trainer(dataset, tmp_path, replace(SCHEDULE, epochs=1), network=Network(build, True, (), "VGG")))
    kernel, offset = trained.network.get_layer(SCALING).get_weights()
    np.testing.assert_allclose(kernel.reshape(3, 3), np.eye(3)[::-1], atol=1e-5)
    np.testing.assert_allclose(offset, [-103.939, -116.779, -123.68], rtol=1e-5)


def test_what_ships_is_the_average_of_the_weights(dataset: Dataset, tmp_path: Path) -> None:
    schedule = replace(SCHEDULE, epochs=1, averaging=0.999)
    averaged = run(trainer(dataset, tmp_path, schedule)).network.get_weights()
    with np.load(tmp_path / "checkpoint.npz") as archive:
        kept = {name: [archive[key] for key in sorted(archive.files) if key.startswith(name)] for name in ("average",)}
    for ours, theirs in zip(averaged, kept["average"], strict=False):
        np.testing.assert_array_equal(ours, theirs)


def test_pictures_grow_through_the_sizes() -> None:
    schedule = Schedule(epochs=7, sizes=((1, 1), (2, 2), (3, 3)))
    assert [schedule.size_of(epoch)[0] for epoch in range(7)] == [1, 1, 1, 2, 2, 3, 3]


def test_initial_weights_replace_those_of_the_network(dataset: Dataset, tmp_path: Path) -> None:
    kernel = np.full((5, 5, 3, 8), 0.25, np.float32)
    schedule = replace(SCHEDULE, epochs=1, head_epochs=1)
    trained = run(trainer(dataset, tmp_path, schedule, initial={"block1_convolution": [kernel]}))
    np.testing.assert_array_equal(trained.network.get_layer("block1_convolution").get_weights()[0], kernel)


def test_weights_of_another_kind_of_network_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    for initial in ({"stem_conv": [np.zeros((3, 3, 3, 32))]}, {"block1_convolution": [np.zeros((3, 3, 3, 8))]}):
        with pytest.raises(UsageError, match="another kind of network"):
            run(trainer(dataset, tmp_path, replace(SCHEDULE, epochs=1, head_epochs=1), initial=initial))


def of_one_mind() -> keras.Model:
    """A teacher that answers vascular lesion, whatever it sees."""
    teacher = CNN.build(3, (None, None))
    teacher.get_layer("probabilities").set_weights([np.zeros((16, 3)), np.array([0.0, 0.0, 20.0])])
    return teacher


@pytest.mark.parametrize(("share", "is_obeyed"), [(1.0, True), (0.0, False)])
def test_teachers_count_by_their_share_and_labels_by_the_rest(
    dataset: Dataset, tmp_path: Path, share: float, is_obeyed: bool
) -> None:
    teaching = Teaching(share, lambda: [of_one_mind()], f"{share} by one")
    trained = run(trainer(dataset, tmp_path, teaching=teaching))
    assert (trained.history[-1]["accuracy"] < 0.5) == is_obeyed
    with pytest.raises(UsageError, match=f"was trained with teaching {share} by one, now it is none"):
        run(trainer(dataset, tmp_path), resume=True)


def test_a_training_goes_on_with_the_same_photographs_only(dataset: Dataset, tmp_path: Path) -> None:
    run(trainer(dataset, tmp_path, replace(SCHEDULE, epochs=1)))
    other = Dataset(dataset.photographs, dataset.parts[::-1].copy())
    assert np.bincount(other.part("train").truth).tolist() == np.bincount(dataset.part("train").truth).tolist()
    with pytest.raises(UsageError, match="photographs and split"):
        trainer(other, tmp_path, replace(SCHEDULE, epochs=1)).run(True, 0, lambda history: None)


def test_validation_weighs_every_class_alike_and_takes_the_prior_out() -> None:
    inputs = keras.Input((1, 1, 2))
    network = keras.Model(inputs, keras.layers.Flatten()(inputs))
    pixels = np.array([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.6, 0.4]], np.float32).reshape(4, 1, 1, 2)
    truth = np.array([0, 0, 0, 1])
    even = validate(network, pixels, truth, np.array([0.5, 0.5]))
    assert even["val_accuracy"] == pytest.approx(0.5)
    assert even["val_loss"] == pytest.approx((-np.log(0.8) - np.log(0.4)) / 2, rel=1e-5)
    assert validate(network, pixels, truth, np.array([0.75, 0.25]))["val_accuracy"] == pytest.approx(1.0)


def test_history_and_curves(dataset: Dataset, tmp_path: Path) -> None:
    history = run(
        trainer(dataset, tmp_path, replace(SCHEDULE, epochs=2), look=AugmentationPolicy("views", views.random_view, 2))
    ).history
    lines = history_csv(history).decode().splitlines()
    assert lines[0] == "epoch,size,accuracy,loss,val_loss,val_accuracy,seconds"
    assert len(lines) == 3
    with Image.open(io.BytesIO(draw_curves(history))) as picture:
        assert picture.format == "PNG"
        assert picture.width > 500


def test_classes_without_a_photograph_are_no_answer_while_watching() -> None:
    inputs = keras.Input((1, 1, 3))
    network = keras.Model(inputs, keras.layers.Flatten()(inputs))
    pixels = np.array([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1]], np.float32).reshape(2, 1, 1, 3)
    found = validate(network, pixels, np.array([0, 1]), np.array([0.495, 0.495, 0.01]))
    assert found["val_accuracy"] == 1.0
    assert found["val_loss"] == pytest.approx(-np.log(2 / 3), rel=1e-5)
