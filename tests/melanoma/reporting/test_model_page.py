"""The page of a model shows its runs over time, from the series alone, and is written when the model runs."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from melanoma.reporting.limits import Limits
from melanoma.reporting.model_page import ModelSetting, has_page, model_page, write_model_pages
from melanoma.reporting.style import STYLE
from melanoma.runs.run_history import RunSummary, read_series, summary_of
from tests.helpers import ROOT
from tests.helpers.outputs import layout_of
from tests.helpers.reports import HOSTILE, RECORD, Page

NOTHING = ModelSetting()
OLD, NEW = "m-00000000000a", "m-00000000000b"
EARLIER = ROOT / "tests" / "data" / "version-0.1" / "table"


def run(number: int, model_id: str = NEW, name: str = "lite0", psi: float | None = 0.1, **content: Any) -> RunSummary:
    """Returns a run in month `number` of 2026."""
    record = replace(
        RECORD,
        run_id=f"2026{number:02}02T030405Z-00000000",
        run_date=f"2026-{number:02}-02",
        model_id=model_id,
        model_name=name,
    )
    seen = {
        "n": 10,
        "histograms": {"p_nevus": [0.5] + [0.0] * 8 + [0.5]},
        "top_label": {"nevus": 0.75, "melanoma": 0.25},
    }
    return {
        **summary_of(record, {}),
        "seen": content.get("seen", seen),
        "drift": psi,
        "drift_earlier": psi and psi / 10,
    }


RUNS = [run(1, OLD, ""), run(2), run(3, psi=0.5), run(4, psi=None, seen={})]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in (folder / "_reports").iterdir()}


def test_a_page_has_its_sections_and_facts() -> None:
    page = Page(model_page(NEW, RUNS, NOTHING))
    headings = ("Photographs by month", "Drift", "Predicted classes by month", "Probabilities by month")
    assert [text for text in page.texts if text in headings] == list(headings)
    assert f"Model lite0 ({NEW})" in page.texts and page.links == ["index.html"]
    assert "3, from 2026-02-02 03:04 to 2026-04-02 03:04 UTC" in page.texts and "30 scored" in page.texts
    assert page.is_closed and page.texts[-1].startswith("These are probabilities from a statistical model, not a")


def test_only_the_runs_of_the_model_count() -> None:
    page = Page(model_page(OLD, RUNS, NOTHING))
    assert f"Model {OLD}" in page.texts and "10 scored" in page.texts and "2026-02" not in page.text


def test_the_numbers_behind_the_pictures_are_tables() -> None:
    text = Page(model_page(NEW, RUNS, NOTHING)).text
    assert "2026-03 1 10 3 0.05 0.50 2026-02 1 10 3 0.01 0.10" in text
    assert "2026-02 75.0% 25.0%" in text and "2026-02 50.0% 0.0%" in text


def test_the_reference_is_drawn_if_it_is_known() -> None:
    reference = {"n": 100, "histograms": {}, "top_label": {"nevus": 0.5}}
    assert Page(model_page(NEW, RUNS, NOTHING)).classes["reference"] == 0
    page = Page(model_page(NEW, RUNS, ModelSetting(reference)))
    assert page.classes["reference"] == 2 and "Dashes: share among the bundle's validation photographs." in page.text


def test_a_page_has_no_script_no_remote_address_and_a_style_for_every_class() -> None:
    hostile = {"n": 1, "histograms": {HOSTILE: [1.0]}, "top_label": {HOSTILE: 1.0}}
    html = model_page(NEW, [run(1, name=HOSTILE, seen=hostile)], NOTHING)
    page = Page(html)
    assert not {"script", "img", "link", "iframe"} & set(page.elements) and "\x1b" not in html
    assert not re.search(r"https?://", html)
    page = Page(model_page(NEW, RUNS, ModelSetting({"top_label": {"nevus": 1.0}})))
    unstyled = {name for name in page.classes if not re.search(rf"\.{name}\b", STYLE)}
    assert unstyled <= {"muted", "scroll", "cards", "note"}


def test_drift_is_drawn_with_the_limits_of_the_run() -> None:
    runs = [run(place, psi=psi) for place, psi in ((2, 1.9), (3, 2.1), (4, 0.0))]
    page = Page(model_page(NEW, runs, NOTHING))
    assert {"limit 0.2", "limit 2"} <= set(page.texts) and page.classes["bad"] == 2
    page = Page(model_page(NEW, runs, ModelSetting(limits=Limits(max_drift=0.3, max_bundle_drift=3.0))))
    assert {"limit 0.3", "limit 3"} <= set(page.texts) and page.classes["bad"] == 0


def test_a_model_that_scored_nothing_has_a_page() -> None:
    page = Page(model_page(NEW, [run(1, psi=None, seen={})], NOTHING))
    assert "No run has been judged." in page.texts and "Predicted classes by month" not in page.texts


def test_the_page_of_the_model_that_ran_is_written_and_missing_ones_of_others(tmp_path: Path) -> None:
    layout = layout_of(tmp_path)
    write_model_pages(layout, RUNS[1:], NEW, NOTHING)
    assert names_in(tmp_path) == {f"{NEW}.html"}
    old, new = (tmp_path / "_reports" / f"{model_id}.html" for model_id in (OLD, NEW))
    new.write_text("as it was")
    write_model_pages(layout, RUNS, OLD, NOTHING)
    assert old.read_text() == model_page(OLD, RUNS, NOTHING) and new.read_text() == "as it was"
    old.unlink()
    write_model_pages(layout, RUNS, NEW, NOTHING)
    assert old.exists() and new.read_text() == model_page(NEW, RUNS, NOTHING)


def test_a_run_that_does_not_say_its_model_has_no_page(tmp_path: Path) -> None:
    assert has_page(OLD) and not has_page("") and not has_page("../x") and not has_page("m-1/../../x")
    write_model_pages(layout_of(tmp_path), [run(1, "", "")], "", NOTHING)
    assert not (tmp_path / "_reports").exists()


def test_the_series_of_an_earlier_version_makes_pages() -> None:
    runs = read_series(layout_of(EARLIER))
    models = {run["model_id"] for run in runs}
    assert len(models) == 2
    for model_id in models:
        page = Page(model_page(model_id, runs, NOTHING))
        assert f"Model {model_id}" in page.texts and "Photographs by month" in page.texts and page.is_closed
