"""Phantoms: lesion-like pictures drawn from a seed, and a folder of them, some broken, to try the job on.

No photograph goes into them. They depict no disease, and what a network says about them proves nothing about
its accuracy.
"""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from melanoma.errors import UsageError
from melanoma.local_files import replace_file

Format = Literal["jpeg", "png"]

_EXIF_ORIENTATION = 0x0112

_Plane = npt.NDArray[np.float32]  # (height, width), or (3, height, width) for a picture in the making
_Points = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class _Look:
    radius: float  # all lengths are in short sides of the picture
    irregularity: float
    softness: float  # of the border
    melanin: float
    blood: float
    patches: float  # unevenness of the melanin
    network: float = 0.0  # dark lines of a honeycomb ...
    globules: float = 0.0  # ... dark dots in its meshes
    lacunae: float = 0.0  # ... or pools of blood there
    meshes: float = 24.0  # per short side
    centre: float = 0.0  # pigment added in the middle, negative: a pale scar
    veil: float = 0.0  # blue-grey and white areas
    scales: float = 0.0
    vessels: float = 0.0
    pearls: int = 0  # light cysts and dark openings


_LOOKS = {
    "nevus": _Look(0.25, 0.05, 0.22, 0.95, 0.20, 0.12, network=0.45, meshes=34, centre=0.25),
    "melanoma": _Look(0.31, 0.22, 0.13, 1.5, 0.25, 0.45, network=0.5, globules=0.4, meshes=28, veil=0.6),
    "keratosis": _Look(0.29, 0.11, 0.07, 0.65, 0.15, 0.25, globules=0.4, meshes=18, scales=0.35, pearls=36),
    "vascular": _Look(0.22, 0.10, 0.10, 0.10, 1.3, 0.20, lacunae=1.1, meshes=9),
    "dermatofibroma": _Look(0.25, 0.06, 0.50, 0.60, 0.45, 0.12, network=0.4, meshes=38, centre=-1.1),
    "carcinoma": _Look(0.28, 0.14, 0.30, 0.12, 0.80, 0.30, veil=0.15, scales=0.25, vessels=1.3),
    "globular nevus": _Look(0.26, 0.09, 0.18, 0.70, 0.15, 0.18, globules=0.8, meshes=24),
}


def _tint(*rgb: float) -> _Plane:
    return np.array(rgb, np.float32)[:, None, None]


# Light comes back from the dermis less what melanin and blood take of red, green and blue.
_MELANIN, _BLOOD = _tint(0.50, 0.92, 1.22), _tint(0.10, 0.82, 0.62)
_DERMIS, _BLACK = _tint(250, 229, 220), _tint(34, 22, 22)
_SKIN_TONES = (0.03, 0.06, 0.10, 0.16, 0.30, 0.55, 0.85)
_CAMERAS = (_tint(1, 0.94, 0.95), _tint(0.98, 0.94, 1.03), _tint(1, 0.98, 0.90), _tint(0.98, 0.98, 1))


def _ramp(values: _Plane, low: float, high: float) -> _Plane:
    t: _Plane = values - low
    t *= 1 / (high - low)
    np.clip(t, 0, 1, out=t)
    return t * t * (3 - 2 * t)


def _blend(picture: _Plane, rgb: tuple[float, float, float], cover: _Plane) -> None:
    change = _tint(*rgb) - picture
    change *= cover
    picture += change


@lru_cache(maxsize=128)
def _spline(length: int, spacing: float) -> _Plane:
    position = np.arange(length) / spacing
    knot = position.astype(int)
    f = position - knot
    weights = np.zeros((length, knot[-1] + 4), np.float32)
    for k, weight in enumerate(((1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, 3 * (f + f**2 - f**3) + 1, f**3)):
        weights[np.arange(length), knot + k] = weight / 2.87  # unit variance from unit variance at the knots
    return weights


class _Canvas:
    def __init__(self, rng: np.random.Generator, height: int, width: int) -> None:
        self.rng, self.shape, self.short = rng, (height, width), min(height, width)
        middle = np.array([[height - 1], [width - 1]]) / 2
        self.y = ((np.arange(height) - middle[0]) / self.short).astype(np.float32)[:, None]
        self.x = ((np.arange(width) - middle[1]) / self.short).astype(np.float32)

    def noise(self, *cells: float) -> _Plane:
        total = np.zeros(self.shape, np.float32)
        for octave, cell in enumerate(cells):
            rows, columns = (_spline(length, self.short / cell) for length in self.shape)
            knots = self.rng.standard_normal((rows.shape[1], columns.shape[1]), np.float32)
            total += rows @ (0.55**octave * knots @ columns.T)
        return total

    def honeycomb(self, meshes: float, bend: float) -> _Plane:
        turn = self.rng.uniform(0, np.pi)
        ky, kx = float(2 * np.pi * meshes * np.sin(turn)), float(2 * np.pi * meshes * np.cos(turn))
        u = ky * self.y + kx * self.x + bend * self.noise(meshes / 3)
        v = kx * self.y - ky * self.x + bend * self.noise(meshes / 3)
        c = np.cos(0.5 * u)
        comb: _Plane = 2 * c * (c + np.cos(0.75**0.5 * v)) - 1 + 0.7 * self.noise(1.4 * meshes)
        return comb

    def discs(self, y: _Points, x: _Points, radius: _Points) -> _Plane:
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

    def strokes(
        self,
        y: _Points,
        x: _Points,
        turn: _Points,
        length: _Points,
        bend: _Points,
        radius: _Points,
        taper: float,
    ) -> _Plane:
        t = np.linspace(0, 1, int(1.1 * self.short))[:, None]
        along, aside = length * (t - 0.5), 4 * bend * length * t * (1 - t)
        path_y = y + along * np.sin(turn) + aside * np.cos(turn)
        path_x = x + along * np.cos(turn) - aside * np.sin(turn)
        return self.discs(path_y.ravel(), path_x.ravel(), (radius * (1 - taper * t * t)).ravel())


def _depth(canvas: _Canvas, look: _Look) -> _Plane:
    """1 in the lesion's middle, 0 on its border, negative outside."""
    rng = canvas.rng
    turn, squeeze = rng.uniform(0, np.pi), rng.uniform(0.7, 0.97)
    sine, cosine = float(np.sin(turn)), float(np.cos(turn))
    y, x = canvas.y - rng.normal(0, 0.035), canvas.x - rng.normal(0, 0.035)
    major, minor = cosine * x + sine * y, (cosine * y - sine * x) / squeeze
    angle, waves = np.linspace(-np.pi, np.pi, 721), np.arange(2, 15)
    bulge = np.cos(np.outer(angle, waves) + rng.uniform(0, 2 * np.pi, waves.size)) @ (
        rng.normal(size=waves.size) / waves
    )
    border = look.radius * rng.uniform(0.8, 1.2) * np.exp(look.irregularity * bulge)
    reach = np.interp(np.arctan2(minor, major), angle, border).astype(np.float32)
    roughness = (0.04 + 0.13 * look.irregularity) * canvas.noise(9, 22, 60)
    depth: _Plane = 1 - np.hypot(major, minor) / reach + roughness
    return depth


def _pigments(canvas: _Canvas, look: _Look, depth: _Plane, cover: _Plane) -> tuple[_Plane, _Plane]:
    core = look.centre * _ramp(depth, 0.1, 0.9)
    body = 1 + look.patches * canvas.noise(3.5, 9) + 0.1 * canvas.noise(40, 80) + core
    blood = look.blood * cover * (1 + 0.27 * canvas.noise(4, 10) + np.minimum(0.6 * core, 0))
    if look.network or look.globules or look.lacunae:
        comb, where = canvas.honeycomb(look.meshes, 2.2), _ramp(canvas.noise(4), -0.9, 1)
        body += look.network * (1.5 * _ramp(-comb, -0.8, 1.5) - 0.5) * where
        elsewhere = 1 - where if look.network else where + 0.1
        body += look.globules * (1.9 * _ramp(comb, 0.6, 2.7) - 0.3) * elsewhere
        blood *= 1 + look.lacunae * (_ramp(comb, -1, 1.5) - 0.5)
        body += 4 * look.lacunae * _ramp(comb, 0, 2) * _ramp(canvas.noise(4), 0.3, 1.6)
    if look.vessels:
        branches = np.exp(-((canvas.noise(6, 15) / 0.09) ** 2)) * _ramp(canvas.noise(3), -0.8, 0.4)
        blood += look.vessels * branches * _ramp(depth, -0.3, 0.2)
    return look.melanin * canvas.rng.uniform(0.8, 1.3) * cover * np.maximum(body, 0.1), np.maximum(blood, 0)


def _skin(canvas: _Canvas, melanin: _Plane, blood: _Plane) -> _Plane:
    """Lays the lesion's pigments into skin of some tone, with freckles and furrows, and lights it."""
    rng = canvas.rng
    tone = float(rng.choice(_SKIN_TONES))
    furrows = _ramp(-canvas.honeycomb(rng.uniform(30, 55), 4), -0.6, 1.6) * _ramp(canvas.noise(3), -1.5, 1.5)
    melanin = melanin * (1 + 0.4 * tone) + tone * (1 + 0.06 * canvas.noise(2, 6, 30))
    melanin += 0.14 * _ramp(canvas.noise(4, 14), 1.1, 2.8)
    melanin += (0.012 + 0.03 * tone) * (canvas.noise(60, 110) - 1.5 * furrows)
    flush = 1 + 0.06 * canvas.noise(2, 9) + 0.06 * canvas.noise(30, 70)
    blood = blood + np.maximum(rng.uniform(0.12, 0.42) * flush - 0.03 * furrows, 0)
    light = -_MELANIN * rng.normal(1, 0.06, (3, 1, 1)).astype(np.float32) * melanin
    light -= _BLOOD * blood
    np.exp(light, out=light)
    light *= _DERMIS - _BLACK
    light += _BLACK
    return light


def _surface(picture: _Plane, canvas: _Canvas, look: _Look, depth: _Plane, cover: _Plane) -> None:
    rng = canvas.rng
    if look.veil:
        deep = _ramp(depth, 0, 0.5)
        _blend(picture, (96, 104, 130), look.veil * cover * deep * _ramp(canvas.noise(3, 9, 40), 0.2, 2.6))
        _blend(picture, (224, 190, 184), 0.7 * look.veil * cover * _ramp(canvas.noise(3, 9, 40), 0.6, 2.6))
    if look.centre < 0:
        _blend(picture, (240, 214, 208), 0.6 * _ramp(depth + 0.1 * canvas.noise(9, 30), 0.3, 1.0))
    if look.scales:
        _blend(picture, (236, 222, 202), look.scales * cover * _ramp(canvas.noise(7, 30, 70), 0.2, 2.4))
    for rgb in ((244, 228, 190), (60, 38, 28)) if look.pearls else ():
        turn = rng.uniform(0, 2 * np.pi, look.pearls)
        far = look.radius * np.sqrt(rng.uniform(0, 1, look.pearls))
        pearls = canvas.discs(far * np.sin(turn), far * np.cos(turn), rng.uniform(0.002, 0.009, look.pearls))
        _blend(picture, rgb, 0.7 * cover * pearls)


def _clutter(picture: _Plane, canvas: _Canvas) -> None:
    """Lays hairs, gel bubbles and a ruler over some pictures."""
    rng = canvas.rng
    if rng.random() < 0.5:
        n, shade = rng.integers(2, 14), rng.uniform(0.8, 2.6)
        y, x = rng.uniform(-0.7, 0.7, n), rng.uniform(-0.7, 0.7, n)
        turn, bend = rng.normal(rng.uniform(0, np.pi), 0.4, n), rng.normal(0, 0.13, n)
        length, radius = rng.uniform(0.15, 1, n), rng.uniform(0.0012, 0.0028, n)
        hairs = canvas.strokes(y, x, turn, length, bend, radius, taper=0.6)
        _blend(picture, (44 * shade, 32 * shade, 28 * shade), 0.85 * hairs)
    if rng.random() < 0.3:
        n = rng.integers(3, 12)
        y, x, r = rng.uniform(-0.6, 0.6, n), rng.uniform(-0.6, 0.6, n), rng.uniform(0.006, 0.035, n)
        rims = 0.16 * canvas.discs(y, x, r) - 0.1 * canvas.discs(y, x, 0.88 * r)
        _blend(picture, (255, 250, 245), rims + 0.6 * canvas.discs(y - 0.45 * r, x - 0.4 * r, 0.16 * r))
    if rng.random() < 0.25:
        place, same = np.arange(-20, 21), np.ones(41)
        length = np.where(place % 5, 0.02, 0.04)
        y = -canvas.y[0, 0] - 0.03 * same
        ticks = canvas.strokes(y, 0.045 * place, np.pi / 2 * same, length, 0 * same, 0.0015 * same, taper=0)
        _blend(picture, (45, 45, 50), 0.7 * ticks)


def _photograph(picture: _Plane, canvas: _Canvas) -> npt.NDArray[np.uint8]:
    """Adds what the camera adds: vignette or aperture, colour cast, grain."""
    rng = canvas.rng
    far = np.hypot(canvas.x, canvas.y)
    light = 1 - rng.uniform(0.05, 0.35) * _ramp(1.3 * far**2, 0.1, 1.1) + 0.05 * canvas.noise(0.8)
    if rng.random() < 0.15:
        light *= _ramp(-far, -0.75, -0.71)
    picture *= light
    picture *= _CAMERAS[rng.integers(len(_CAMERAS))]
    picture += 2 * rng.standard_normal(canvas.shape, np.float32) + 0.5
    np.clip(picture, 0, 255, out=picture)
    return np.ascontiguousarray(picture.astype(np.uint8).transpose(1, 2, 0))


def draw(seed: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Draws one phantom: skin, a lesion-like patch, sometimes hairs, bubbles or a ruler.

    Seven kinds of patch take turns: `seed` modulo 7 picks the kind, so neighbouring seeds look different. One
    seed gives one picture at a given size, machine and numpy; another processor may round a value to its
    neighbour.

    Args:
        seed: At least 0.
        height: In pixels, at least 1.
        width: In pixels, at least 1.

    Returns:
        Array of shape (height, width, 3), RGB, values 0 to 255.
    """
    canvas = _Canvas(np.random.default_rng(seed), height, width)
    look = tuple(_LOOKS.values())[seed % len(_LOOKS)]
    depth = _depth(canvas, look)
    cover = _ramp(depth, -look.softness, look.softness)
    picture = _skin(canvas, *_pigments(canvas, look, depth, cover))
    _surface(picture, canvas, look, depth, cover)
    _clutter(picture, canvas)
    return _photograph(picture, canvas)


def encode(pixels: npt.NDArray[np.uint8], format: Format, quality: int = 90, orientation: int = 1) -> bytes:
    """Encodes a picture as a file's bytes.

    Args:
        pixels: Shape (height, width, 3), RGB, or (height, width), grey.
        format: "jpeg" or "png".
        quality: 1 to 95, of a JPEG.
        orientation: The EXIF tag that is written beside the pixels, 1 to 8; 1 writes none.

    Returns:
        A complete file.
    """
    options: dict[str, Any] = {"quality": quality} if format == "jpeg" else {"compress_level": 1}
    if orientation != 1:
        options["exif"] = Image.Exif()
        options["exif"][_EXIF_ORIENTATION] = orientation
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, format, **options)
    return data.getvalue()


_TURNS = {3: 2, 6: 1, 8: 3}  # orientation: quarter turns to the left that a viewer takes back
_SIZES = ((450, 600), (768, 1024), (224, 224), (600, 450), (480, 640))
_FOLDERS = ("2026-clinic-a", "2026-clinic-b", "2026-clinic-c")
_MARKER = "README.txt"
_README = """These pictures are drawn by a program; no photograph went into them. They depict no disease and
no person, and what a network says about them proves nothing about its accuracy. They serve to try the job on.

{count} files lie in the folders beside this one, {broken} of them broken on purpose: their names say how.
Drawn with: count {count}, broken {broken}, seed {seed}.
"""


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_HUGE_HEADER = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 6, 0, 0, 0)
_HUGE = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", _HUGE_HEADER) + _chunk(b"IEND", b"")
_PAGE = b"<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n"


def _with_flipped_byte(png: bytes) -> bytes:
    place = 1000  # inside the first piece of compressed pixels
    return png[:place] + bytes([png[place] ^ 0xFF]) + png[place + 1 :]


_FAULTS: dict[str, tuple[Format, Callable[[bytes], bytes]]] = {
    "empty": ("jpeg", lambda whole: b""),
    "cut-in-half": ("jpeg", lambda whole: whole[: len(whole) // 2]),
    "web-page": ("jpeg", lambda whole: _PAGE),
    "flipped-byte": ("png", _with_flipped_byte),
    "huge-header": ("png", lambda whole: _HUGE),
}


class _Sample(NamedTuple):
    path: Path
    seed: int
    size: tuple[int, int]
    format: Format
    orientation: int
    is_grey: bool
    fault: str | None

    def data(self) -> bytes:
        pixels = np.rot90(draw(self.seed, *self.size), _TURNS.get(self.orientation, 0))
        if self.is_grey:
            pixels = pixels.mean(axis=2).astype(np.uint8)
        whole = encode(np.ascontiguousarray(pixels), self.format, orientation=self.orientation)
        return _FAULTS[self.fault][1](whole) if self.fault else whole


def _plan(folder: Path, count: int, broken: int, seed: int) -> list[_Sample]:
    faults = {(2 * k + 1) * count // (2 * broken): fault for k, fault in zip(range(broken), cycle(_FAULTS))}
    sound = [index for index in range(count) if index not in faults]
    grey = sound[len(sound) // 2] if sound else None
    samples = []
    for index in range(count):
        fault = faults.get(index)
        format: Format = _FAULTS[fault][0] if fault else "png" if index % 4 == 3 else "jpeg"
        name = f"phantom-{index + 1:04d}{'-' + fault if fault else ''}.{'png' if format == 'png' else 'jpg'}"
        turned = {5: 6, 16: 3, 26: 8}.get(index % 34, 1) if format == "jpeg" and not fault else 1
        # The cycles of 3 folders, 4 formats, 5 sizes and 7 looks share no divisor, so all combinations occur.
        path = folder / _FOLDERS[index % len(_FOLDERS)] / name
        size = _SIZES[index % len(_SIZES)]
        samples.append(_Sample(path, seed * 1_000_003 + index, size, format, turned, index == grey, fault))
    return samples


def _claim(folder: Path, readme: str) -> None:
    """Makes sure that the folder is new or holds this very set: phantoms never mix with anything else."""
    marker = folder / _MARKER
    if marker.is_file() and marker.read_bytes() == readme.encode():
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} holds something else than this set of samples, and nothing there is overwritten; "
            "name a new or empty folder, or the same count, broken and seed as before"
        )
    replace_file(str(marker), readme.encode())


def write_samples(
    folder: Path,
    count: int = 200,
    broken: int = 5,
    seed: int = 0,
    on_each: Callable[[Path], object] = lambda path: None,
) -> list[Path]:
    """Fills a folder with samples: JPEG and PNG, several sizes, some turned by EXIF, one grey, some broken.

    The same arguments give the same files. What a stopped call left undone, the next one completes; a file
    that is there is never written again.

    Args:
        folder: New, empty, or filled by an earlier call with the same arguments, as its `README.txt` states.
        count: Files in all, at least 1, the README not counted.
        broken: How many of them are broken, spread among the others; the name says how.
        seed: At least 0.
        on_each: Called with each path once that file is there.

    Returns:
        The `count` paths, in the order of their numbers.

    Raises:
        UsageError: A number is out of range, or the folder holds something else.
        OSError: The folder cannot be written.
    """
    if count < 1 or not 0 <= broken <= count or seed < 0:
        raise UsageError(
            f"count {count}, broken {broken}, seed {seed}: "
            "count must be at least 1, broken between 0 and count, seed at least 0"
        )
    _claim(folder, _README.format(count=count, broken=broken, seed=seed))
    plan = _plan(folder, count, broken, seed)
    for sample in plan:
        if not sample.path.exists():
            replace_file(str(sample.path), sample.data())
        on_each(sample.path)
    return [sample.path for sample in plan]
