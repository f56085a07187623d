"""The views `lesions` and `patients`, against figures that pandas computes from the raw rows."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.queries import views
from melanoma.table.score_table import ScoreTable
from tests.helpers.score_rows import row
from tests.helpers.visits import KEPT, many_visits, scored_frame, visit, write_visits

ROWS = many_visits()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ScoreTable:
    return write_visits(tmp_path_factory.mktemp("groups") / "scores", ROWS)


def found(table: ScoreTable, view: str, **roles: str) -> list[dict[str, Any]]:
    return list(views.query(table, f"FROM {view} ORDER BY 1", views.Additions(roles=roles)).to_pylist())


@pytest.mark.parametrize(("view", "column"), [("lesions", "lesion_id"), ("patients", "patient_id")])
def test_each_figure_is_that_of_pandas(table: ScoreTable, view: str, column: str) -> None:
    groups = scored_frame(ROWS).groupby(column)
    rows = {group[column]: group for group in found(table, view)}
    assert set(rows) == set(groups.groups) and len(rows) > 50
    for name, group in groups:
        p, mine = group["p_melanoma"], rows[name]
        assert (mine["photographs"], mine["dated_by"]) == (len(group), "visit_date")
        assert (mine["first_date"], mine["last_date"]) == (group["visit_date"].min(), group["visit_date"].max())
        assert (mine["flagged"], mine["to_review"]) == (group["flag_melanoma"].sum(), group["review"].sum())
        assert mine["max_p_melanoma"] == pytest.approx(p.max()) and mine["mean_p_melanoma"] == pytest.approx(p.mean())
        assert mine["spread_p_melanoma"] == pytest.approx(p.max() - p.min())
        assert mine["mean_p_nevus"] == pytest.approx(1 - p.mean(), abs=1e-6)
        newest = group.sort_values(["visit_date", "scored_at", "image_uri"]).iloc[-1]
        for key in ("image_id", "image_uri", "top_label", "p_melanoma", "p_nevus"):
            assert mine[f"newest_{key}"] == pytest.approx(newest[key]) if key[:2] == "p_" else newest[key]
        assert view == "lesions" or mine["lesions"] == group["lesion_id"].nunique()


def test_photographs_without_an_id_and_other_models_belong_to_no_lesion(tmp_path: Path) -> None:
    rows = [visit("a", 0.2), visit("b", 0.4, None), visit("c", 0.4, " "), visit("d", 0.9, model_id="m-000000000002")]
    rows[3] |= {"run_id": "20260103T000000Z-00000000"}
    (only,) = found(write_visits(tmp_path, rows), "lesions")
    assert (only["lesion_id"], only["photographs"], only["newest_image_id"]) == ("L1", 1, "DOE-a")
    assert only["flagged"] is None and only["to_review"] is None  # a model without these thresholds


def test_another_column_may_hold_the_ids(table: ScoreTable) -> None:
    clinics = {group["clinic"]: group["photographs"] for group in found(table, "lesions", lesion="CLINIC")}
    assert clinics == scored_frame(ROWS)["clinic"].value_counts().to_dict()


def test_without_the_column_only_that_view_is_an_error_and_says_how_to_keep_it(tmp_path: Path) -> None:
    table = write_visits(tmp_path, [row("a", patient_id="P1")], pa.schema([("patient_id", pa.string())]))
    assert found(table, "patients")[0]["lesions"] is None
    assert found(table, "current")
    with pytest.raises(UsageError, match=r"view lesions needs the column 'lesion_id', .* --keep lesion_id"):
        found(table, "lesions")


def test_a_name_with_quotes_is_a_name(tmp_path: Path) -> None:
    kept = pa.schema([('le"s', pa.string()), *KEPT])
    rows = [visit("a", 0.3, **{'le"s': "x"})]
    assert found(write_visits(tmp_path, rows, kept), "lesions", lesion='le"s')[0]['le"s'] == "x"


def test_kept_columns_are_in_no_view_s_way_whatever_their_names(tmp_path: Path) -> None:
    names = [
        "_lesion",
        "_date",
        "_time",
        "_group",
        "_clinic",
        "photographs",
        "lesions",
        "date",
        "label",
        "drift",
        "noise",
    ]
    kept = pa.schema([*KEPT, *((name, pa.string()) for name in names)])
    rows = [visit(str(n), 0.2, clinic="A", patient_id="P1", **dict.fromkeys(names, f"x{n}")) for n in range(3)]
    table = write_visits(tmp_path, rows, kept)
    assert found(table, "lesions")[0]["photographs"] == 3 and found(table, "patients")[0]["lesions"] == 1
    assert [day["photographs"] for day in found(table, "over_time")] == [3, 3]
    assert [one["photographs"] for one in found(table, "clinics")] == [3]
    assert len(found(table, "lesions", lesion="label")) == 3
