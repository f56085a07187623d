"""A bundle is whole, fits its own description and says who it is, or it is refused in one line before TensorFlow."""

import copy
import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma import storage
from melanoma.errors import BundleError, NothingCommittedError, UsageError
from melanoma.images.decoding import ImageSpec
from melanoma.json_values import to_json
from melanoma.model.bundle import check_free, load_bundle
from melanoma.model.description import ENGINE, read_description
from melanoma.model.preprocessing import Scaling
from melanoma.model.reference_distribution import reference_of
from melanoma.storage import filesystems
from tests.helpers import ROOT, write_tiny_bundle
from tests.helpers.bundles import Document, copied, describe, document_of, edited, with_other_weights

SLUGS = ("melanoma", "nevus", "basal_cell_carcinoma")
REFERENCE = reference_of(SLUGS, np.eye(3), np.arange(3), np.array([0.1, 0.2, 1.0]))


def with_bins(bins: list[float]) -> Document:
    """Gives the histograms of the reference with other bins for nevus."""
    return {**REFERENCE["histograms"], "p_nevus": bins}


def refusal(uri: str, digest: str | None = None) -> str:
    """Gives the one line with which a bundle is refused."""
    with pytest.raises(BundleError) as caught:
        load_bundle(uri, digest)
    said = str(caught.value)
    assert said.startswith(f"{uri}: ") and said.isprintable() and len(said) < 1000
    return said


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def test_a_bundle_gives_back_what_was_written(bundle_uri: str) -> None:
    bundle = load_bundle(bundle_uri)
    assert bundle.labels == ("melanoma", "nevus", "basal cell carcinoma")
    assert bundle.slugs == ("melanoma", "nevus", "basal_cell_carcinoma")
    assert bundle.spec == ImageSpec(16, 16) and bundle.scaling == Scaling()
    assert bundle.prior == pytest.approx((1 / 3,) * 3) and bundle.temperature == 1.0
    assert bundle.decision_rule == "balanced" and bundle.thresholds == {"melanoma": 0.3}
    assert bundle.files["card.md"] == b"# Tiny\n\nFor tests.\n"
    assert bundle.facts.input_shape == (16, 16, 3)
    assert {golden.file for golden in bundle.golden} == {name for name in bundle.files if name.startswith("golden/")}


def test_one_flipped_byte_in_any_file_is_refused(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    names = sorted(document_of(folder)["files"])
    assert len(names) >= 11
    for name in names:
        whole = (folder / name).read_bytes()
        for place in (0, len(whole) // 2, len(whole) - 1):
            (folder / name).write_bytes(flipped(whole, place))
            assert f"{name!r} has sha256" in refusal(str(folder))
        (folder / name).write_bytes(whole)
    load_bundle(str(folder))


def test_a_damaged_bundle_is_refused_before_tensorflow_is_imported(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    network = folder / "model.keras"
    network.write_bytes(flipped(network.read_bytes(), 1000))
    words = [sys.executable, "-X", "importtime", "-m", "jobs.cli", "bundle", "verify", str(folder)]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and "'model.keras' has sha256" in ended.stderr
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "melanoma.model.bundle" in imported
    assert not imported & {"tensorflow", "keras"}


def test_the_digest_covers_every_byte_and_can_be_pinned(bundle_uri: str, tmp_path: Path) -> None:
    digest = load_bundle(bundle_uri).digest
    assert load_bundle(bundle_uri, digest).digest == digest
    assert f"expected {'0' * 12}…" in refusal(bundle_uri, "0" * 64)
    folder = copied(bundle_uri, tmp_path)
    whole = (folder / "bundle.json").read_bytes()
    for place in range(0, len(whole), 97):
        (folder / "bundle.json").write_bytes(flipped(whole, place))
        assert "it has digest" in refusal(str(folder), digest)
    (folder / "bundle.json").write_bytes(whole)
    for name in ("card.md", "LICENSE", "model.keras", "golden/phantom-0.jpg"):
        path = folder / name
        kept, data = path.read_bytes(), path.read_bytes() + b" "
        path.write_bytes(data)
        assert "has sha256" in refusal(str(folder), digest)
        describe(folder, document_of(folder))
        assert "it has digest" in refusal(str(folder), digest)
        path.write_bytes(kept)
        (folder / "bundle.json").write_bytes(whole)


def test_extra_and_missing_files_are_refused_by_name(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "golden" / "more.png").write_bytes(b"x")
    assert "'golden/more.png'" in refusal(str(folder))
    (folder / "golden" / "more.png").unlink()
    (folder / "card.md").unlink()
    assert "'card.md'" in refusal(str(folder))
    for index in range(70):
        (folder / f"{index}.txt").write_bytes(b"")
    assert "more than 64 files" in refusal(str(folder))


@pytest.mark.parametrize("name", ["model.keras", "card.md", "LICENSE", "golden/phantom-3.png", "bundle.json"])
def test_links_and_pipes_are_refused_unread(bundle_uri: str, tmp_path: Path, name: str) -> None:
    folder = copied(bundle_uri, tmp_path)
    path = folder / name
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "link" in refusal(str(folder)) or "not a plain file" in refusal(str(folder))
    path.unlink()
    os.mkfifo(path)  # whoever opens it waits for ever
    assert "link" in refusal(str(folder)) or "not a plain file" in refusal(str(folder))


def test_a_folder_behind_a_link_is_refused(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "golden").rename(tmp_path / "golden")
    (folder / "golden").symlink_to(tmp_path / "golden")
    assert "'golden' is a link" in refusal(str(folder))


def test_a_folder_without_a_bundle_says_what_is_wanted(tmp_path: Path) -> None:
    for uri in (str(tmp_path), str(tmp_path / "absent"), "memory://absent"):
        assert "no bundle.json there; give the folder of a bundle" in refusal(uri)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"labels": ["mel", "melanoma", "nv"]}, "labels 'mel' and 'melanoma' both become the column p_melanoma"),
        ({"labels": ["melanoma", "???", "nv"]}, "label '???' has no letter"),
        ({"labels": ["melanoma"], "prior": {"melanoma": 1.0}, "golden": []}, "1 labels, at least 2"),
        ({"labels": ["melanoma", "nevus"]}, "prior for 'basal_cell_carcinoma', 'melanoma', 'nevus', expected"),
        ({"prior": {"melanoma": 0.5, "nevus": 0.3, "basal_cell_carcinoma": 0.1}}, "prior sums to 0.9"),
        ({"prior": {"melanoma": 0.5, "nevus": 0.5, "basal_cell_carcinoma": 0.0}}, "balanced rule divides"),
        ({"temperature": 0}, "temperature is 0"),
        ({"temperature": -1.5}, "temperature is -1.5"),
        ({"decision_rule": "majority"}, "decision rule 'majority', known are balanced, argmax"),
        ({"image_size": [24, 24]}, "the network takes (16, 16, 3), bundle.json says image_size (24, 24)"),
        ({"image_size": [0, 16]}, "image size 0x16"),
        ({"image_size": [16]}, "image_size is [16], expected a list of 2"),
        ({"thresholds": {"lentigo": 0.5}}, "thresholds for 'lentigo'"),
        ({"thresholds": {"melanoma": 1.5}}, "thresholds of melanoma is 1.5"),
        ({"thresholds": {"review_below": -0.1}}, "thresholds of review_below is -0.1"),
        ({"thresholds": {"ood_above": "0.5"}}, "thresholds of ood_above is '0.5'"),
        ({"thresholds": {"review_above": 0.5}}, "thresholds for 'review_above'"),
        ({"labels": ["melanoma", "review below", "nv"]}, "a label is called review_below, which is the name of a"),
        ({"labels": ["melanoma", "OOD above", "nv"]}, "a label is called ood_above"),
        ({"reference": {"a": 1}}, "reference for 'a', expected 'histograms', 'n', 'top_label' or nothing"),
        ({"reference": [1]}, "reference is [1], expected a dict"),
        ({"reference": {**REFERENCE, "n": 0}}, "n of reference is 0"),
        ({"reference": {**REFERENCE, "top_label": {"melanoma": 1.0}}}, "top_label of reference for 'melanoma'"),
        ({"reference": {**REFERENCE, "top_label": dict.fromkeys(SLUGS, 0.5)}}, "top_label of reference sums to 1.5"),
        ({"reference": {**REFERENCE, "histograms": {}}}, "histograms of reference for"),
        ({"reference": {**REFERENCE, "histograms": with_bins([0.5, 0.5])}}, "expected a list of 10"),
        ({"reference": {**REFERENCE, "histograms": with_bins([0.2] * 10)}}, "histogram of p_nevus sums to 2"),
        ({"reference": {**REFERENCE, "histograms": with_bins([-1, 2] + [0] * 8)}}, "histogram of p_nevus is -1"),
        ({"engine": "torch"}, f"engine 'torch', this version runs {ENGINE}"),
        ({"golden": []}, "no golden samples"),
        ({"metrics": {"accuracy": float("nan")}}, "NaN is not a number"),
        ({"metrics": [0.9]}, "metrics is [0.9], expected a dict"),
        ({"format": 2}, "bundle format 2, this version reads 1; upgrade melanoma"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused_by_the_value(
    bundle_uri: str, tmp_path: Path, changes: Document, complaint: str
) -> None:
    assert complaint in refusal(edited(bundle_uri, tmp_path, **changes))


@pytest.mark.parametrize(
    ("name", "value"),
    [("crop", 0), ("crop", 1.5), ("resize", "nearest"), ("std", [1, 0, 1]), ("mean", [0.5]), ("colour", "bgr")],
)
def test_a_preprocessing_that_cannot_be_done_is_refused_not_ignored(
    bundle_uri: str, tmp_path: Path, name: str, value: object
) -> None:
    preprocessing = {**document_of(bundle_uri)["preprocessing"], name: value}
    assert "bundle.json is malformed" in refusal(edited(bundle_uri, tmp_path, preprocessing=preprocessing))


NAMES = ["../card.md", "/etc/passwd", "golden/../card.md", "", ".", "card.md/", "a\n\x1b[2Jb", "\ud800", "bundle.json"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leaves_the_folder_is_refused(bundle_uri: str, tmp_path: Path, name: str) -> None:
    folder = copied(bundle_uri, tmp_path)
    (tmp_path / "card.md").write_bytes(b"outside")
    document = document_of(folder)
    document["files"][name] = hashlib.sha256(b"outside").hexdigest()
    (folder / "bundle.json").write_text(json.dumps(document))
    assert "bundle.json" in refusal(str(folder))


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Walks every value of a JSON document, of lists only the first two entries."""
    items = node.items() if isinstance(node, dict) else enumerate(node[:2]) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def put(document: Document, path: tuple[Any, ...], value: object) -> None:
    node: Any = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value


NESTED: list[Any] = []
for _ in range(300):
    NESTED = [NESTED]
HOSTILE = [None, True, 0, -1, 0.5, 10**400, float("nan"), float("inf"), "", "\ud800x", [], [[]], {}, {"x": 1}, NESTED]


def test_whatever_a_description_holds_it_is_refused_in_one_line_or_harmless(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    sound = document_of(folder)
    harmless = set()
    for path in places(sound):
        for value in HOSTILE:
            document = copy.deepcopy(sound)
            put(document, path, value)
            (folder / "bundle.json").write_text(json.dumps(document))
            try:
                load_bundle(str(folder))
                harmless.add(path)
            except BundleError as error:
                assert str(error).isprintable() and len(str(error)) < 1000, path
    fine = {("preprocessing", key) for key in ("crop", "scale", "offset")} | {("temperature",), ("thresholds",)}
    fine |= {("preprocessing", "mean", 0), ("preprocessing", "mean", 1), ("preprocessing", "std", 0)}
    fine |= {("preprocessing", "std", 1), ("thresholds", "melanoma")}
    told = ("metrics", "training", "versions", "reference")
    kept = {path for path in harmless - fine if path[0] not in told}
    assert {(path[0], len(path), path[-1]) for path in kept} <= {
        ("golden", 3, "tensor_sha256"),  # any text: the golden check compares it
        ("golden", 4, "melanoma"),
        ("golden", 4, "nevus"),
        ("golden", 4, "basal_cell_carcinoma"),
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"17",
        b'"labels"',
        b"{",
        b"\xff\xfe{}",
        b"{}" * 2,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"temperature": ' + b"9" * 5000 + b"}",
        b"\x00" * 100,
        b" " * (5 * 2**20),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_a_description_that_is_no_description_is_refused(bundle_uri: str, tmp_path: Path, data: bytes) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "bundle.json").write_bytes(data)
    assert "bundle.json" in refusal(str(folder))


def test_a_description_with_random_damage_loads_or_is_refused(bundle_uri: str) -> None:
    dice, whole = random.Random(0), Path(bundle_uri, "bundle.json").read_bytes()
    refused = 0
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 1, 3, 20))):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        data = bytes(damaged[: dice.randrange(len(damaged))] if dice.random() < 0.2 else damaged)
        try:
            read_description(data)
        except BundleError as error:
            refused += 1
            assert str(error).isprintable() and len(str(error)) < 1000
    assert refused > 1000


def test_a_network_that_is_none_is_refused_with_the_bundles_name(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "model.keras").write_bytes(b"\x80\x04pickle")
    assert "model.keras: it is a pickle" in refusal(describe(folder, document_of(folder)))


def without(name: str) -> Callable[[Path, Document], None]:
    def edit(folder: Path, document: Document) -> None:
        (folder / name).unlink()
        del document["files"][name]

    return edit


@pytest.mark.parametrize("name", ["card.md", "LICENSE", "model.keras", "golden/phantom-1.jpg"])
def test_a_bundle_without_card_licence_network_or_a_phantom_is_refused(
    bundle_uri: str, tmp_path: Path, name: str
) -> None:
    folder = copied(bundle_uri, tmp_path)
    document = document_of(folder)
    without(name)(folder, document)
    refusal(describe(folder, document))


def test_the_model_keeps_its_name_when_words_and_figures_change(bundle_uri: str, tmp_path: Path) -> None:
    before = load_bundle(bundle_uri)
    folder = copied(bundle_uri, tmp_path)
    (folder / "card.md").write_text("# A typo mended\n")
    (folder / "LICENSE").write_text("Other terms.\n")
    words = {"metrics": {"accuracy": 0.9}, "training": {"seed": 7}, "versions": {"engine": "9"}, "reference": REFERENCE}
    after = load_bundle(describe(folder, {**document_of(folder), **words}))
    assert after.model_id == before.model_id and after.digest != before.digest


def test_the_model_has_another_name_when_anything_moves_a_probability_or_a_flag(bundle_uri: str) -> None:
    sound = document_of(bundle_uri)
    changes: dict[tuple[Any, ...], object] = {
        ("labels", 2): "bcc",
        ("image_size", 0): 17,
        ("preprocessing", "crop"): 0.9,
        ("preprocessing", "scale"): 0.5,
        ("preprocessing", "mean", 1): 0.5,
        ("prior",): {"melanoma": 0.2, "nevus": 0.5, "basal_cell_carcinoma": 0.3},
        ("temperature",): 1.5,
        ("decision_rule",): "argmax",
        ("thresholds", "melanoma"): 0.31,
        ("thresholds",): {"melanoma": 0.3, "review_below": 0.6},
        ("files", "model.keras"): "0" * 64,
    }
    names = {read_description(to_json(sound)).model_id}
    for path, value in changes.items():
        document = copy.deepcopy(sound)
        put(document, path, value)
        names.add(read_description(to_json(document)).model_id)
    assert len(names) == len(changes) + 1
    assert all(len(name) == 14 and name.startswith("m-") for name in names)


def test_thresholds_for_a_review_and_a_reference_are_read(bundle_uri: str, tmp_path: Path) -> None:
    thresholds = {"ood_above": 0.5, "review_below": 0.75}
    bundle = load_bundle(edited(bundle_uri, tmp_path, thresholds=thresholds, reference=REFERENCE))
    assert bundle.thresholds == thresholds and bundle.description["reference"] == REFERENCE


def test_a_reference_sums_up_what_was_said() -> None:
    assert REFERENCE["n"] == 3 and set(REFERENCE["histograms"]) == {*(f"p_{slug}" for slug in SLUGS), "ood_score"}
    assert REFERENCE["histograms"]["p_nevus"] == pytest.approx([2 / 3, *[0] * 8, 1 / 3])
    assert REFERENCE["histograms"]["ood_score"] == pytest.approx([0, 1 / 3, 1 / 3, *[0] * 6, 1 / 3])
    assert REFERENCE["top_label"] == pytest.approx(dict.fromkeys(SLUGS, 1 / 3))


def test_the_bundles_that_ship_keep_their_names() -> None:
    """Their names are in the tables of those who use them: with others archives would be scored again."""
    names = {
        "ham10000-lite0-taught": "m-b5ff6dd4ad14",
        "ham10000-lite0": "m-501b05be0066",
        "isic9-lite0": "m-2a10b48e5881",
        "isic9-assignment-cnn": "m-f56a9b99f880",
    }
    for folder, name in names.items():
        assert load_bundle(str(ROOT / "bundles" / folder)).model_id == name


def test_another_network_is_another_model(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "model.keras").write_bytes(with_other_weights((folder / "model.keras").read_bytes()))
    assert load_bundle(describe(folder, document_of(folder))).model_id != load_bundle(bundle_uri).model_id


@pytest.mark.parametrize("store", ["memory", "s3", "file"])
def test_a_bundle_is_the_same_in_every_store(
    bundle_uri: str, store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bucket = request.getfixturevalue("bucket") if store == "s3" else f"{store}://{tmp_path}"
    uri = f"{bucket}/models/tiny, v1 [final]/"
    for path in Path(bundle_uri).rglob("*"):
        if path.is_file():
            storage.write_bytes(storage.join(uri, str(path.relative_to(bundle_uri))), path.read_bytes())
    here, there = load_bundle(bundle_uri), load_bundle(uri)
    assert (there.digest, there.model_id, there.files) == (here.digest, here.model_id, here.files)
    storage.write_bytes(storage.join(uri, "extra.txt"), b"x")
    assert "'extra.txt'" in refusal(uri)


def test_a_store_that_gives_nothing_is_no_fault_of_the_bundle(bundle_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    with pytest.raises(NothingCommittedError, match="try again"):
        load_bundle(f"failing://{bundle_uri}")


def test_a_bundle_is_written_into_an_empty_place_only(bundle_uri: str, tmp_path: Path) -> None:
    check_free(str(tmp_path / "new"))
    check_free(f"memory://{tmp_path}/new")
    (tmp_path / "LICENSE").write_text("of the project around it")
    with pytest.raises(BundleError, match="'LICENSE' lies there already"):
        check_free(str(tmp_path))
    check_free(str(tmp_path), allowed=["LICENSE"])
    with pytest.raises(BundleError, match="none is ever replaced"):
        write_tiny_bundle(Path(bundle_uri))
    with pytest.raises(BundleError, match="LICENSE"):
        write_tiny_bundle(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["LICENSE"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_scaling_beyond_all_measure_is_a_mistake(value: float) -> None:
    for scaling in ({"scale": value}, {"offset": value}, {"mean": (0, 0, value)}, {"std": (value, 1, 1)}):
        with pytest.raises(UsageError, match="give numbers of at most"):
            Scaling(**scaling)
    with pytest.raises(UsageError):
        Scaling(std=(1, 0, 1))
