"""The view `clinics`, against pandas on the raw rows and the drift of the reports."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma.errors import UsageError
from melanoma.model.reference_distribution import MIN_PHOTOGRAPHS, histogram, reference_of
from melanoma.queries import views
from melanoma.reporting.drift import drift, level_of
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import SLUGS, commit, failed, row
from tests.helpers.visits import scored_frame, visit, write_visits

SIZES = {"a": 900, "b": 400, "c": MIN_PHOTOGRAPHS, "small": MIN_PHOTOGRAPHS - 1}


def drawn() -> list[dict[str, Any]]:
    """Draws the photographs of four clinics, of which `b` has far more melanomas; every tenth one failed besides."""
    rng = np.random.default_rng(3)
    rows = []
    for clinic, size in SIZES.items():
        for number in range(size):
            name = f"{clinic}/{number}"
            known = {"clinic": clinic, "image_uri": f"s3://archive/2025/{clinic}/x/{number}.jpg"}
            p = float(rng.beta(4, 2) if clinic == "b" else rng.beta(2, 4))
            rows.append(visit(name, p, **known, flag_melanoma=p > 0.7, ood_score=float(rng.random())))
            if number % 10 == 0:
                broken = {**known, "image_uri": f"s3://archive/2025/{clinic}/broken-{number}.jpg"}
                rows.append(failed(f"{name}-broken", **broken))
    return rows


ROWS = drawn()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ScoreTable:
    return write_visits(tmp_path_factory.mktemp("clinics") / "scores", ROWS)


def found(table: ScoreTable, levels: int = 1, **roles: str) -> dict[str | None, dict[str, Any]]:
    rows = views.query(table, "FROM clinics", views.Additions(roles=roles, clinic_levels=levels)).to_pylist()
    assert len({row["clinic"] for row in rows}) == len(rows)
    return {row["clinic"]: row for row in rows}


def test_numbers_are_those_of_pandas(table: ScoreTable) -> None:
    frame, clinics = scored_frame(ROWS), found(table, clinic="clinic")
    assert set(clinics) == set(SIZES)
    for clinic, group in frame.groupby("clinic"):
        mine, failures = clinics[str(clinic)], -(-SIZES[str(clinic)] // 10)
        assert (mine["scored"], mine["failed"]) == (len(group), failures)
        assert mine["photographs"] == len(group) + failures
        assert mine["failed_share"] == pytest.approx(failures / (len(group) + failures))
        assert mine["flagged"] == group["flag_melanoma"].sum() and mine["to_review"] is None
        for slug in SLUGS:
            assert mine[f"share_{slug}"] == pytest.approx((group["top_label"] == slug).mean())
            assert mine[f"mean_p_{slug}"] == pytest.approx(group[f"p_{slug}"].mean())


def test_drift_is_that_of_the_reports_against_all_other_clinics(table: ScoreTable) -> None:
    frame, clinics = scored_frame(ROWS), found(table, clinic="clinic")

    def distribution(part: Any) -> dict[str, Any]:
        p = part[[f"p_{slug}" for slug in SLUGS]].to_numpy()
        top = part["top_label"].map(SLUGS.index).to_numpy()
        return reference_of(SLUGS, p, top, part["ood_score"].astype(np.float32).to_numpy())

    for clinic in ("a", "b", "c"):
        here = frame["clinic"] == clinic
        judged = drift(distribution(frame[~here]), distribution(frame[here]))
        mine = clinics[clinic]
        assert mine["drift"] == pytest.approx(judged["columns"][judged["worst"]])
        assert mine["drift_level"] == judged["level"] == level_of(mine["drift"])
        assert judged["columns"][mine["drift_column"]] == pytest.approx(mine["drift"]) and mine["note"] is None
    assert clinics["b"]["drift_level"] == "warn"


def test_a_small_clinic_is_not_judged(table: ScoreTable) -> None:
    small = found(table, clinic="clinic")["small"]
    assert [small[name] for name in ("drift", "drift_column", "drift_level")] == [None] * 3
    assert small["note"] == f"drift not judged: fewer than {MIN_PHOTOGRAPHS} scored photographs here or elsewhere"


def test_folders_below_the_shared_one_are_clinics(table: ScoreTable) -> None:
    by_folder, by_column = found(table), found(table, clinic="clinic")
    assert set(by_folder) == {f"s3://archive/2025/{clinic}" for clinic in SIZES}
    for clinic in SIZES:
        mine, other = by_folder[f"s3://archive/2025/{clinic}"], by_column[clinic]
        assert mine["drift"] == pytest.approx(other["drift"]) and mine["failed"] == other["failed"]
    deeper = found(table, levels=2)
    assert deeper["s3://archive/2025/a/x"]["photographs"] == SIZES["a"] and deeper["s3://archive/2025/a"]["scored"] == 0


@pytest.mark.parametrize(
    ("uris", "clinics"),
    [
        (
            ["file:///in/a/1.jpg", "file:///in/ab/1.jpg", "file:///in/2.jpg"],
            ["file:///in", "file:///in/a", "file:///in/ab"],
        ),
        (["s3://one/1.jpg", "s3://two/x/1.jpg"], ["s3://one", "s3://two"]),
        (["s3://one/x/1.jpg", "file:///a/1.jpg"], ["file:", "s3://one"]),
        (["file:///in/a/1.jpg", "file:///in/a/2.jpg"], ["file:///in/a"]),
        (
            ["zip://x/1.jpg::file:///in/one.zip", "zip://2.jpg::file:///in/two.zip"],
            ["file:///in/one.zip", "file:///in/two.zip"],
        ),
    ],
)
def test_where_the_shared_folder_ends(tmp_path: Path, uris: list[str], clinics: list[str]) -> None:
    commit(tmp_path, [row(str(number), image_uri=uri) for number, uri in enumerate(uris)])
    assert sorted(map(str, found(table_in(tmp_path)))) == clinics


def test_every_photograph_of_the_current_model_counts_once(tmp_path: Path) -> None:
    commit(
        tmp_path,
        [
            row("scored", top_label="melanoma"),
            failed("scored", image_version="2", scored_at=row("x")["scored_at"].replace(day=3)),
            failed("broken"),
            failed("broken", attempt=2, scored_at=row("x")["scored_at"].replace(day=3)),
            row("other", model_id="m-000000000002", run_id="20260103T000000Z-00000000"),
        ],
    )
    (only,) = found(table_in(tmp_path)).values()
    assert [only[name] for name in ("photographs", "scored", "failed", "newer_failed")] == [2, 1, 1, 1]


def test_photographs_without_a_clinic_are_a_group_of_their_own(tmp_path: Path) -> None:
    rows = [visit("a", 0.2, clinic="A"), visit("b", 0.2, clinic=None), visit("c", 0.2, clinic=" ")]
    assert {name: one["photographs"] for name, one in found(write_visits(tmp_path, rows), clinic="clinic").items()} == {
        "A": 1,
        None: 2,
    }


def test_an_unknown_column_is_an_error(table: ScoreTable) -> None:
    with pytest.raises(UsageError, match=r"view clinics needs the column 'site', .* --clinic-column"):
        found(table, clinic="site")


def test_an_empty_table_has_no_clinics(tmp_path: Path) -> None:
    assert histogram(np.array([0.5]))[5] == 1  # the bins of the view are these
    commit(tmp_path, [])
    assert found(table_in(tmp_path)) == {}
