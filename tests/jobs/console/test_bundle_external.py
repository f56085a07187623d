"""`melanoma bundle add-external`: scores and labels of another hospital become part of a bundle."""

from pathlib import Path

import numpy as np
import pytest

from jobs.cli import main
from melanoma.model.bundle import load_bundle
from tests.helpers import ROOT
from tests.helpers.score_tables import MODEL, scored_row, write_labels, write_table

NAME = str(ROOT / "bundles" / "isic9-assignment-cnn")
COLUMNS = ["--external-id-column", "file", "--external-label-column", "class"]


def add(tmp_path: Path, model_id: str, *more: str) -> int:
    """Adds forty photographs of `north`, of which the bundle's own split lists one."""
    slugs = load_bundle(NAME).slugs
    listed = (ROOT / "bundles" / "isic9-assignment-cnn" / "split.csv").read_text().splitlines()[1].split(",")[0]
    names = [listed, *(f"NORTH-{i}" for i in range(39))]
    shares = np.random.default_rng(0).dirichlet(np.ones(len(slugs)), 40)
    rows = [
        scored_row(name, *map(float, p), slugs=slugs, model_id=model_id, flag_melanoma=bool(p[0] > 0.1), review=False)
        for name, p in zip(names, shares, strict=True)
    ]
    table = write_table(tmp_path / "scores", rows, slugs)
    lines = [f"{name},{'mel' if i % 2 else 'nv'}\n" for i, name in enumerate(names)]
    north = write_labels(tmp_path / "north.csv", "file,class\n" + "".join(lines))
    words = [NAME, str(tmp_path / "out"), "--scores", table, "--external", north, *COLUMNS, *more]
    return main(["bundle", "add-external", *words])


def test_the_bundle_says_how_the_model_does_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = load_bundle(NAME)
    assert add(tmp_path, bundle.model_id) == 0
    written = load_bundle(str(tmp_path / "out"))
    assert written.model_id == bundle.model_id
    (part,) = written.description["metrics"]["external"]
    assert (part["source"], part["n"], part["data"]["photographs_trained_on_by"]) == ("north", 39, {"id": 1})
    card = written.files["card.md"].decode()
    assert card.index("## At other hospitals") < card.index("## Data")
    assert "| external: north |" in card and "1 photograph left out" in card and "NORTH" not in card
    output = capsys.readouterr().out
    assert written.digest in output and "external: north" in output


def test_scores_of_another_model_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(tmp_path, MODEL) == 2
    assert f"the table has {MODEL}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_labels_are_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "add-external", NAME, str(tmp_path / "out"), "--scores", str(tmp_path / "scores")]) == 2
    assert "needs --external TABLE" in capsys.readouterr().err
