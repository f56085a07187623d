"""`melanoma bundle`: what it shows and checks, and the import of a model, which then scores as before."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from jobs import bundle as command
from jobs.bundle import Check, Convert, Import, Inspect, Verify
from jobs.cli import main, parse
from jobs.console.options import Action
from melanoma.images import decoding
from melanoma.images.decoding import ImageSpec
from melanoma.model.bundle import load_bundle
from melanoma.model.decision import decide
from melanoma.model.engine import load_engine
from tests.helpers import ROOT, fill, photograph
from tests.helpers.bundles import copied, describe, document_of, edited


def functional(outputs: int, activation: str) -> keras.Model:
    pixels = keras.Input((20, 24, 3))
    features = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu")(pixels))
    features = layers.GlobalAveragePooling2D()(layers.Add()([features, layers.ReLU()(features)]))
    return keras.Model(pixels, layers.Dense(outputs, activation=activation)(features))


def sequential(outputs: int, activation: str) -> keras.Model:
    head = [layers.Flatten(), layers.Dropout(0.5), layers.Dense(outputs, activation=activation)]
    return keras.Sequential([keras.Input((20, 24, 3)), layers.Conv2D(2, 5, strides=4), *head])


def saved(path: Path, network: keras.Model) -> Path:
    """Saves a network compiled, as its authors would."""
    network.compile("adam", "mse")
    network.save(path)
    return path


def action(*words: str) -> Action:
    args = parse(["bundle", *words]).args
    return command._ACTIONS[args.action].from_args(args)


def test_words_become_an_action() -> None:
    assert action("inspect", "b") == Inspect("b", card=False)
    assert action("inspect", "b", "--card") == Inspect("b", card=True)
    assert action("verify", "s3://models/b") == Verify("s3://models/b", "auto")
    assert action("verify", "b", "--engine", "openvino") == Verify("b", "openvino")
    assert action("convert", "b", "/new") == Convert("b", "/new")
    assert action("import", "m.keras", "--output", "b", "--labels", "nevus", "melanoma", "--size", "20x24") == Import(
        model="m.keras",
        output="b",
        labels=("nevus", "melanoma"),
        size=(20, 24),
        crop=None,
        scale=1.0,
        offset=0.0,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        outputs="softmax",
        channels="rgb",
        prior=None,
        rule="balanced",
        flag_melanoma=None,
        licence="Terms unknown: ask whoever gave you the model.",
        check=None,
        expect=None,
        tolerance=0.02,
    )
    assert action("check", "b", "--images", "i", "--expect", "e.csv") == Check("b", "i", "e.csv", 0.02)


def test_numbers_for_every_channel_and_class_are_read() -> None:
    given = ["--mean", "0.1", "-0.2", "3", "--std", "1", "2", "3", "--prior", "0.9", "0.1", "--crop", "0.875"]
    found = action("import", "m", "--output", "b", "--labels", "a", "b", "--size", "1x1", *given)
    assert isinstance(found, Import)
    assert (found.mean, found.std, found.prior, found.crop) == ((0.1, -0.2, 3.0), (1.0, 2.0, 3.0), (0.9, 0.1), 0.875)


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        (
            {"test": {"balanced_accuracy": {"value": 0.8125, "low": 0.75, "high": 0.875, "n": 123}}},
            "balanced accuracy 0.812 on its test part (95 %: 0.750 to 0.875, n = 123); see --card",
        ),
        ({}, "no figures in the form that melanoma train writes; see --card"),
        ({"test": {"balanced_accuracy": 0.8}}, "no figures in the form"),
        ({"test": None}, "no figures in the form"),
        ({"test": {"balanced_accuracy": {"value": "high", "low": 0, "high": 1, "n": 1}}}, "no figures in the form"),
        ({"test": {"balanced_accuracy": {"value": 0.8, "low": 0.7, "high": 0.9, "n": 1.5}}}, "no figures in the form"),
    ],
)
def test_the_main_figure_is_shown_whatever_a_bundle_states(metrics: dict[str, Any], text: str) -> None:
    assert command._measured(metrics).startswith(text)


SIMPLE = ["--scale", "0.00784313725", "--offset", "-1"]
IMAGENET = ["--scale", "0.00392156863", "--mean", "0.485", "0.456", "0.406", "--std", "0.229", "0.224", "0.225"]


@pytest.mark.parametrize("build", [functional, sequential])
@pytest.mark.parametrize(
    ("outputs", "activation", "labels", "words"),
    [(3, "softmax", ["mel", "nv", "Lentigo NOS"], SIMPLE), (1, "sigmoid", ["benign", "malignant"], IMAGENET)],
    ids=["softmax", "sigmoid"],
)
def test_an_imported_model_scores_a_photograph_as_it_did_in_keras(
    tmp_path: Path, build: Any, outputs: int, activation: str, labels: list[str], words: list[str]
) -> None:
    keras.utils.set_random_seed(1)
    model = saved(tmp_path / "theirs.keras", build(outputs, activation))
    uri = str(tmp_path / "bundle")
    assert main(["bundle", "import", str(model), "--output", uri, "--labels", *labels, "--size", "20x24", *words]) == 0
    bundle = load_bundle(uri)
    assert bundle.labels == tuple(labels) and bundle.spec == ImageSpec(20, 24)
    pixels = np.stack([decoding.decode(photograph(seed), bundle.spec) for seed in range(5)])
    scaling = bundle.scaling
    seen = (pixels.astype(np.float32) * scaling.scale + scaling.offset - scaling.mean) / scaling.std
    expected = keras.saving.load_model(model)(seen.astype(np.float32), training=False).numpy()
    if outputs == 1:
        expected = np.concatenate([1 - expected, expected], axis=1)
    assert len({row.tobytes() for row in expected.round(3)}) > 1
    np.testing.assert_allclose(load_engine(bundle, 4).score(pixels[:4]).probabilities, expected[:4], atol=1e-5)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(2)
    return saved(tmp_path_factory.mktemp("models") / "theirs.keras", functional(2, "softmax"))


def imported(model: Path, output: Path | str, *words: str) -> int:
    given = ["bundle", "import", str(model), "--output", str(output), "--labels", "nevus", "melanoma"]
    return main([*given, *([] if "--size" in words else ["--size", "20x24"]), *words])


def test_the_bundle_holds_the_settings_of_the_command_line(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--crop", "0.875", "--prior", "0.9", "0.1", "--licence", "Research only."]
    assert imported(model, tmp_path / "a", *words) == 0
    bundle = load_bundle(str(tmp_path / "a"))
    assert bundle.spec == ImageSpec(20, 24, 0.875) and bundle.prior == (0.9, 0.1)
    assert bundle.files["LICENSE"] == b"Research only."
    assert hashlib.sha256(model.read_bytes()).hexdigest() in bundle.files["card.md"].decode()
    assert bundle.model_id in capsys.readouterr().out


def test_the_same_model_imported_again_has_the_same_name(tmp_path: Path) -> None:
    """Keras writes the time into every file that it saves."""

    def long_ago(metadata: bytes) -> bytes:
        return json.dumps({**json.loads(metadata), "date_saved": "2020-01-02@03:04:05"}).encode()

    model = rewritten(saved(tmp_path / "theirs.keras", functional(2, "softmax")), "metadata.json", long_ago)
    assert imported(model, tmp_path / "a") == imported(model, tmp_path / "b", "--licence", "Other terms.") == 0
    first, second = (load_bundle(str(tmp_path / name)) for name in ("a", "b"))
    assert first.model_id == second.model_id and first.digest != second.digest
    assert b"2020-01-02@03:04:05" in first.files["model.keras"]


def test_the_optimizer_and_the_loss_are_left_out(model: Path, tmp_path: Path) -> None:
    assert imported(model, tmp_path / "a") == 0
    network = load_bundle(str(tmp_path / "a")).files["model.keras"]
    assert b"compile_config" in model.read_bytes() and b"compile_config" not in network


def unsafe(path: Path) -> Path:
    pixels = keras.Input((20, 24, 3))
    pooled = layers.GlobalAveragePooling2D()(layers.Lambda(lambda x: x / 255)(pixels))
    return saved(path, keras.Model(pixels, layers.Dense(2, activation="softmax")(pooled)))


def rewritten(path: Path, member: str, edit: Callable[[bytes], bytes]) -> Path:
    """Edits one member of a network file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, edit(data) if name == member else data)
    return path


def with_weights_in_a_file(path: Path) -> Path:
    """A network whose weights would be read from another file on the importing machine."""
    secret = path.with_name("secret.bin")
    secret.write_bytes(bytes(1000))

    def edit(weights: bytes) -> bytes:
        with h5py.File(changed := io.BytesIO(weights), "r+") as file:
            file.create_dataset("more", (4, 2), "f4", external=[(str(secret), 0, 32)])
        return changed.getvalue()

    return rewritten(saved(path, functional(2, "softmax")), "model.weights.h5", edit)


def with_weights_behind_a_link(path: Path) -> Path:
    """A network whose layers would be taken from another network on the importing machine."""
    elsewhere = path.with_name("theirs.h5")

    def edit(weights: bytes) -> bytes:
        elsewhere.write_bytes(weights)
        with h5py.File(changed := io.BytesIO(weights), "r+") as file:
            del file["layers"]
            file["layers"] = h5py.ExternalLink(str(elsewhere), "/layers")
        return changed.getvalue()

    return rewritten(saved(path, functional(2, "softmax")), "model.weights.h5", edit)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (unsafe, "Lambda"),
        (with_weights_in_a_file, "not a plain array"),
        (with_weights_behind_a_link, "it does not open"),
        (lambda path: path, "the store has no such file"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)), "it is an HDF5 file"),
        (lambda path: saved(path, functional(3, "softmax")), "the network returns (None, 3)"),
        (lambda path: saved(path, functional(2, "linear")), "not probabilities"),
    ],
    ids=["lambda", "other file", "other network", "missing", "hdf5", "outputs", "logits"],
)
def test_a_model_that_cannot_become_a_bundle_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Any, message: str
) -> None:
    make(tmp_path / "theirs.keras")
    assert imported(tmp_path / "theirs.keras", tmp_path / "bundle") == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "Traceback" not in error
    assert error.startswith("melanoma: ") and len(error.splitlines()) == 1
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "20"], "is not a size; write height x width"),
        (["--size", "0x24"], "is not a size; write height x width"),
        (["--size", "24x20"], "the description says (24, 20)"),
        (["--prior", "1"], "1 shares in the prior for 2 labels"),
        (["--prior", "0.5", "0.6"], "prior sums to 1.1"),
        (["--std", "0", "1", "1"], "for std of at least"),
        (["--scale", "nan"], "give numbers of at most"),
        (["--crop", "1.5"], "give a share above 0"),
        (["--scal", "2"], "unrecognized arguments: --scal"),
        (["--labels", "nevus", "nv"], "both become the column p_nevus"),
        (["--output", "nostore://x"], "store that can be used"),
    ],
)
def test_mistakes_exit_with_2_and_one_line_and_write_nothing(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert imported(model, tmp_path / "bundle", *words) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "Traceback" not in error and len(error.splitlines()) == 1
    assert not (tmp_path / "bundle").exists()


def contents(folder: Path | str) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_existing_files_are_never_overwritten(
    model: Path, bundle_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(bundle_uri)
    assert imported(model, bundle_uri) == 2
    assert "the folder holds a bundle already" in capsys.readouterr().err
    assert contents(bundle_uri) == before
    (tmp_path / "LICENSE").write_text("of the project around it")
    assert imported(model, tmp_path) == 2
    assert "the folder holds 'LICENSE' already" in capsys.readouterr().err
    assert contents(tmp_path) == {tmp_path / "LICENSE": b"of the project around it"}


def test_inspect_shows_everything_and_runs_nothing(bundle_uri: str) -> None:
    words = [sys.executable, "-X", "importtime", "-m", "jobs.cli", "bundle", "inspect", bundle_uri]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    bundle = load_bundle(bundle_uri)
    lines = ended.stdout.splitlines()
    assert lines[0] == bundle_uri
    assert lines[1:5] == [
        f"  model_id   {bundle.model_id}",
        f"  digest     {bundle.digest}",
        "  labels     melanoma, nevus, basal_cell_carcinoma",
        "  input      16x16, no crop",
    ]
    assert "  rule       balanced, temperature 1, thresholds: melanoma 0.3" in lines and "was not run" in lines[-1]
    imported_names = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "h5py" in imported_names
    assert not imported_names & {"tensorflow", "keras", "apache_beam"}


def test_verify_runs_the_network_and_inspect_does_not(
    bundle_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", "verify", bundle_uri]) == 0
    assert "reproduces its 8 golden samples" in capsys.readouterr().out
    permuted = edited(bundle_uri, tmp_path, labels=["nevus", "melanoma", "basal cell carcinoma"])
    assert main(["bundle", "inspect", permuted]) == 0
    assert main(["bundle", "verify", permuted]) == 2
    assert "do not belong together" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["inspect", "verify"])
def test_a_folder_without_a_valid_bundle_exits_with_2(
    action: str, tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", action, str(tmp_path)]) == 2
    assert "no bundle.json there; check the path" in capsys.readouterr().err
    folder = copied(bundle_uri, tmp_path)
    (folder / "card.md").write_bytes(b"changed")
    assert main(["bundle", action, str(folder)]) == 2
    assert "'card.md' has sha256" in capsys.readouterr().err


def test_a_card_is_shown_without_control_characters(
    bundle_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(bundle_uri, tmp_path)
    hostile = "\x1b]52;c;aGk=\x07\x1b[2J\u202e"
    (folder / "card.md").write_text(f"# Müller's network\n\nFine {hostile}words.\n")
    uri = describe(folder, {**document_of(folder), "metrics": {hostile: hostile}, "training": {"a": hostile}})
    assert main(["bundle", "inspect", uri, "--card"]) == 0
    card = capsys.readouterr().out
    assert "# Müller's network\n\nFine" in card and "words.\n" in card
    assert main(["bundle", "inspect", uri]) == 0
    for text in (card, capsys.readouterr().out):
        assert all(line.isprintable() for line in text.split("\n"))
    assert json.loads((folder / "bundle.json").read_text())["metrics"] == {hostile: hostile}


@pytest.mark.parametrize(
    ("labels", "prior", "slugs", "stated"),
    [
        (["nevus", "melanoma"], [], ("nevus", "melanoma"), (0.5, 0.5)),
        (["nevus,melanoma"], ["0.9", "0.1"], ("nevus", "melanoma"), (0.9, 0.1)),
        (["mel"], ["0.1"], ("not_melanoma", "melanoma"), (0.9, 0.1)),
        (["malignant"], [], ("not_malignant", "malignant"), (0.5, 0.5)),
    ],
)
def test_one_sigmoid_output_is_the_probability_of_the_second_or_only_label(
    tmp_path: Path, labels: list[str], prior: list[str], slugs: tuple[str, ...], stated: tuple[float, ...]
) -> None:
    keras.utils.set_random_seed(4)
    network = functional(1, "sigmoid")
    model = saved(tmp_path / "theirs.keras", network)
    words = ["--labels", *labels, *(["--prior", *prior] if prior else [])]
    assert imported(model, tmp_path / "b", *words) == 0
    bundle = load_bundle(str(tmp_path / "b"))
    assert bundle.slugs == slugs and bundle.prior == stated
    pixels = np.stack([decoding.decode(photograph(seed), bundle.spec) for seed in range(3)])
    expected = network(pixels.astype(np.float32), training=False).numpy()[:, 0]
    found = load_engine(bundle, 3).score(pixels).probabilities
    np.testing.assert_allclose(found, np.stack([1 - expected, expected], axis=1), atol=1e-6)
    sample = bundle.golden[0].probabilities
    assert set(sample) == set(slugs) and sum(sample.values()) == pytest.approx(1, abs=1e-6)


def test_a_single_label_is_a_model_of_its_own_and_may_have_a_flag(tmp_path: Path) -> None:
    model = saved(tmp_path / "theirs.keras", functional(1, "sigmoid"))
    for name, words in {
        "one": ["--labels", "melanoma"],
        "two": ["--labels", "not melanoma", "melanoma"],
        "flag": ["--labels", "melanoma", "--flag-melanoma", "0.3", "--rule", "argmax"],
    }.items():
        assert imported(model, tmp_path / name, *words) == 0
    one, two, flag = (load_bundle(str(tmp_path / name)) for name in ("one", "two", "flag"))
    assert one.model_id == two.model_id != flag.model_id and not one.thresholds
    assert flag.thresholds == {"melanoma": 0.3} and flag.decision_rule == "argmax"
    pixels = np.stack([decoding.decode(photograph(seed), flag.spec) for seed in range(4)])
    scores = load_engine(flag, 4).score(pixels)
    assert decide(flag, scores).flag_melanoma.tolist() == (scores.probabilities[:, 1] >= 0.3).tolist()


@pytest.mark.parametrize(
    ("outputs", "activation", "words", "message"),
    [
        (1, "softmax", ["--labels", "melanoma"], "activation softmax, expected sigmoid: softmax of one number is alwa"),
        (1, "tanh", ["--labels", "melanoma"], "activation tanh, expected sigmoid: it is not a probability"),
        (1, "relu", ["--labels", "melanoma"], "activation relu, expected sigmoid: it is not a probability"),
        (1, "linear", ["--labels", "a", "b"], "activation linear, expected sigmoid: it is not a probability"),
        (3, "softmax", ["--labels", "melanoma"], "one probability for each of the labels not melanoma, melanoma; name"),
        (1, "sigmoid", ["--labels", "a", "b", "c"], "(for one sigmoid output one or two)"),
        (1, "sigmoid", ["--labels", "scc", "--flag-melanoma", "0.3"], "--flag-melanoma needs the label melanoma"),
        (1, "sigmoid", ["--labels", "scc", "--check", "photographs"], "--check and --expect go together"),
    ],
)
def test_outputs_that_do_not_fit_the_labels_are_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    outputs: int,
    activation: str,
    words: list[str],
    message: str,
) -> None:
    model = saved(tmp_path / "theirs.keras", functional(outputs, activation))
    assert imported(model, tmp_path / "bundle", *words) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1 and not (tmp_path / "bundle").exists()


class Answers(NamedTuple):
    """A model, photographs, and a table of what Keras computes for them."""

    model: Path
    images: Path
    table: Path


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("answers")
    keras.utils.set_random_seed(7)
    network = sequential(2, "softmax")
    images = fill(folder / "images", 4)
    spec = ImageSpec(20, 24)
    rows = ["file,nevus,melanoma,age"]
    for path in images:
        pixels = decoding.decode(path.read_bytes(), spec)[None].astype(np.float32) / 255
        rows.append(f"{path.name},{','.join(map(str, network(pixels, training=False).numpy()[0]))},60")
    (folder / "expected.csv").write_text("\n".join(rows))
    return Answers(saved(folder / "theirs.keras", network), folder / "images", folder / "expected.csv")


def test_a_model_that_agrees_with_its_own_framework_is_imported_and_checked_later(
    answers: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = ["--check", str(answers.images), "--expect", str(answers.table)]
    assert imported(answers.model, tmp_path / "b", "--scale", "0.003921568627", *check) == 0
    printed = capsys.readouterr().out
    assert "4 of 4 photographs agree within 0.02" in printed and "lesion-0000.jpg" in printed
    words = ["bundle", "check", str(tmp_path / "b"), "--images", str(answers.images), "--expect", str(answers.table)]
    assert main([*words, "--tolerance", "0.0001"]) == 0
    changed = tmp_path / "changed.csv"
    changed.write_text(answers.table.read_text().replace("file,nevus,melanoma", "file,melanoma,nevus"))
    assert main([*words[:-1], str(changed)]) == 2
    seen = capsys.readouterr()
    assert "would match with labels in another order: --labels melanoma nevus" in seen.out
    assert "differ from the expected answers by more than 0.02" in seen.err


def test_a_model_that_differs_from_its_own_framework_is_not_imported_and_the_cause_is_named(
    answers: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = ["--check", str(answers.images), "--expect", str(answers.table)]
    assert imported(answers.model, tmp_path / "b", *check) == 2
    seen = capsys.readouterr()
    assert "would match with pixels from 0 to 1: --scale 0.00392156862745098" in seen.out
    assert "no bundle was written" in seen.err and len(seen.err.splitlines()) == 1
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("saved_model.pb", "it is a SavedModel of TensorFlow; expected a .keras file of Keras 3 or an ONNX model; if"),
        ("manifest.ocdbt", "it is a checkpoint of JAX (Orbax), which holds weights but no network; expected"),
        ("bundle.json", "it is a bundle already; expected a .keras file of Keras 3 or an ONNX model; use it"),
        ("notes.txt", "it is a folder; expected a .keras file of Keras 3 or an ONNX model; give the path"),
    ],
)
def test_a_folder_in_place_of_a_file_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / name).write_bytes(b"x")
    assert imported(tmp_path / "model", tmp_path / "b") == 2
    assert message in capsys.readouterr().err
