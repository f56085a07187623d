"""Contact sheets: the photograph beside its variants, whatever it is called."""

import io
from pathlib import Path

import pytest
from PIL import Image

from melanoma.datasets.folders import read_folders
from melanoma.datasets.photographs import Photograph
from melanoma.training.data.contact_sheets import draw_sheet
from melanoma.training.data.policies import LOOKS
from tests.helpers import fill


@pytest.fixture
def photographs(tmp_path: Path) -> list[Photograph]:
    fill(tmp_path / "nevus", 3)
    (tmp_path / "nevus" / "lesion-0002.jpg").rename(tmp_path / "nevus" / "$\\frac{ \u202e\u6f22 name.jpg")
    return read_folders(str(tmp_path))


@pytest.mark.parametrize("look", sorted(LOOKS))
@pytest.mark.filterwarnings("error")
def test_a_sheet_has_a_row_for_each_photograph_and_is_drawn_alike_again(
    photographs: list[Photograph], look: str
) -> None:
    sheet = draw_sheet(photographs, look, (32, 32), seed=4, rows=9, variants=3)
    assert sheet == draw_sheet(photographs, look, (32, 32), seed=4, rows=9, variants=3)
    assert sheet != draw_sheet(photographs, look, (32, 32), seed=5, rows=9, variants=3)
    one_row = draw_sheet(photographs, look, (32, 32), seed=4, rows=1, variants=3)
    assert Image.open(io.BytesIO(sheet)).height > 2 * Image.open(io.BytesIO(one_row)).height


def test_each_look_draws_its_own(photographs: list[Photograph]) -> None:
    sheets = {draw_sheet(photographs, look, (32, 32), seed=4, rows=2, variants=2) for look in LOOKS}
    assert len(sheets) == 2
