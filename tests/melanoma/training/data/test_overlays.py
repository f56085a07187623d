"""What is drawn over photographs: at the edge, and never over their centre."""

import numpy as np

from melanoma.training.data.overlays import dark_border, sticker

SKIN = np.full((60, 80, 3), (200, 150, 130), np.uint8)


def test_a_dark_border_leaves_the_centre_and_darkens_the_corners() -> None:
    corner_values = []
    for number in range(50):
        drawn = dark_border(SKIN, np.random.default_rng(number))
        assert drawn.shape == SKIN.shape and drawn.dtype == np.uint8
        np.testing.assert_array_equal(drawn[20:40, 30:50], SKIN[20:40, 30:50])
        corner_values.append(drawn[0, 0].max())
    assert max(corner_values) < 70


def test_a_sticker_lies_at_an_edge_in_one_strong_colour() -> None:
    for number in range(50):
        drawn = sticker(SKIN, np.random.default_rng(number))
        changed = (drawn != SKIN).any(axis=2)
        assert 0.002 < changed.mean() < 0.25
        assert changed[0].any() or changed[-1].any() or changed[:, 0].any() or changed[:, -1].any()
        np.testing.assert_array_equal(drawn[25:35, 35:45], SKIN[25:35, 35:45])


def test_the_same_random_numbers_draw_the_same() -> None:
    for draw in (dark_border, sticker):
        first, again, other = (draw(SKIN, np.random.default_rng(seed)) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()
