"""The drawing tools of phantoms keep their ranges, their places and their random numbers."""

import numpy as np
import pytest

from melanoma.samples.canvas import Canvas, Strokes, blend, ramp, tint


def canvas(height: int = 60, width: int = 90, seed: int = 0) -> Canvas:
    return Canvas(np.random.default_rng(seed), height, width)


def test_coordinates_are_in_short_sides_around_the_middle() -> None:
    grid = canvas(61, 121)
    assert (grid.shape, grid.short) == ((61, 121), 61)
    assert grid.y.shape == (61, 1) and grid.x.shape == (121,)
    assert grid.y[30, 0] == grid.x[60] == 0
    assert grid.y[-1, 0] == pytest.approx(30 / 61) and grid.x[0] == pytest.approx(-60 / 61)


def test_a_ramp_rises_smoothly_from_0_to_1() -> None:
    values = np.linspace(-1, 3, 401, dtype=np.float32)
    found = ramp(values, 0, 2)
    assert found[values <= 0].max() == 0 and found[values >= 2].min() == 1
    assert (np.diff(found) >= 0).all()
    assert found[200] == pytest.approx(0.5) and found[150] == pytest.approx(0.25**2 * (3 - 2 * 0.25))


def test_a_falling_ramp_is_the_ramp_of_the_negative() -> None:
    values = np.linspace(-1, 1, 21, dtype=np.float32)
    np.testing.assert_allclose(ramp(-values, -0.5, 0.5), 1 - ramp(values, -0.5, 0.5), atol=1e-6)


def test_a_colour_is_blended_by_its_cover() -> None:
    picture = np.zeros((3, 1, 3), np.float32)
    blend(picture, (100, 200, 50), np.array([[0.0, 0.5, 1.0]], np.float32))
    assert picture[:, 0].tolist() == [[0, 50, 100], [0, 100, 200], [0, 25, 50]]
    assert tint(1, 2, 3).shape == (3, 1, 1)


@pytest.mark.parametrize("size", [(60, 90), (90, 60), (40, 40), (1, 30)])
def test_noise_fills_the_canvas_with_about_unit_variance(size: tuple[int, int]) -> None:
    found = np.stack([canvas(*size, seed=seed).noise(8) for seed in range(30)])
    assert found.shape == (30, *size) and found.dtype == np.float32
    assert abs(found.mean()) < 0.3 and 0.6 < found.std() < 1.4


def test_coarse_noise_varies_less_from_pixel_to_pixel_than_fine_noise() -> None:
    coarse, fine = canvas().noise(3), canvas().noise(30)
    assert np.abs(np.diff(coarse)).mean() < 0.3 * np.abs(np.diff(fine)).mean()


def test_the_same_seed_makes_the_same_noise() -> None:
    np.testing.assert_array_equal(canvas(seed=4).noise(5, 9), canvas(seed=4).noise(5, 9))
    assert not np.array_equal(canvas(seed=4).noise(5, 9), canvas(seed=5).noise(5, 9))


def test_a_disc_covers_its_area_at_its_place() -> None:
    grid = canvas(100, 140)
    cover = grid.discs(np.array([0.1]), np.array([-0.2]), np.array([0.15]))
    assert cover.shape == grid.shape and cover.min() == 0 and cover.max() == 1
    assert cover.sum() == pytest.approx(np.pi * 15**2, rel=0.02)
    assert (cover * grid.y).sum() / cover.sum() == pytest.approx(0.1, abs=0.002)
    assert (cover * grid.x).sum() / cover.sum() == pytest.approx(-0.2, abs=0.002)


def test_overlapping_discs_cover_once_and_discs_outside_not_at_all() -> None:
    grid = canvas(100, 100)
    one = grid.discs(np.array([0.0]), np.array([0.0]), np.array([0.1]))
    twice = grid.discs(np.zeros(2), np.zeros(2), np.full(2, 0.1))
    np.testing.assert_array_equal(one, twice)
    assert grid.discs(np.array([2.0]), np.array([0.0]), np.array([0.1])).max() == 0
    half = grid.discs(np.array([-0.5]), np.array([0.0]), np.array([0.1]))
    assert half.sum() == pytest.approx(one.sum() / 2, rel=0.1)


def stroke(grid: Canvas, turn: float, bend: float = 0.0, taper: float = 0.0) -> np.ndarray:
    one = np.ones(1)
    return grid.strokes(Strokes(0 * one, 0 * one, turn * one, 0.6 * one, bend * one, 0.02 * one), taper)


def test_a_stroke_runs_in_its_direction_and_a_bend_pushes_it_aside() -> None:
    grid = canvas(200, 200)
    flat, upright, bent = stroke(grid, 0), stroke(grid, np.pi / 2), stroke(grid, 0, bend=0.2)
    rows, columns = np.nonzero(flat > 0.5)
    assert np.ptp(columns) == pytest.approx(0.64 * 200, abs=3) and np.ptp(rows) == pytest.approx(0.04 * 200, abs=2)
    np.testing.assert_allclose(upright, flat.T, atol=0.2)
    assert np.ptp(np.nonzero(bent > 0.5)[0]) == pytest.approx((0.6 * 0.2 + 0.04) * 200, abs=4)


def test_a_tapered_stroke_ends_thinner_than_it_starts() -> None:
    cover = stroke(canvas(200, 200), 0, taper=0.8)
    width = cover.sum(axis=0)
    filled = np.nonzero(width > 0.5)[0]
    start, end = width[filled[8]], width[filled[-8]]
    assert end < 0.5 * start


@pytest.mark.parametrize("meshes", [10, 20])
def test_a_honeycomb_repeats_as_often_as_it_has_meshes(meshes: int) -> None:
    waves = [np.fft.fft2(canvas(128, 128, seed).honeycomb(meshes, 0)) for seed in range(8)]
    power = np.mean(np.square(np.abs(waves)), axis=0)
    cycles = np.hypot(*np.meshgrid(np.fft.fftfreq(128, 1 / 128), np.fft.fftfreq(128, 1 / 128)))
    rings = [power[(cycles >= ring - 0.5) & (cycles < ring + 0.5)].sum() for ring in range(1, 40)]
    assert 1 + int(np.argmax(rings)) == pytest.approx(meshes, abs=1)


def test_a_honeycomb_has_wide_dark_lines_and_few_bright_middles() -> None:
    comb = np.stack([canvas(120, 120, seed).honeycomb(12, 0) for seed in range(5)])
    assert abs(comb.mean()) < 0.3
    assert (comb < 0).mean() > 0.52 and comb.max() > -comb.min()
