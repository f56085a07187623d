"""`melanoma bundle recalibrate`: the same network with its own temperature, thresholds, views and card."""

import csv
from pathlib import Path

import numpy as np
import pytest

from jobs.cli import main
from melanoma.images.decoding import ImageSpec
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.engine import load_engine
from melanoma.model.onnx_import import import_onnx
from melanoma.model.portable.foreign import OnnxNetwork
from tests.helpers import coloured, trainings
from tests.helpers.onnx_networks import network
from tests.helpers.precision import needs_bf16

COUNTS = {"melanoma": 120, "nevus": 120, "vascular_lesion": 60}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of photographs from two hospitals, some of them mislabelled, a bundle, and its split."""
    place = tmp_path_factory.mktemp("recalibrated")
    dataset = coloured.dataset(place / "photographs", COUNTS)
    with (place / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "class", "lesion", "hospital"])
        for number, one in enumerate(dataset.photographs):
            label = "nevus" if number % 9 == 0 else one.label
            rows.writerow([f"{one.label}/{one.image_id}.png", label, one.group, ("north", "south")[number % 2]])
    spec, prior = ImageSpec(*coloured.SIZE), (0.4, 0.4, 0.2)
    settings = ModelSettings(labels=dataset.labels, spec=spec, prior=prior, temperature=2.0)
    documents = BundleDocuments(
        card="# First\n", licence="CC0.\n", training={"seed": 7}, extra_files={"split.csv": dataset.to_csv()}
    )
    write_bundle(str(place / "first"), trainings.colour_network(dataset), settings, documents)
    return place


def recalibrate(folder: Path, output: str, *more: str) -> int:
    data = ["--data", str(folder / "labels.csv"), "--root", str(folder / "photographs"), "--id-column", "file"]
    columns = ["--label-column", "class", "--group-column", "lesion"]
    return main(["bundle", "recalibrate", str(folder / "first"), str(folder / output), *data, *columns, *more])


@pytest.fixture(scope="module")
def second(folder: Path) -> Bundle:
    assert recalibrate(folder, "second", "--views", "4", "--source-column", "hospital", "--name", "Second") == 0
    return load_bundle(str(folder / "second"))


def test_another_model_has_the_same_network(folder: Path, second: Bundle) -> None:
    first = load_bundle(str(folder / "first"))
    assert second.model_id != first.model_id and second.views == 4
    assert second.files["model.keras"] == first.files["model.keras"]
    assert second.files["split.csv"] == first.files["split.csv"] and second.files["LICENSE"] == first.files["LICENSE"]
    assert second.prior == first.prior and second.temperature != first.temperature
    for engine in ("tensorflow", "onnxruntime"):
        load_engine(second, 4, engine)  # reproduces its golden samples


def test_the_card_has_the_new_figures_and_the_earlier_card(second: Bundle) -> None:
    card = second.files["card.md"].decode()
    assert card.startswith("# Second\n") and "4 views of each photograph" in card
    assert "| north |" in card and "| south |" in card
    assert "melanoma bundle recalibrate" in card and "--source-column hospital" in card
    assert second.files["earlier-card.md"] == b"# First\n"


def test_the_description_says_what_was_chosen_and_measured(folder: Path, second: Bundle) -> None:
    first, metrics = load_bundle(str(folder / "first")), second.description["metrics"]
    assert set(second.thresholds) == {"melanoma", "review_below"}
    assert set(metrics["choices"]["sources"]) == {"north", "south"}
    assert metrics["test"]["n"] == 60 and second.description["reference"]["n"] == 60
    training = second.description["training"]
    assert training["seed"] == 7 and training["recalibrated"]["from"] == first.model_id
    counts = training["recalibrated"]["photographs"]
    assert sum(parts["test"] for parts in counts.values()) == 60 and 0 < counts["melanoma"]["test"] < 24


def test_a_recalibrated_bundle_can_be_recalibrated(folder: Path, second: Bundle) -> None:
    """From four views back to one, with the temperature that the single view needs."""
    words = ["--data", str(folder / "labels.csv"), "--root", str(folder / "photographs"), "--id-column", "file"]
    words += ["--label-column", "class", "--group-column", "lesion"]
    assert main(["bundle", "recalibrate", str(folder / "second"), str(folder / "third"), *words]) == 0
    assert recalibrate(folder, "fourth") == 0
    third, fourth = (load_bundle(str(folder / name)) for name in ("third", "fourth"))
    assert third.views == 1 and third.temperature == pytest.approx(fourth.temperature, rel=1e-3)
    assert third.files["earlier-card.md"] == b"# First\n"


def test_photographs_that_were_trained_on_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (folder / "first" / "split.csv").read_text().splitlines()
    exchanged = {"train": "test", "test": "train", "validation": "validation"}
    other = [",".join([*line.split(",")[:-1], exchanged[line.split(",")[-1]]]) for line in lines[1:]]
    (tmp_path / "split.csv").write_text("\n".join([lines[0], *other]) + "\n")
    assert recalibrate(folder, "refused", "--split", str(tmp_path / "split.csv")) == 2
    error = capsys.readouterr().err
    assert "took part in the training of first" in error and not (folder / "refused").exists()


def test_classes_that_the_bundle_does_not_know_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text((folder / "labels.csv").read_text().replace(",vascular_lesion,", ",lentigo,"))
    words = ["--data", str(table), "--root", str(folder / "photographs"), "--id-column", "file"]
    words += ["--label-column", "class", "--group-column", "lesion"]
    assert main(["bundle", "recalibrate", str(folder / "first"), str(tmp_path / "out"), *words]) == 2
    assert "have the classes lentigo, which first does not know" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "fault"), [(["--review-share", "1"], "--review-share 1.0"), (["--views", "3"], "3")])
def test_wrong_flags_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], fault: str
) -> None:
    try:
        code = recalibrate(folder, "wrong", *words)
    except SystemExit as error:
        code = int(str(error.code))
    assert code == 2 and fault in capsys.readouterr().err


def test_photographs_of_a_hospital_alone_are_enough(folder: Path, tmp_path: Path) -> None:
    """A bundle without a list of training photographs, and photographs of which none is needed for training."""
    bundle = load_bundle(str(folder / "first"))
    dataset = coloured.dataset(tmp_path / "new", {"melanoma": 40, "nevus": 40}, seed=9)
    settings = ModelSettings(labels=bundle.labels, spec=bundle.spec, prior=bundle.prior)
    documents = BundleDocuments(card="# X\n", licence="CC0.\n")
    colours = trainings.colour_network(coloured.dataset(tmp_path / "any", COUNTS))
    write_bundle(str(tmp_path / "plain"), colours, settings, documents)
    assert len(dataset.photographs) == 80
    words = ["--data", str(tmp_path / "new"), "--views", "2"]
    assert main(["bundle", "recalibrate", str(tmp_path / "plain"), str(tmp_path / "own"), *words]) == 0
    written = load_bundle(str(tmp_path / "own"))
    counts = written.description["training"]["recalibrated"]["photographs"]
    assert sum(sum(parts.values()) for parts in counts.values()) == 72
    assert np.isclose(sum(written.prior), 1) and counts["vascular_lesion"] == {"validation": 0, "test": 0}


def test_a_network_from_onnx_keeps_its_file_and_its_temperature(folder: Path, tmp_path: Path) -> None:
    exported = OnnxNetwork(network(size=coloured.SIZE).SerializeToString(), coloured.SIZE)
    first = load_bundle(str(folder / "first"))
    settings = ModelSettings(labels=first.labels, spec=first.spec, prior=first.prior)
    plain = import_onnx(exported, "exported", str(tmp_path / "plain"), settings, "CC0.\n")
    words = ["--data", str(folder / "labels.csv"), "--root", str(folder / "photographs"), "--id-column", "file"]
    words += ["--label-column", "class", "--group-column", "lesion", "--views", "8"]
    assert main(["bundle", "recalibrate", plain.uri, str(tmp_path / "eight"), *words]) == 0
    eight = load_bundle(str(tmp_path / "eight"))
    assert eight.files["model.onnx"] == plain.files["model.onnx"] and eight.temperature == plain.temperature == 1
    assert eight.views == 8 and eight.model_id != plain.model_id and "melanoma" in eight.thresholds
    load_engine(eight, 4)  # reproduces its golden samples
    assert "The temperature is that of the earlier bundle" in eight.files["card.md"].decode()


@needs_bf16
def test_a_bundle_for_bf16_is_compared_with_the_one_before(folder: Path) -> None:
    assert recalibrate(folder, "short", "--precision", "bf16") == 0
    short, first = load_bundle(str(folder / "short")), load_bundle(str(folder / "first"))
    assert short.precision == "bf16" and short.model_id != first.model_id
    card = short.files["card.md"].decode()
    assert "**The network computes in bf16**; that of the bundle before computes in f32. Of the 60 photographs" in card
    assert "| on the test part | bf16 | f32 |" in card and "No figure that could be measured is worse" in card
    assert "--precision bf16" in card
    assert load_engine(short, 4).version.endswith("-bf16")
