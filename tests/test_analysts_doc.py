"""Every query and command of docs/use/analysts.md gives the right answer on tables that real runs have written."""

import contextlib
import csv
import json
import os
import re
import shlex
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jobs.cli import main
from melanoma.queries import views
from melanoma.queries.root_account import Reason
from tests.helpers import ROOT, fill, photograph, write_tiny_bundle
from tests.helpers.outputs import table_in

PAGE = (ROOT / "docs" / "use" / "analysts.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
TEN = 10  # the questions that need no column from a manifest come first
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, bundle_uri: str) -> Path:
    """Two runs, two models, an overwritten photograph, a copy, and a broken file."""
    folder = tmp_path_factory.mktemp("analysts")
    other = write_tiny_bundle(folder / "other", seed=5)
    paths = fill(folder / "in", 6)
    paths[0] = paths[0].rename(paths[0].with_name("phantom-0012.jpg"))
    (folder / "in" / "copy.jpg").write_bytes(paths[0].read_bytes())
    (folder / "in" / "broken.jpg").write_bytes(b"")
    words = ["score", "--images", str(folder / "in"), "--bundle", bundle_uri, "--bundle", other]
    words += ["--output", str(folder / "out" / "scores")]
    assert main([*words, "--run-date", "2026-01-31"]) == 0
    paths[0].write_bytes(photograph(99))
    time.sleep(1)  # `started_at` counts whole seconds, and only the newest night is asked for
    assert main([*words, "--run-date", "2026-02-01"]) == 0
    return folder


def answer(folder: Path, number: int) -> list[dict[str, Any]]:
    return list(views.query(table_in(folder / "out" / "scores"), QUESTIONS[number - 1]).to_pylist())


def test_questions_are_numbered_in_order() -> None:
    numbers = re.findall(r"^\*\*(\d+)\. ", PAGE, re.MULTILINE)
    assert numbers == [str(number + 1) for number in range(len(numbers))]
    assert len(QUESTIONS) + len(COMMANDS) == len(numbers) + 1  # each has one answer; one command keeps the columns


@pytest.mark.parametrize("number", range(1, TEN + 1))
def test_each_question_is_answered(folder: Path, number: int) -> None:
    answer(folder, number)


def test_the_answers_are_right(folder: Path) -> None:
    ids = [row["image_id"] for row in answer(folder, 1)]
    assert ids == ["copy", *(f"lesion-{n:04}" for n in range(1, 6)), "phantom-0012"]
    newest = answer(folder, 2)
    assert [(row["image_id"], row["status"]) for row in newest] == [("phantom-0012", "scored")] * 2
    models = sorted({row["model_id"] for row in answer(folder, 10)})
    assert [row["model_id"] for row in newest] == models and len(models) == 2
    assert answer(folder, 3) == []  # these small networks ask for no review
    assert [(row["error_kind"], row["photographs"]) for row in answer(folder, 4)] == [("empty", 1)]  # of both models
    months = answer(folder, 5)
    assert sum(row["photographs"] for row in months if row["month"].month == 1) == 6
    assert sum(row["photographs"] for row in months if row["month"].month == 2) == 1  # the overwritten one
    assert all(len(row["classes"]) == 2 for row in answer(folder, 6))
    assert all(row["one"] != row["other"] and row["moved"] >= 0 for row in answer(folder, 7))
    story = answer(folder, 8)
    assert len(story) == 4 and [row["status"] for row in story] == ["scored"] * 4
    assert answer(folder, 9) == []  # the original was overwritten, so that its copy is alone now
    nights = answer(folder, 10)
    assert [row["scored"] for row in nights] == [1, 1, 7, 7] and all(row["minutes"] >= 0 for row in nights)
    assert [row["model_id"] for row in nights] == models * 2
    assert nights[0]["started_at"] > nights[2]["started_at"]


@pytest.mark.parametrize("snippet", SNIPPETS[:2], ids=["pandas", "polars"])
def test_the_first_question_has_the_same_answer_elsewhere(
    folder: Path, snippet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - of our own documentation
    found = names["answer"]
    rows = found.to_dict("records") if hasattr(found, "columns") and hasattr(found, "iloc") else found.to_dicts()
    sql = "SELECT image_id, image_uri, top_label, p_melanoma FROM latest ORDER BY image_uri"
    expected = views.query(table_in(folder / "out" / "scores"), sql).to_pylist()
    key = lambda row: (row["image_uri"], row["p_melanoma"])  # noqa: E731
    assert sorted(rows, key=key) == sorted(expected, key=key)


VISITS = [("L1", "P1", "2026-01-05", "north"), ("L1", "P1", "2026-01-05", "north"), ("L1", "P1", "2026-03-01", "north")]
VISITS += [("L2", "P1", "2026-01-05", "south"), ("L3", "P2", "2026-01-06", "south"), ("", "", "", "")]


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory, bundle_uri: str) -> Path:
    """Photographs of three lesions, of which one has two photographs of one day, scored as the page says."""
    folder = tmp_path_factory.mktemp("visits")
    paths = fill(folder / "archive", len(VISITS) + 2)
    paths[-2].write_bytes(b"")
    os.utime(paths[-1], (0, 0))
    known = [[str(path), path.stem, *visit] for path, visit in zip(paths, [*VISITS, VISITS[0]], strict=False)]
    names = ["uri", "image_id", "lesion_id", "patient_id", "visit_date", "clinic"]
    write_csv(folder / "visits.csv", [names, *known])
    write_csv(folder / "people.csv", [["image_id", "sex"], *([path.stem, "fm"[n % 2]] for n, path in enumerate(paths))])
    run(folder, COMMANDS[0], {"ham10000-lite0-taught": bundle_uri})
    return folder


def write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def run(folder: Path, command: str, replacements: dict[str, str]) -> None:
    """Runs a command of the page in a folder, with other paths and models."""
    with contextlib.chdir(folder):
        words = [replacements.get(word, word) for word in shlex.split(command.replace("\\\n", " "))]
        assert main(words[1:]) == 0


def scored_rows(folder: Path) -> pd.DataFrame:
    frame = table_in(folder / "out" / "scores").dataset().to_table().to_pandas()
    return frame[frame["status"] == "scored"]


def test_lesions_whose_photographs_contradict_each_other_come_first(visits: Path) -> None:
    (only,) = answer(visits, 11)
    p = scored_rows(visits).query("lesion_id == 'L1'")["p_melanoma"].astype(float)
    assert (only["lesion_id"], only["photographs"], only["spread"]) == ("L1", 3, round(p.max() - p.min(), 3))


def test_patients_are_listed_where_a_photograph_was_flagged(visits: Path) -> None:
    flagged = scored_rows(visits).query("patient_id != '' and (flag_melanoma == True or review == True)")
    assert {row["patient_id"] for row in answer(visits, 12)} == set(flagged["patient_id"].dropna())


def test_a_lesion_has_one_row_a_date_and_no_band_without_repeats(visits: Path) -> None:
    first, second = answer(visits, 13)
    assert [(row["date"].isoformat(), row["photographs"], row["repeats"]) for row in (first, second)] == [
        ("2026-01-05", 2, 1),
        ("2026-03-01", 1, 1),
    ]
    assert first["low"] is None and second["note"] == "no noise band: fewer than 30 repeats"
    p = scored_rows(visits).query("lesion_id == 'L1'").groupby("visit_date")["p_melanoma"].mean()
    assert second["change"] == pytest.approx(p.iloc[1] - p.iloc[0], abs=1e-3)


def test_clinics_are_folders_unless_a_column_says_otherwise(visits: Path) -> None:
    (only,) = answer(visits, 14)
    assert (only["clinic"], only["photographs"]) == (f"file://{visits}/archive", len(VISITS) + 1)
    assert only["failed"] == 1 and "not judged" in only["note"]


def test_the_account_of_a_folder_adds_up(visits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(visits, COMMANDS[1], {"/archive": str(visits / "archive")})
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{len(VISITS)} of {len(VISITS) + 2} listed photographs are in the table")
    assert sum(int(line.split()[0]) for line in lines) == len(VISITS) + 2
    with (visits / "names.csv").open(encoding="utf-8", newline="") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert sorted(reasons) == ["failed", "not_tried", *["scored"] * len(VISITS)]


def test_every_reason_of_an_account_is_explained() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| .*\| .*\|$", PAGE, re.MULTILINE)) >= {reason.value for reason in Reason}


def test_a_table_of_ones_own_joins(visits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(visits, f"{COMMANDS[2].strip()} --format json", {})
    rows = json.loads(capsys.readouterr().out)
    assert {row["sex"] for row in rows} == {"f", "m"} and sum(row["photographs"] for row in rows) == len(VISITS)
