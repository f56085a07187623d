"""The view `over_time`: probabilities by date and their noise, against NumPy on the raw rows."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.queries import views
from melanoma.queries.over_time import BAND, CLIP, MIN_REPEATS
from melanoma.table.score_table import ScoreTable
from tests.helpers.score_rows import row
from tests.helpers.visits import START, many_visits, scored_frame, visit, write_visits

ROWS = many_visits(1)
FIRST = "SELECT * FROM over_time WHERE label = 'melanoma' ORDER BY lesion_id, date"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ScoreTable:
    return write_visits(tmp_path_factory.mktemp("time") / "scores", ROWS)


def found(table: ScoreTable, sql: str = FIRST, **roles: str) -> list[dict[str, Any]]:
    return list(views.query(table, sql, views.Additions(roles=roles)).to_pylist())


def logit(p: Any) -> npt.NDArray[np.float64]:
    clipped = np.clip(np.asarray(p, np.float64), CLIP, 1 - CLIP)
    return np.asarray(np.log(clipped / (1 - clipped)))


def back(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


@pytest.mark.parametrize("label", ["melanoma", "nevus"])
def test_values_and_noise_are_those_of_numpy(table: ScoreTable, label: str) -> None:
    rows = found(table, FIRST.replace("melanoma", label))
    days = scored_frame(ROWS).groupby(["lesion_id", "visit_date"])[f"p_{label}"]
    assert [(day["lesion_id"], day["date"]) for day in rows] == sorted(days.groups)
    squares = sum(((logit(p) - logit(p).mean()) ** 2).sum() for _, p in days)
    repeats = sum(len(p) - 1 for _, p in days)
    noise = np.sqrt(squares / repeats)
    assert 0.3 < noise < 0.5  # was drawn as 0.4
    before: dict[str, float] = {}
    for day in rows:
        p = days.get_group((day["lesion_id"], day["date"])).mean()
        assert (day["repeats"], day["note"], day["dated_by"]) == (repeats, None, "visit_date")
        assert [day["noise"], day["probability"]] == pytest.approx([noise, p])
        assert day["low"] == pytest.approx(back(logit(p) - BAND * noise))
        assert day["high"] == pytest.approx(back(logit(p) + BAND * noise))
        previous = before.get(day["lesion_id"])
        assert day["previous"] == (None if previous is None else pytest.approx(previous))
        if previous is not None:
            assert day["change"] == pytest.approx(p - previous)
            assert day["beyond_noise"] == (abs(logit(p) - logit(previous)) > 2 * np.sqrt(2) * noise)
        before[day["lesion_id"]] = p
    assert {day["beyond_noise"] for day in rows} >= {None, False}


def test_of_unchanged_lesions_few_changes_lie_beyond_the_noise(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    rows = [
        visit(f"{lesion}-{day}-{number}", back(rng.normal(-1, 0.5)), f"L{lesion}", day, image_sha256=None)
        for lesion in range(400)
        for day in (0, 50)
        for number in range(1 + (lesion < 100))
    ]
    changes = [day["beyond_noise"] for day in found(write_visits(tmp_path, rows)) if day["previous"] is not None]
    assert len(changes) == 400 and 0.01 < np.mean(changes) < 0.08


def test_a_lesion_that_really_changed_is_seen(tmp_path: Path) -> None:
    rows = [visit(f"{n}-{k}", 0.2 + 0.02 * k, f"L{n}") for n in range(MIN_REPEATS) for k in range(2)]
    newer = found(write_visits(tmp_path, [*rows, visit("later", 0.7, "L0", 90)]))[1]
    assert (newer["date"], newer["beyond_noise"]) == (START + datetime.timedelta(days=90), True)
    assert newer["change"] == pytest.approx(0.49, abs=1e-6)


def test_with_too_few_repeats_there_is_no_band_and_the_row_says_so(tmp_path: Path) -> None:
    rows = [visit(f"{n}-{k}", 0.2 + 0.02 * k, f"L{n}") for n in range(MIN_REPEATS - 1) for k in range(2)]
    first = found(write_visits(tmp_path, [*rows, visit("later", 0.9, "L0", 5)]))[1]
    assert (first["repeats"], first["note"]) == (MIN_REPEATS - 1, f"no noise band: fewer than {MIN_REPEATS} repeats")
    assert [first[name] for name in ("low", "high", "beyond_noise", "noise")] == [None] * 4
    assert first["probability"] == pytest.approx(0.9) and first["change"] == pytest.approx(0.69)


def test_copies_are_no_repeats(tmp_path: Path) -> None:
    rows = [visit(f"{k}", 0.2, image_sha256="ab" * 32) for k in range(50)]
    (only,) = found(write_visits(tmp_path, [*rows, visit("other", 0.4)]))
    assert (only["photographs"], only["repeats"]) == (2, 1)
    assert only["probability"] == pytest.approx(0.3)


def test_dates_of_runs_give_no_noise(tmp_path: Path) -> None:
    kept = pa.schema([("lesion_id", pa.string())])
    rows = [row(f"{n}", lesion_id="L1", image_sha256=f"{n:064}", p_melanoma=n / 100) for n in range(99)]
    (only,) = found(write_visits(tmp_path, rows, kept))
    assert (only["dated_by"], only["photographs"], only["noise"]) == ("scored_at", 99, None)
    assert "dates of runs do not tell which photographs are repeats" in only["note"]


def test_rows_without_a_date_or_a_lesion_have_no_place_in_time(tmp_path: Path) -> None:
    rows = [visit("a", 0.2), visit("b", 0.3, visit_date=None), visit("c", 0.4, None)]
    assert [day["probability"] for day in found(write_visits(tmp_path, rows))] == [pytest.approx(0.2)]


def test_a_certain_probability_lies_in_its_band(tmp_path: Path) -> None:
    rows = [visit(f"{n}-{k}", 0.2 + 0.02 * k, f"L{n}") for n in range(MIN_REPEATS) for k in range(2)]
    certain = [visit("zero", 0.0, "M0"), visit("one", 1.0, "M1")]
    days = found(write_visits(tmp_path, [*rows, *certain]))[-2:]
    assert [day["probability"] for day in days] == [0, 1]
    assert all(0 <= day["low"] <= day["probability"] <= day["high"] <= 1 for day in days)


def test_a_label_that_the_model_does_not_know_has_no_rows(tmp_path: Path) -> None:
    rows = [visit("a", 0.2, p_nevus=None), visit("b", 0.3, p_nevus=None)]
    assert {day["label"] for day in found(write_visits(tmp_path, rows), "FROM over_time")} == {"melanoma"}


@pytest.mark.parametrize("view", ["over_time", "lesions"])
def test_texts_of_which_none_is_a_date_are_a_mistake(tmp_path: Path, view: str) -> None:
    kept = pa.schema([("lesion_id", pa.string()), ("visit_date", pa.string())])
    dated = {"a": "31.03.2026", "b": "01.04.2026", "c": None}
    rows = [row(name, lesion_id="L1", visit_date=text) for name, text in dated.items()]
    table = write_visits(tmp_path, rows, kept)
    with pytest.raises(UsageError, match="none of 2 values of the column visit_date") as caught:
        found(table, f"FROM {view}")
    assert "31.03" not in str(caught.value)
    assert found(table, "SELECT count(*) AS n FROM scores") == [{"n": 3}]


def test_a_text_beside_dates_has_no_place_in_time(tmp_path: Path) -> None:
    kept = pa.schema([("lesion_id", pa.string()), ("visit_date", pa.string())])
    rows = [row("a", lesion_id="L1", visit_date="2026-03-31"), row("b", lesion_id="L1", visit_date="unknown")]
    assert [day["photographs"] for day in found(write_visits(tmp_path, rows, kept))] == [1]
