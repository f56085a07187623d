"""A bundle gets external results: on its card, in its description and on its page, and stays the same model."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from melanoma.errors import BundleError
from melanoma.evaluation.external import evaluate_source
from melanoma.evaluation.external_card import add_external, external_section, with_section
from melanoma.model.bundle import load_bundle
from melanoma.model.bundle_edit import BundleEdit, write_edited
from tests.helpers import ROOT
from tests.helpers.predictions import accounting, random_predictions

ONLY = "It has been evaluated only on photographs like those it was trained on."
CARD = f"# name\n\n## Intended use\n\n{ONLY}\n\n## Data\n\nx\n"


@pytest.fixture(scope="module")
def part() -> dict[str, Any]:
    data = accounting(near_duplicates_searched=True)
    return evaluate_source("north", random_predictions(120), data, seed=0)


def test_the_section_comes_before_the_data_and_is_replaced(part: dict[str, Any]) -> None:
    once = with_section(CARD, external_section(None, [part], 0.95))
    assert [line for line in once.splitlines() if line.startswith("## ")] == [
        *("## Intended use", "## At other hospitals", "## Data")
    ]
    assert "only on photographs like" not in once and once.endswith("## Data\n\nx\n")
    assert with_section(once, external_section(None, [part], 0.95)) == once
    assert with_section("# name\n", ["## At other hospitals", "t"]) == "# name\n\n## At other hospitals\n\nt\n"


def test_a_shipped_bundle_stays_the_same_model(tmp_path: Path, part: dict[str, Any]) -> None:
    bundle = load_bundle(str(ROOT / "bundles" / "isic9-assignment-cnn"))
    written = write_edited(bundle, str(tmp_path / "new"), add_external(bundle, [part]))
    assert written.model_id == bundle.model_id and written.digest != bundle.digest
    changed = {name for name in bundle.files if bundle.files[name] != written.files[name]}
    assert changed == {"card.md", "evaluation.json", "evaluation.html"}
    (kept,) = written.description["metrics"]["external"]
    assert (kept["source"], kept["n"]) == ("north", 120)
    assert "s3://" not in json.dumps(kept)
    assert b"external: north" in written.files["evaluation.html"]
    assert written.description["metrics"]["test"] == bundle.description["metrics"]["test"]


def test_a_page_of_an_earlier_version_gets_the_chapter_once(tmp_path: Path, part: dict[str, Any]) -> None:
    bundle = load_bundle(str(ROOT / "bundles" / "isic9-assignment-cnn"))
    report = json.loads(bundle.files["evaluation.json"]) | {"format": 1}
    old = replace(bundle, files={**bundle.files, "evaluation.json": json.dumps(report).encode()})
    first = add_external(old, [part]).files["evaluation.html"]
    again = replace(old, files={**old.files, "evaluation.html": first})
    assert first.count(b"<h2>At other hospitals</h2>") == 1
    assert add_external(again, [part]).files["evaluation.html"] == first
    assert len(first) > len(bundle.files["evaluation.html"])


def test_a_folder_with_files_and_another_network_are_refused(tmp_path: Path, part: dict[str, Any]) -> None:
    bundle = load_bundle(str(ROOT / "bundles" / "isic9-assignment-cnn"))
    with pytest.raises(BundleError, match="another network is another model"):
        write_edited(bundle, str(tmp_path / "new"), BundleEdit({"model.keras": b"x"}, {}))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"notes\.txt"):
        write_edited(bundle, str(tmp_path / "full"), add_external(bundle, [part]))
