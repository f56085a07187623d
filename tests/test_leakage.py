"""The leakage benchmark: how much each of its four protocols leaks, and that its page shows its results."""

import importlib
import json
import re
from types import ModuleType

import pytest

from tests.helpers import ROOT, photograph

SEED, PER_CLASS = 0, 30


def benchmark(name: str) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        return importlib.import_module(name)


@pytest.fixture(scope="module")
def protocols() -> ModuleType:
    return benchmark("leakage_protocols")


@pytest.fixture(scope="module")
def chart() -> ModuleType:
    return benchmark("leakage_chart")


@pytest.fixture(scope="module")
def material(protocols: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> object:
    """Two classes of 60 photographs, two to a lesion, with ten byte-identical copies and five contradictory labels."""
    root = tmp_path_factory.mktemp("data")
    rows = ["image_id,dx,lesion_id"]
    for number, label in enumerate(("melanoma", "nevus")):
        folder = root / "isic9" / "Train" / label
        folder.mkdir(parents=True)
        for index in range(60):
            data = photograph(1000 * number + index)
            (folder / f"{label}-{index:03d}.jpg").write_bytes(data)
            rows.append(f"{label}-{index:03d},{label},{label} lesion {index // 2}")
            if index < 5:
                (folder / f"{label}-{index:03d}-again.jpg").write_bytes(data)
            if label == "nevus" and 10 <= index < 15:
                (root / "isic9" / "Train" / "melanoma" / f"wrong-{index:03d}.jpg").write_bytes(data)
        test = root / "isic9" / "Test" / label
        test.mkdir(parents=True)
        (test / f"published-{number}.jpg").write_bytes(photograph(5000 + number))
    (root / "ham10000").mkdir()
    (root / "ham10000" / "metadata.csv").write_text("\n".join(rows))
    return protocols.gather(root, None)


def sides(protocols: ModuleType, material: object, name: str) -> tuple[list, list]:
    return protocols.PROTOCOLS[name](material, PER_CLASS, SEED)


def test_each_protocol_leaks_less_than_the_one_before(protocols: ModuleType, material: object) -> None:
    shares = []
    for name in protocols.PROTOCOLS:
        training, validation = sides(protocols, material, name)
        shares.append(protocols.shared(training, validation)["any"] / len(validation))
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.8
    assert shares[-1] == 0


def test_copies_are_gone_after_cleaning_and_not_before(protocols: ModuleType, material: object) -> None:
    before = protocols.shared(*sides(protocols, material, "split, then augment"))
    after = protocols.shared(*sides(protocols, material, "clean, split, augment"))
    assert before["content"] > 0
    assert "content" not in after
    assert after["group"] > 0


def test_no_protocol_trains_on_the_honest_test_part(protocols: ModuleType, material: object) -> None:
    for name in protocols.PROTOCOLS:
        assert protocols.shared(sides(protocols, material, name)[0], material.honest) == {"any": 0}


def test_only_the_first_protocol_validates_on_augmented_images(protocols: ModuleType, material: object) -> None:
    augmented = {
        name: sum(bool(item.key) for item in sides(protocols, material, name)[1]) for name in protocols.PROTOCOLS
    }
    assert augmented.pop("augment, then split") > 0
    assert set(augmented.values()) == {0}


def test_training_and_validation_files_of_a_protocol_never_overlap(protocols: ModuleType, material: object) -> None:
    for name in protocols.PROTOCOLS:
        training, validation = (
            {(item.photograph.uri, item.key) for item in side} for side in sides(protocols, material, name)
        )
        assert training and validation and not training & validation


def test_a_shared_photograph_is_counted_with_all_views_of_its_lesion(protocols: ModuleType, material: object) -> None:
    item = material.honest[0]
    views = sum(other.photograph.group == item.photograph.group for other in material.honest)
    assert protocols.shared(material.pool, material.honest) == {"any": 0}
    assert protocols.shared([*material.pool, item], material.honest) == {
        "content": 1,
        "id": 1,
        "group": views,
        "any": views,
    }


def run_of(network: str, protocol: str, value: float) -> dict[str, object]:
    figure = {"value": value, "low": value - 0.1, "high": value + 0.1}
    return {"network": network, "protocol": protocol, "validation says": {"balanced_accuracy": figure}}


def test_results_are_averaged_over_seeds(chart: ModuleType) -> None:
    runs = [run_of("frozen", "one", value) for value in (0.2, 0.4)]
    assert chart.mean(runs, "validation") == pytest.approx({"value": 0.3, "low": 0.2, "high": 0.4})


def test_only_networks_that_followed_every_protocol_are_drawn(chart: ModuleType) -> None:
    runs = [run_of("frozen", protocol, 0.5) for protocol in chart.SIDES]
    report = {"runs": [run_of("notebook", "augment, then split", 0.5), *runs, *runs]}
    assert chart.networks(report) == ["frozen"]
    assert [len(of) for of in chart.by_protocol(report, "frozen").values()] == [2] * len(chart.SIDES)


def test_the_picture_shows_every_protocol_and_its_red_frames_are_right(
    chart: ModuleType, protocols: ModuleType
) -> None:
    assert list(chart.SIDES) == list(protocols.PROTOCOLS)
    seen = {
        name: sum(item[0] in {other[0] for other in training.split()} for item in validation.split())
        for name, (training, validation) in chart.SIDES.items()
    }
    assert list(seen.values()) == [5, 2, 1, 0]
    titles = [axes.get_title(loc="left") for axes in chart.draw_protocols().axes]
    assert titles == [f"{number}. {name}" for number, name in enumerate(protocols.PROTOCOLS, start=1)]


def test_the_page_shows_the_numbers_of_the_results(chart: ModuleType) -> None:
    report = json.loads((ROOT / "benchmarks" / "results" / "leakage.json").read_text())
    text = (ROOT / "docs" / "models" / "leakage.md").read_text().replace("**", "")
    shown = [re.sub(r" \([-+][^)]*\)", "", line) for line in text.splitlines()]  # each training's own difference
    rows = [row for name in chart.networks(report) for row in chart.table(report, name).splitlines()[2:]]
    assert len(rows) == 8
    assert [row for row in rows if row not in shown] == []
