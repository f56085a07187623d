"""Draws phantoms: synthetic pictures of lesion-like patches on skin, from a seed.

No photograph is used. They do not depict any disease, and the scores that a network gives them prove nothing about its
accuracy.
"""

from dataclasses import dataclass

import numpy as np

from melanoma.images.pixels import Pixels
from melanoma.samples.canvas import Canvas, Plane, Strokes, blend, ramp, tint


@dataclass(frozen=True)
class _LesionKind:
    """How one kind of patch is drawn; lengths are in short sides of the picture."""

    radius: float
    irregularity: float
    softness: float  # width of the border
    melanin: float
    blood: float
    patches: float  # how uneven the melanin is
    network: float = 0.0  # dark lines of a honeycomb ...
    globules: float = 0.0  # ... dark dots in its meshes
    lacunae: float = 0.0  # ... or pools of blood there
    meshes: float = 24.0  # per short side
    centre: float = 0.0  # pigment added in the middle, negative: a pale scar
    veil: float = 0.0  # blue-grey and white areas
    scales: float = 0.0
    vessels: float = 0.0
    pearls: int = 0  # number of light cysts, and as many dark openings


_KINDS = {
    "nevus": _LesionKind(0.25, 0.05, 0.22, 0.95, 0.20, 0.2, network=0.45, meshes=34, centre=0.25),
    "melanoma": _LesionKind(0.31, 0.22, 0.13, 1.5, 0.25, 0.7, network=0.5, globules=0.4, meshes=28, veil=0.6),
    "keratosis": _LesionKind(0.29, 0.11, 0.07, 0.65, 0.15, 0.45, globules=0.4, meshes=18, scales=0.35, pearls=36),
    "vascular": _LesionKind(0.22, 0.10, 0.10, 0.10, 1.3, 0.3, lacunae=1.1, meshes=9),
    "dermatofibroma": _LesionKind(0.25, 0.06, 0.50, 0.60, 0.45, 0.2, network=0.4, meshes=38, centre=-1.1),
    "carcinoma": _LesionKind(0.28, 0.14, 0.30, 0.12, 0.80, 0.5, veil=0.15, scales=0.25, vessels=1.3),
    "globular nevus": _LesionKind(0.26, 0.09, 0.18, 0.70, 0.15, 0.3, globules=0.8, meshes=24),
}

# Light returns from the dermis less what melanin and blood absorb of red, green and blue.
_MELANIN, _BLOOD = tint(0.50, 0.92, 1.22), tint(0.10, 0.82, 0.62)
_DERMIS, _BLACK = tint(250, 229, 220), tint(34, 22, 22)
_SKIN_TONES = (0.03, 0.06, 0.10, 0.16, 0.30, 0.55, 0.85)
_CAMERAS = (tint(1, 0.94, 0.95), tint(0.98, 0.94, 1.03), tint(1, 0.98, 0.90), tint(0.98, 0.98, 1))


def _depth(canvas: Canvas, kind: _LesionKind) -> Plane:
    """Returns the depth within the lesion: 1 in its middle, 0 on its border, negative outside; (height, width)."""
    rng = canvas.rng
    turn, squeeze = rng.uniform(0, np.pi), rng.uniform(0.7, 0.97)
    sine, cosine = float(np.sin(turn)), float(np.cos(turn))
    y, x = canvas.y - rng.normal(0, 0.035), canvas.x - rng.normal(0, 0.035)
    major, minor = cosine * x + sine * y, (cosine * y - sine * x) / squeeze
    angle, waves = np.linspace(-np.pi, np.pi, 4097), np.arange(2, 15)
    crests = np.cos(np.outer(angle, waves) + rng.uniform(0, 2 * np.pi, waves.size))
    bulge = (crests * rng.normal(size=waves.size) / waves).sum(axis=1)
    border = kind.radius * rng.uniform(0.8, 1.2) * np.exp(kind.irregularity * bulge)
    reach = border.astype(np.float32)[((np.arctan2(minor, major) + np.pi) * (2048 / np.pi)).astype(int)]
    roughness = (0.08 + 0.2 * kind.irregularity) * canvas.noise(9, 30)
    depth: Plane = 1 - np.hypot(major, minor) / reach + roughness
    return depth


def _pigments(canvas: Canvas, kind: _LesionKind, depth: Plane, cover: Plane) -> tuple[Plane, Plane]:
    """Returns the lesion's melanin and blood, (height, width) each, at least 0."""
    core = kind.centre * ramp(depth, 0.1, 0.9)
    body = 1 + kind.patches * canvas.noise(3.5, 9) + 0.2 * canvas.noise(50) + core
    blood = kind.blood * cover * (1 + 0.4 * canvas.noise(5) + np.minimum(0.6 * core, 0))
    if kind.network or kind.globules or kind.lacunae:
        comb, where = canvas.honeycomb(kind.meshes, 4), ramp(canvas.noise(4), -0.6, 0.7)
        body += kind.network * (1.5 * ramp(-comb, -0.8, 1.5) - 0.5) * where
        elsewhere = 1 - where if kind.network else where + 0.1
        body += kind.globules * (1.9 * ramp(comb, 0.6, 2.7) - 0.3) * elsewhere
        blood *= 1 + kind.lacunae * (ramp(comb, -1, 1.5) - 0.5)
        body += 4 * kind.lacunae * ramp(comb, 0, 2) * ramp(canvas.noise(4), 0.2, 1.2)
    if kind.vessels:
        branches = np.exp(-((canvas.noise(6, 15) / 0.09) ** 2)) * ramp(canvas.noise(3), -0.8, 0.4)
        blood += kind.vessels * branches * ramp(depth, -0.3, 0.2)
    return kind.melanin * canvas.rng.uniform(0.8, 1.3) * cover * np.maximum(body, 0.1), np.maximum(blood, 0)


def _skin(canvas: Canvas, melanin: Plane, blood: Plane) -> Plane:
    """Puts the pigments into skin of a random tone with freckles and furrows, and lights it; (3, height, width)."""
    rng = canvas.rng
    tone = float(rng.choice(_SKIN_TONES))
    coarse, patchy, fine = canvas.noise(2, 6), canvas.noise(4, 14), canvas.noise(40, 100)
    furrows = ramp(-canvas.honeycomb(rng.uniform(30, 55), 7), -0.6, 1.6) * ramp(coarse, -1.5, 1.5)
    melanin = melanin * (1 + 0.4 * tone) + tone * (1 + 0.09 * coarse) + 0.14 * ramp(patchy, 0.9, 2.3)
    melanin += (0.018 + 0.045 * tone) * (fine - furrows)
    flush = 1 + 0.08 * coarse - 0.08 * patchy + 0.1 * fine
    blood = blood + np.maximum(rng.uniform(0.12, 0.42) * flush - 0.03 * furrows, 0)
    light = -_MELANIN * rng.normal(1, 0.06, (3, 1, 1)).astype(np.float32) * melanin
    light -= _BLOOD * blood
    np.exp(light, out=light)
    light *= _DERMIS - _BLACK
    light += _BLACK
    return light


def _surface(picture: Plane, canvas: Canvas, kind: _LesionKind, depth: Plane, cover: Plane) -> None:
    """Draws veil, scar, scales, cysts and openings onto a lesion, in place."""
    rng = canvas.rng
    if kind.veil:
        deep = ramp(depth, 0, 0.5)
        blend(picture, (96, 104, 130), kind.veil * cover * deep * ramp(canvas.noise(3, 9), 0.1, 1.6))
        blend(picture, (224, 190, 184), 0.7 * kind.veil * cover * ramp(canvas.noise(3, 9), 0.4, 1.8))
    if kind.centre < 0:
        blend(picture, (240, 214, 208), 0.6 * ramp(depth + 0.15 * canvas.noise(9, 30), 0.3, 1.0))
    if kind.scales:
        blend(picture, (236, 222, 202), kind.scales * cover * ramp(canvas.noise(7, 40), 0.1, 1.6))
    for rgb in ((244, 228, 190), (60, 38, 28)) if kind.pearls else ():
        turn = rng.uniform(0, 2 * np.pi, kind.pearls)
        far = kind.radius * np.sqrt(rng.uniform(0, 1, kind.pearls))
        pearls = canvas.discs(far * np.sin(turn), far * np.cos(turn), rng.uniform(0.002, 0.009, kind.pearls))
        blend(picture, rgb, 0.7 * cover * pearls)


def _clutter(picture: Plane, canvas: Canvas) -> None:
    """Draws hairs, gel bubbles and a ruler over some pictures, in place."""
    rng = canvas.rng
    if rng.random() < 0.5:
        n, shade = rng.integers(2, 14), rng.uniform(0.8, 2.6)
        y, x = rng.uniform(-0.7, 0.7, n), rng.uniform(-0.7, 0.7, n)
        turn, bend = rng.normal(rng.uniform(0, np.pi), 0.4, n), rng.normal(0, 0.13, n)
        length, radius = rng.uniform(0.15, 1, n), rng.uniform(0.0012, 0.0028, n)
        hairs = canvas.strokes(Strokes(y, x, turn, length, bend, radius), taper=0.6)
        blend(picture, (44 * shade, 32 * shade, 28 * shade), 0.85 * hairs)
    if rng.random() < 0.3:
        n = rng.integers(3, 12)
        y, x, r = rng.uniform(-0.6, 0.6, n), rng.uniform(-0.6, 0.6, n), rng.uniform(0.006, 0.035, n)
        rims = 0.16 * canvas.discs(y, x, r) - 0.1 * canvas.discs(y, x, 0.88 * r)
        blend(picture, (255, 250, 245), rims + 0.6 * canvas.discs(y - 0.45 * r, x - 0.4 * r, 0.16 * r))
    if rng.random() < 0.25:
        place, same = np.arange(-20, 21), np.ones(41)
        length = np.where(place % 5, 0.02, 0.04)
        y = -canvas.y[0, 0] - 0.03 * same
        ruler = Strokes(y, 0.045 * place, np.pi / 2 * same, length, 0 * same, 0.0015 * same)
        ticks = canvas.strokes(ruler, taper=0)
        blend(picture, (45, 45, 50), 0.7 * ticks)


def _photograph(picture: Plane, canvas: Canvas) -> Pixels:
    """Adds the camera's vignette or aperture, colour cast and grain; returns (height, width, 3)."""
    rng = canvas.rng
    far = np.sqrt(canvas.x**2 + canvas.y**2)
    light = 1 - rng.uniform(0.05, 0.35) * ramp(1.3 * far**2, 0.1, 1.1) + 0.05 * canvas.noise(0.8)
    if rng.random() < 0.15:
        light *= ramp(-far, -0.75, -0.71)
    picture *= light
    picture *= _CAMERAS[rng.integers(len(_CAMERAS))]
    picture += 2 * rng.standard_normal(canvas.shape, np.float32) + 0.5
    np.clip(picture, 0, 255, out=picture)
    return np.ascontiguousarray(picture.astype(np.uint8).transpose(1, 2, 0))


def draw(seed: int, height: int, width: int) -> Pixels:
    """Draws one phantom: skin, a lesion-like patch, sometimes hairs, bubbles or a ruler.

    `seed` modulo 7 picks one of seven kinds of patch, so that neighbouring seeds look different. A seed always gives
    the same picture for the same size, machine and version of NumPy; another processor may round a value differently.

    Args:
        seed: At least 0.
        height: In pixels, at least 1.
        width: In pixels, at least 1.

    Returns:
        Array of shape (height, width, 3), RGB, values 0 to 255.
    """
    canvas = Canvas(np.random.default_rng(seed), height, width)
    kind = tuple(_KINDS.values())[seed % len(_KINDS)]
    depth = _depth(canvas, kind)
    cover = ramp(depth, -kind.softness, kind.softness)
    picture = _skin(canvas, *_pigments(canvas, kind, depth, cover))
    _surface(picture, canvas, kind, depth, cover)
    _clutter(picture, canvas)
    return _photograph(picture, canvas)
