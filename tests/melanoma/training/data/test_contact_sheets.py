"""Contact sheets: the photograph beside its variants, whatever it is called."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from melanoma.datasets.folders import read_folders
from melanoma.datasets.photographs import Photograph
from melanoma.training.data.contact_sheets import SheetConfig, plot_sheet
from melanoma.training.data.policies import POLICIES
from tests.helpers import fill


@pytest.fixture
def photographs(tmp_path: Path) -> list[Photograph]:
    fill(tmp_path / "nevus", 3)
    (tmp_path / "nevus" / "lesion-0002.jpg").rename(tmp_path / "nevus" / "$\\frac{ \u202e\u6f22 name.jpg")
    return read_folders(str(tmp_path))


@pytest.mark.parametrize("look", sorted(POLICIES))
@pytest.mark.filterwarnings("error")
def test_a_sheet_has_a_row_for_each_photograph_and_is_drawn_alike_again(
    photographs: list[Photograph], look: str
) -> None:
    config = SheetConfig(POLICIES[look], (32, 32), rows=9, variants=3, seed=4)
    sheet = plot_sheet(photographs, config)
    assert sheet == plot_sheet(photographs, config)
    assert sheet != plot_sheet(photographs, replace(config, seed=5))
    one_row = plot_sheet(photographs, replace(config, rows=1))
    assert Image.open(io.BytesIO(sheet)).height > 2 * Image.open(io.BytesIO(one_row)).height


def test_each_look_draws_its_own(photographs: list[Photograph]) -> None:
    sheets = {plot_sheet(photographs, SheetConfig(policy, (32, 32), 2, 2, 4)) for policy in POLICIES.values()}
    assert len(sheets) == 2
