"""The bundle of a release candidate: complete, loadable, and true to the candidate."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from melanoma.datasets.splits import Dataset
from melanoma.errors import BundleError
from melanoma.evaluation.inputs.external_labels import ExternalColumns
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.engine import load_engine, score_all
from melanoma.training.fitting.warm_start import WarmStart
from melanoma.training.release.assessment import Assessor
from melanoma.training.release.candidate import ReleaseCandidate, make_candidate
from melanoma.training.release.decoded_parts import DecodedParts
from melanoma.training.release.external_photographs import ExternalFiles, read_external_sets
from melanoma.training.release.shipping import CardText, card_facts, licence_text, write_release
from melanoma.training.release.training_job import TrainingJob
from tests.helpers import coloured, trainings

TEXT = CardText("colours", "Coloured squares.", "CC0\nNo rights reserved.", "melanoma train --data in", ["Own limit."])
WARM_START = WarmStart({}, b"image_id,sha256,group\na,da,La\n", "m-old", "CC BY 4.0")


@pytest.fixture(scope="module")
def warm_job(job: TrainingJob) -> TrainingJob:
    return replace(job, warm_start=WARM_START)


@pytest.fixture(scope="module")
def bundle(warm_job: TrainingJob, candidate: ReleaseCandidate, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("shipped") / "bundle"
    write_release(str(folder), warm_job, TEXT, candidate)
    return load_bundle(str(folder))


def test_the_bundle_scores_as_the_candidate_does(bundle: Bundle, candidate: ReleaseCandidate, job: TrainingJob) -> None:
    pixels = DecodedParts(job.prepared.dataset, job.spec).pixels("test")
    ours, theirs = (score_all(each, pixels) for each in (load_engine(bundle, 32), candidate.model.engine(job.spec)))
    np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-6)
    assert ours.ood is not None and theirs.ood is not None
    np.testing.assert_allclose(ours.ood, theirs.ood, atol=1e-6)


def test_the_description_matches_the_candidate(bundle: Bundle, candidate: ReleaseCandidate) -> None:
    assert bundle.slugs == ("melanoma", "nevus", "vascular_lesion")
    assert bundle.prior == pytest.approx(candidate.model.prior)
    assert bundle.thresholds == candidate.model.thresholds
    assert bundle.decision_rule == "balanced"
    training = bundle.description["training"]
    assert training["seed"] == 3
    assert training["recipe"]["look"] == "augmentor" and training["recipe"]["taught_by"] == []
    assert training["origin"] == "m-old" and training["command"] == "melanoma train --data in"
    assert set(training) == {
        *("name", "network", "teachers", "backends", "origin", "data", "licence", "command", "steps", "tally"),
        *("epoch_shares", "prior", "look", "limits", "recipe", "seed"),
    }


def test_the_metrics_match_the_assessment(bundle: Bundle, candidate: ReleaseCandidate) -> None:
    metrics = bundle.description["metrics"]
    assert set(metrics) == {"test", "train", "validation", "choices"}
    assert metrics["test"]["accuracy"]["value"] == candidate.assessment.report["accuracy"]["value"]
    assert not {"curves", "challenge", "confusion"} & set(metrics["test"])
    whole = json.loads(bundle.files["evaluation.json"])
    assert {"curves", "confusion"} <= set(whole)
    assert set(metrics["choices"]) == {"melanoma", "review_below", "ood_above", "calibration", "strangers"}


def test_the_bundle_contains_every_file_that_its_card_shows(bundle: Bundle) -> None:
    for name in ("counts.png", "curves.png", "review.png"):
        with Image.open(io.BytesIO(bundle.files[name])) as image:
            assert image.format == "PNG"
        assert f"({name})" in bundle.files["card.md"].decode()
    assert bundle.files["evaluation.html"].startswith(b"<!doctype html>")
    assert b"colours: test part" in bundle.files["evaluation.html"]


def test_split_history_and_ancestry_can_be_read_again(bundle: Bundle, job: TrainingJob) -> None:
    assert bundle.files["split.csv"] == job.prepared.dataset.to_csv()
    assert bundle.files["ancestry.csv"] == WARM_START.ancestry
    rows = list(csv.DictReader(io.StringIO(bundle.files["history.csv"].decode())))
    assert [(row["epoch"], row["size"], row["loss"]) for row in rows] == [("1", "32.0", "1.0"), ("2", "48.0", "0.5")]


def test_the_licence_has_the_terms_of_both_data_sets(bundle: Bundle) -> None:
    licence = bundle.files["LICENSE"].decode()
    assert "under these terms, which also apply to the network.\n\nCC0\nNo rights reserved.\n" in licence
    assert licence.endswith("Its training started from m-old, whose terms also apply:\n\nCC BY 4.0\n")
    assert "started from" not in licence_text("CC0", None)


def test_the_card_and_the_description_agree(bundle: Bundle, warm_job: TrainingJob, candidate: ReleaseCandidate) -> None:
    facts = card_facts(warm_job, TEXT, candidate)
    assert facts.licence == "CC0" and facts.teachers == []
    assert sum(facts.prior.values()) == pytest.approx(1) and sum(facts.epoch_shares.values()) == pytest.approx(1)
    assert bundle.files["card.md"].decode().startswith("# colours\n")
    assert bundle.description["training"]["tally"] == facts.tally


def test_a_folder_with_other_files_is_refused(job: TrainingJob, candidate: ReleaseCandidate, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"notes\.txt"):
        write_release(str(tmp_path), job, TEXT, candidate)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_other_hospitals_are_on_card_page_and_description(
    job: TrainingJob, candidate: ReleaseCandidate, tmp_path: Path
) -> None:
    folder = fill_external(tmp_path / "north")
    files = ExternalFiles([str(folder)], [], ExternalColumns())
    external = read_external_sets(files, job.prepared.dataset)
    assessor = Assessor(DecodedParts(job.prepared.dataset, job.spec), job.rule, job.seed, job.subgroups, external)
    judged = candidate._replace(assessment=assessor.assess(candidate.model))
    bundle = write_release(str(tmp_path / "bundle"), job, TEXT, judged)
    (part,) = bundle.description["metrics"]["external"]
    assert (part["source"], part["n"]) == ("north", 40)
    # The colours of its classes are swapped, so this network is wrong about all of them.
    assert part["accuracy"]["value"] == 0 and bundle.description["metrics"]["test"]["accuracy"]["value"] > 0.9
    card = bundle.files["card.md"].decode()
    assert card.index("## At other hospitals") < card.index("## Data")
    assert "It finds fewer at north: 0.000" in card and "only on photographs like" not in card
    assert b"external: north" in bundle.files["evaluation.html"]
    assert json.loads(bundle.files["evaluation.json"])["external"][0]["n"] == 40


def fill_external(folder: Path) -> Path:
    """Writes photographs whose colours are those of the other class."""
    for label, colour in (("melanoma", "nevus"), ("nevus", "melanoma")):
        coloured.write(folder, colour, 20, seed=9)
        for path in (folder / colour).iterdir():
            path.rename(folder / f"{label}-of-{path.name}")
        (folder / colour).rmdir()
    for label in ("melanoma", "nevus"):
        (folder / label).mkdir()
        for path in folder.glob(f"{label}-of-*"):
            path.rename(folder / label / f"north-{path.name}")
    return folder


def test_a_bundle_averages_the_views_that_were_asked_for(job: TrainingJob, dataset: Dataset, tmp_path: Path) -> None:
    asked = replace(job, views=4)
    candidate = make_candidate(asked, trainings.trained(dataset))
    text = CardText("coloured", "Colours.", "CC0", "melanoma train", [])
    bundle = write_release(str(tmp_path / "four"), asked, text, candidate)
    load_engine(bundle, 8)  # reproduces its golden samples
    assert bundle.views == 4 and "4 views of each photograph" in bundle.files["card.md"].decode()
