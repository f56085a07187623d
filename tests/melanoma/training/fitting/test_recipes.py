"""How a network is trained unless told otherwise."""

import pytest

from melanoma.training.fitting.recipes import recipe_for


@pytest.mark.parametrize(("epochs", "head_epochs"), [(1, 0), (2, 1), (40, 1)])
def test_a_short_training_leaves_an_epoch_for_more_than_the_head(epochs: int, head_epochs: int) -> None:
    recipe = recipe_for("lite0")
    assert recipe.head_epochs == 1
    shorter = recipe.with_epochs(epochs)
    assert (shorter.epochs, shorter.head_epochs) == (epochs, head_epochs)
