"""Pages of hostile names that stay inert, and that show what the JSON holds."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from melanoma.evaluation.compare import compare
from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.inputs.ground_truth import Columns, read_truths
from melanoma.evaluation.inputs.matching import match
from melanoma.evaluation.inputs.table_predictions import read_answers
from melanoma.evaluation.metrics.agreement import pair
from melanoma.evaluation.pages import comparison
from melanoma.evaluation.pages.evaluation import page
from melanoma.evaluation.pages.files import write_report
from tests.helpers.outputs import table_in
from tests.helpers.predictions import drawn
from tests.helpers.score_tables import OTHER_MODEL, commit, labels, scored

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\"'&"
_VOID = {"meta", "br", "img"}


class Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._open += [] if tag in _VOID else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    """Reads a page and checks that it can do and fetch nothing."""
    found = Reader(text)
    assert not set(found.tags) & {"script", "img", "link", "iframe", "object", "form", "a", "base"}
    names = {name for name, _ in found.attributes}
    assert not {name for name in names if name.startswith("on")} | (names & {"href", "src", "srcset", "action"})
    assert "url(" not in text and "@import" not in text and "\x1b" not in text
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in found.attributes
    assert "not a diagnosis" in found.text
    return found


@pytest.fixture(scope="module")
def report() -> dict:
    flags = drawn(400).probabilities[:, 0] > 0.4
    sex = np.where(np.arange(400) < 30, HOSTILE, "male")
    predictions = drawn(400, per_group=2, flagged=flags, review=~flags, subgroups={HOSTILE: sex})
    predictions = replace(predictions, slugs=("melanoma", "nevus", HOSTILE))
    return json.loads(json.dumps(evaluate(predictions, seed=0)))


def test_a_page_shows_the_figures_and_escapes_every_name(report: dict) -> None:
    found = read(page(report, HOSTILE, notes=[HOSTILE]))
    for name in ("balanced_accuracy", "accuracy", "macro_auc", "brier"):
        assert f"{report[name]['value']:.3f}" in found.text
        assert f"{report[name]['low']:.3f} to {report[name]['high']:.3f}" in found.text
    for row in report["confusion"]["counts"]:
        assert all(f"{count:,}" in found.text for count in row)
    assert "too few" in found.text
    assert f"{report['calibration']['perfect']['mean']:.3f}" in found.text
    assert found.text.count("<img src=x onerror=alert(1)>") > 5
    assert "\N{REPLACEMENT CHARACTER}[2J" in found.text
    assert found.tags.count("svg") > 15


def test_a_page_of_next_to_nothing_is_a_page() -> None:
    for n in (0, 1, 12):
        found = read(page(evaluate(drawn(300).where(np.arange(300) < n), seed=0), "Few"))
        assert f"{n} photographs" in found.text


def test_a_page_of_a_table_says_where_everything_went(tmp_path: Path) -> None:
    uri = commit(tmp_path / "scores", [scored("DOE", 0.5, 0.3, 0.2), scored("ROE", 0.5, 0.3, 0.2)])
    truths = read_truths(labels(tmp_path / "x.csv", "image_id,dx\nDOE,mel\nROE,bkl\n"), Columns("image_id", "dx"))
    predictions, data = match(read_answers(table_in(uri)), truths)
    text = page({**evaluate(predictions, 0), "data": data}, "One")
    assert "benign keratosis (1)" in read(text).text
    assert "DOE" not in text


@pytest.mark.parametrize(("end", "reach"), [(0.19, 0.2), (-0.21, 0.5), (0.51, 1.0)])
def test_the_scale_of_a_comparison_holds_every_interval(end: float, reach: float) -> None:
    difference = {"value": end / 2, "low": min(end, 0.0), "high": max(end, 0.0)}
    judged = {"figures": {"a": {"difference": difference}, "b": {"difference": None}}, "by_label": {}}
    assert comparison._reach(judged) == reach


def test_a_comparison_page_shows_verdict_differences_and_flips(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    old = commit(tmp_path / "old", [scored(f"DOE-{i}", *dice.dirichlet(np.ones(3))) for i in range(90)])
    rows = [scored(f"DOE-{i}", *dice.dirichlet(np.ones(3)), model_id=OTHER_MODEL) for i in range(90)]
    new = commit(tmp_path / "new", rows)
    text = "image_id,dx\n" + "".join(f"DOE-{i},{('mel', 'nv', 'bcc')[i % 3]}\n" for i in range(90))
    truths = read_truths(labels(tmp_path / "x.csv", text), Columns("image_id", "dx"))
    both = pair(read_answers(table_in(old)), read_answers(table_in(new)))
    found = compare(both, truths, None, 0)
    shown = comparison.page(found, HOSTILE)
    said = read(shown).text
    assert found["judged"]["verdict"]["verdict"].capitalize() in said
    assert found["judged"]["verdict"]["rule"] in said
    difference = found["judged"]["figures"]["balanced_accuracy"]["difference"]
    assert f"{difference['value']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f})" in said
    assert found["agreement"]["largest"][0]["sha256"] in said
    assert "DOE" not in shown
    alone = read(comparison.page(compare(both, None, None, 0), "Alone")).text
    assert "Cohen's kappa" in alone
    assert "Which class became which" in alone
    assert "The rule." not in alone
    same = read(comparison.page(compare(pair(both.old, both.old), None, None, 0), "Same")).text
    assert "Which class became which" not in same
    assert "moved most" not in same


def test_a_report_is_two_files(tmp_path: Path, report: dict) -> None:
    uri = write_report(str(tmp_path / "new" / "folder"), "evaluation", report, "<p>page</p>")
    assert uri == f"file://{tmp_path}/new/folder/evaluation.html"
    assert json.loads((tmp_path / "new" / "folder" / "evaluation.json").read_text()) == report
    assert (tmp_path / "new" / "folder" / "evaluation.html").read_text() == "<p>page</p>"
    with pytest.raises(ValueError, match="JSON compliant"):
        write_report(str(tmp_path), "x", {"n": float("nan")}, "")
