"""The default settings of each network."""

from dataclasses import asdict, replace

import pytest

from melanoma.training.data.policies import POLICIES
from melanoma.training.fitting.recipes import Recipe, recipe_for
from melanoma.training.networks.registry import NETWORKS


@pytest.mark.parametrize(("epochs", "head_epochs"), [(1, 0), (2, 1), (40, 1)])
def test_a_short_training_keeps_an_epoch_for_more_than_the_head(epochs: int, head_epochs: int) -> None:
    recipe = recipe_for("lite0")
    assert recipe.head_epochs == 1
    shorter = recipe.with_epochs(epochs)
    assert (shorter.epochs, shorter.head_epochs) == (epochs, head_epochs)


def test_pretrained_networks_share_a_recipe_and_the_assignment_has_its_own() -> None:
    assert recipe_for("lite0") == recipe_for("lite2") == recipe_for("MobileNetV3Small")
    own = recipe_for("assignment-cnn")
    assert own.head_epochs == 0 and own.augmentation == "augmentor" and own.crop is None
    assert own != recipe_for("lite0")


@pytest.mark.parametrize("name", NETWORKS)
def test_every_recipe_can_be_trained(name: str) -> None:
    recipe = recipe_for(name)
    assert recipe.augmentation in POLICIES
    assert 0 <= recipe.head_epochs < recipe.epochs
    assert recipe.train_sizes == tuple(sorted(recipe.train_sizes)) and len(recipe.train_sizes) <= recipe.epochs
    assert 0 < recipe.learning_rate < 1 and 0 <= recipe.label_smoothing < 1 and 0 <= recipe.averaging < 1
    assert 0 <= recipe.balance <= 1 and 0 <= recipe.mixup <= 1 and 0 <= recipe.teacher_weight <= 1


@pytest.mark.parametrize(("is_pretrained", "head_epochs"), [(True, 1), (False, 0)])
def test_a_teacher_has_the_same_recipe_with_its_own_epochs_and_no_teachers(
    is_pretrained: bool, head_epochs: int
) -> None:
    recipe = replace(recipe_for("lite0"), teachers=("lite1", "lite2"), teacher_epochs=7, epochs=30)
    expected = replace(recipe, teachers=(), epochs=7, head_epochs=head_epochs)
    assert recipe.for_teacher(is_pretrained=is_pretrained) == expected


def test_a_bundle_keeps_every_setting_under_its_established_name() -> None:
    recipe = Recipe(
        *((64, 48), 1.0, ((32, 24),), 3, 1, 4, 0.01, 0.5, 0.1, 0.2, 0.9, 0.25, 6),
        *("views", ("lite1",), 0.75, 2),
    )
    kept = recipe.to_json()
    assert list(kept) == [
        *("size", "crop", "train_sizes", "epochs", "head_epochs", "batch_size", "learning_rate", "weight_decay"),
        *("label_smoothing", "mixup", "averaging", "balance", "max_repeats", "look", "taught_by", "teaching"),
        "teacher_epochs",
    ]
    assert (kept["look"], kept["taught_by"], kept["teaching"]) == ("views", ("lite1",), 0.75)
    assert list(kept.values()) == list(asdict(recipe).values())
