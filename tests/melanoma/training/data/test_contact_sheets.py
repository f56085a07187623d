"""Contact sheets: each photograph beside its augmented images, even with an odd name."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from melanoma.datasets.folders import read_folders
from melanoma.datasets.photographs import Photograph
from melanoma.images import encoding
from melanoma.training.data.contact_sheets import SheetConfig, letterbox, plot_sheet
from melanoma.training.data.policies import POLICIES
from tests.helpers import fill

CONFIG = SheetConfig(POLICIES["views"], (32, 32), rows=2, variants=2, seed=4)


@pytest.fixture
def photographs(tmp_path: Path) -> list[Photograph]:
    fill(tmp_path / "nevus", 3)
    (tmp_path / "nevus" / "lesion-0002.jpg").rename(tmp_path / "nevus" / "$\\frac{ \u202e\u6f22 name.jpg")
    return read_folders(str(tmp_path))


def size(sheet: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(sheet)).size


@pytest.mark.filterwarnings("error")
def test_a_sheet_has_a_row_for_each_photograph_even_with_an_odd_name(photographs: list[Photograph]) -> None:
    sheet = plot_sheet(photographs, replace(CONFIG, rows=9))
    assert size(sheet) == (3 * 165, 624)


def test_rows_are_limited_and_columns_are_the_variants_and_the_original(photographs: list[Photograph]) -> None:
    sheet = plot_sheet(photographs, replace(CONFIG, rows=1, variants=4))
    assert size(sheet) == (5 * 165, 244)


def test_the_seed_determines_the_sheet(photographs: list[Photograph]) -> None:
    one = replace(CONFIG, rows=1)
    sheet = plot_sheet(photographs, one)
    assert sheet == plot_sheet(photographs, one)
    assert sheet != plot_sheet(photographs, replace(one, seed=5))


def test_each_policy_makes_a_different_sheet(photographs: list[Photograph]) -> None:
    sheets = {plot_sheet(photographs, replace(CONFIG, rows=1, policy=policy)) for policy in POLICIES.values()}
    assert len(sheets) == len(POLICIES)


@pytest.mark.parametrize(("height", "width"), [(60, 30), (30, 60), (45, 45)])
def test_the_original_keeps_its_aspect_ratio_on_white(height: int, width: int) -> None:
    data = encoding.encode(np.full((height, width, 3), (200, 60, 60), np.uint8), "png")
    tile = letterbox(data, (40, 40))
    is_red = (np.abs(tile.astype(int) - (200, 60, 60)).max(axis=2) < 5).astype(int)
    assert is_red.any(axis=1).sum() / is_red.any(axis=0).sum() == height / width
    assert max(is_red.any(axis=1).sum(), is_red.any(axis=0).sum()) == 40
    assert np.array_equal(is_red, is_red[::-1, ::-1])  # centred
    assert (tile[is_red == 0] == 255).all()
