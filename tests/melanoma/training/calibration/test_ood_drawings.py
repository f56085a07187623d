"""Pages, drawings and screenshots."""

import numpy as np
import pytest

from melanoma.training.calibration import ood_drawings

SIZE = (120, 90)
DRAWINGS = {"text": ood_drawings.text, "drawing": ood_drawings.drawing, "screen": ood_drawings.screen}


@pytest.mark.parametrize("kind", list(DRAWINGS))
def test_a_generator_in_the_same_state_draws_the_same(kind: str) -> None:
    first, again, other = (DRAWINGS[kind](np.random.default_rng(seed), *SIZE) for seed in (5, 5, 6))
    assert first.shape == (*SIZE, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_page_is_bright_with_dark_letters_in_lines() -> None:
    for seed in range(5):
        page = ood_drawings.text(np.random.default_rng(seed), 200, 160)
        assert np.median(page) >= 225 and page.min() < 100
        assert (page.min(axis=2) == page.max(axis=2)).all()  # without colour
        inked = (page[..., 0] < 150).any(axis=1)
        assert 5 < np.abs(np.diff(inked.astype(int))).sum() < 60  # lines of letters between empty rows


def test_a_drawing_has_a_plain_background_and_few_colours() -> None:
    for seed in range(5):
        drawing = ood_drawings.drawing(np.random.default_rng(seed), *SIZE)
        colours, counts = np.unique(drawing.reshape(-1, 3), axis=0, return_counts=True)
        assert 2 <= len(colours) <= 1 + 2 * 13
        assert counts.max() > 0.1 * SIZE[0] * SIZE[1]


def test_a_screenshot_has_a_bar_above_and_a_menu_at_the_left() -> None:
    for seed in range(5):
        screen = ood_drawings.screen(np.random.default_rng(seed), 240, 200)
        bar, background = screen[0, 0], np.median(screen[40:, 100:], axis=(0, 1))
        assert (screen[0] == bar).all()
        assert (background >= 215).all() and len(set(background.tolist())) == 1
        assert not np.array_equal(bar, background)
        menu = screen[239, 1]  # left of its entries
        is_menu = (screen[40:] == menu).all(axis=2).mean(axis=0) > 0.3
        assert 0.15 * 200 <= is_menu.sum() <= 0.35 * 200 + 1
        assert is_menu[:3].all() and not is_menu[-1]


def test_colours_cover_all_channels() -> None:
    rng = np.random.default_rng(0)
    colours = np.array([ood_drawings.colour(rng) for _ in range(500)])
    assert colours.shape == (500, 3) and colours.min() < 10 and colours.max() > 245
    assert all(isinstance(channel, int) for channel in ood_drawings.colour(rng))
