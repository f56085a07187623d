"""Drawing tools for phantoms: smooth noise, honeycombs, discs and strokes; lengths are in short sides."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]  # (height, width), or (3, height, width) for an unfinished picture
Points = npt.NDArray[np.floating[Any]]


class Strokes(NamedTuple):
    """Bent strokes, with one entry per stroke in each array; lengths are in short sides.

    Attributes:
        y: Row of the middle.
        x: Column of the middle.
        turn: Direction in radians; 0 runs along a row.
        length: Distance between the ends.
        bend: How far the middle is pushed aside, as a share of the length.
        radius: Half the width at the start.
    """

    y: Points
    x: Points
    turn: Points
    length: Points
    bend: Points
    radius: Points


def tint(*rgb: float) -> Plane:
    """Returns a colour that broadcasts over planes, shape (3, 1, 1)."""
    return np.array(rgb, np.float32)[:, None, None]


def ramp(values: Plane, low: float, high: float) -> Plane:
    """Returns a smooth step from 0 at `low` and below to 1 at `high` and above."""
    t: Plane = values - low
    t *= 1 / (high - low)
    np.clip(t, 0, 1, out=t)
    return t * t * (3 - 2 * t)


def blend(picture: Plane, rgb: tuple[float, float, float], cover: Plane) -> None:
    """Blends a colour into a picture, in place; `cover` is 0 to 1, shape (height, width)."""
    change = tint(*rgb) - picture
    change *= cover
    picture += change


def _stretch(knots: Plane, length: int, spacing: float) -> Plane:
    """Interpolates down the columns by a quadratic B-spline; a matrix product would start costly threads."""
    place = np.arange(length) / spacing
    first = place.astype(int)
    fraction = (place - first).astype(np.float32)[:, None]
    step = np.diff(knots, axis=0)
    stretched: Plane = (0.5 * np.diff(step, axis=0))[first]
    stretched *= fraction
    stretched += step[first]
    stretched *= fraction
    stretched += (knots[:-1] + 0.5 * step)[first]
    return stretched


class Canvas:
    """The grid of a picture, and its random number generator.

    Attributes:
        rng: Source of everything random.
        shape: (height, width) in pixels.
        short: The shorter of the two, the unit of all lengths.
        y: Shape (height, 1), 0 in the middle.
        x: Shape (width,), 0 in the middle.
    """

    def __init__(self, rng: np.random.Generator, height: int, width: int) -> None:
        """Creates a grid of height by width pixels."""
        self.rng, self.shape, self.short = rng, (height, width), min(height, width)
        middle = np.array([[height - 1], [width - 1]]) / 2
        self.y = ((np.arange(height) - middle[0]) / self.short).astype(np.float32)[:, None]
        self.x = ((np.arange(width) - middle[1]) / self.short).astype(np.float32)

    def noise(self, *cells: float) -> Plane:
        """Returns smooth noise of about unit variance, with one octave for each number of cells per short side."""
        total = np.zeros(self.shape, np.float32)
        for octave, cell in enumerate(cells):
            spacing = self.short / cell
            counts = [int((length - 1) / spacing) + 3 for length in self.shape]
            knots = 1.82 * 0.55**octave * self.rng.standard_normal(counts, np.float32)
            across = np.ascontiguousarray(_stretch(knots.T, self.shape[1], spacing).T)
            total += _stretch(across, self.shape[0], spacing)
        return total

    def honeycomb(self, meshes: float, bend: float) -> Plane:
        """Returns an uneven honeycomb: about -1.5 on its lines, up to 3 in the middle of its meshes."""
        turn = self.rng.uniform(0, np.pi)
        ky, kx = float(2 * np.pi * meshes * np.sin(turn)), float(2 * np.pi * meshes * np.cos(turn))
        u = ky * self.y + kx * self.x + bend * self.noise(meshes / 3)
        v = kx * self.y - ky * self.x + bend * self.noise(meshes / 3)
        c = np.cos(0.5 * u)
        comb: Plane = 2 * c * (c + np.cos(0.75**0.5 * v)) - 1 + self.noise(1.4 * meshes)
        return comb

    def discs(self, y: Points, x: Points, radius: Points) -> Plane:
        """Returns the coverage by discs with soft rims, 0 to 1; each argument has one entry per disc."""
        cover = np.zeros(self.shape, np.float32)
        r = (radius * self.short)[:, None, None]
        reach = np.arange(-int(r.max() + 2), int(r.max() + 3))
        py = ((y - self.y[0, 0]) * self.short)[:, None, None]
        px = ((x - self.x[0]) * self.short)[:, None, None]
        rows, columns = np.rint(py).astype(int) + reach[:, None], np.rint(px).astype(int) + reach
        part = np.clip(r + 0.5 - np.hypot(rows - py, columns - px), 0, 1)
        inside = (rows >= 0) & (rows < self.shape[0]) & (columns >= 0) & (columns < self.shape[1])
        inside &= part > 0
        rows, columns = np.broadcast_arrays(rows, columns)
        np.maximum.at(cover, (rows[inside], columns[inside]), part[inside])
        return cover

    def strokes(self, strokes: Strokes, taper: float) -> Plane:
        """Returns the coverage by bent strokes, 0 to 1.

        Args:
            strokes: Their places and forms.
            taper: Share of the radius that is lost towards the end of each stroke, 0 to 1.
        """
        y, x, turn, length, bend, radius = strokes
        t = np.linspace(0, 1, int(1.1 * self.short))[:, None]
        along, aside = length * (t - 0.5), 4 * bend * length * t * (1 - t)
        path_y = y + along * np.sin(turn) + aside * np.cos(turn)
        path_x = x + along * np.cos(turn) - aside * np.sin(turn)
        return self.discs(path_y.ravel(), path_x.ravel(), (radius * (1 - taper * t * t)).ravel())
