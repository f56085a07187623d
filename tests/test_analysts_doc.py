"""Every query of docs/use/analysts.md gives the right answer on a table that real runs have written."""

import re
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main
from melanoma.queries import views
from tests.helpers import ROOT, fill, photograph, write_tiny_bundle
from tests.helpers.outputs import table_in

PAGE = (ROOT / "docs" / "use" / "analysts.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
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
    assert main([*words, "--run-date", "2026-02-01"]) == 0
    return folder


def answer(folder: Path, number: int) -> list[dict[str, Any]]:
    return list(views.query(table_in(folder / "out" / "scores"), QUESTIONS[number - 1]).to_pylist())


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10 == len(re.findall(r"^\*\*\d+\. ", PAGE, re.MULTILINE))


@pytest.mark.parametrize("number", range(1, 11))
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
