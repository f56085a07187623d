"""The benchmark of leakage: what its four protocols let through, on drawn photographs with known lesions."""

import importlib
from types import ModuleType

import pytest

from tests.helpers import ROOT, photograph

SEED, PER_CLASS = 0, 30


@pytest.fixture(scope="module")
def protocols() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        return importlib.import_module("leakage_protocols")


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


def test_each_protocol_lets_through_less_than_the_one_before(protocols: ModuleType, material: object) -> None:
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


def test_nobody_trains_on_the_honest_test_part(protocols: ModuleType, material: object) -> None:
    for name in protocols.PROTOCOLS:
        assert protocols.shared(sides(protocols, material, name)[0], material.honest) == {"any": 0}


def test_only_the_first_protocol_validates_on_variants(protocols: ModuleType, material: object) -> None:
    variants = {
        name: sum(bool(item.key) for item in sides(protocols, material, name)[1]) for name in protocols.PROTOCOLS
    }
    assert variants.pop("augment, then split") > 0
    assert set(variants.values()) == {0}
