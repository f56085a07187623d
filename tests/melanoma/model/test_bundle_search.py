"""A bundle is found by its name wherever the search path has it, and a path that exists wins over a name."""

import shutil
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import BundleError
from melanoma.model import bundle_search
from melanoma.model.bundle import load_bundle
from melanoma.model.bundle_search import VARIABLE, find_bundle, list_bundles, search_path, shipped_folders
from tests.helpers import ROOT

SHIPPED = {"ham10000-lite0", "ham10000-lite0-taught", "hospitals-lite0", "isic9-assignment-cnn", "isic9-lite0"}


@pytest.fixture
def folders(tmp_path: Path, bundle_uri: str, other_bundle_uri: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two folders on the search path; both have a bundle `same`, the second one `only-second` too."""
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(bundle_uri, first / "same")
    shutil.copytree(other_bundle_uri, second / "same")
    shutil.copytree(other_bundle_uri, second / "only-second")
    (first / "no-bundle").mkdir()
    monkeypatch.setenv(VARIABLE, f"{first}:{second}")
    monkeypatch.chdir(tmp_path)
    return str(first), str(second)


def test_a_name_is_found_in_the_first_folder_that_has_it(folders: tuple[str, str], bundle_uri: str) -> None:
    first, second = folders
    assert find_bundle("same") == f"{first}/same"
    assert find_bundle("only-second") == f"{second}/only-second"
    assert load_bundle("same").model_id == load_bundle(bundle_uri).model_id
    assert load_bundle("same").uri == f"{first}/same"


@pytest.mark.usefixtures("folders")
def test_a_path_that_exists_wins_over_a_name(tmp_path: Path, other_bundle_uri: str) -> None:
    shutil.copytree(other_bundle_uri, tmp_path / "same")
    assert find_bundle("same") == "same"
    assert load_bundle("same").model_id == load_bundle(other_bundle_uri).model_id


@pytest.mark.parametrize("place", ["/a/b", "a/b", "./same", "s3://bucket/b", "memory://b", "~", ".", "..", ""])
def test_what_is_not_a_name_is_left_alone(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "missing"))  # would be refused if anything were searched
    assert find_bundle(place) == place


@pytest.mark.usefixtures("folders")
def test_an_unknown_name_and_a_missing_path_list_what_there_is() -> None:
    with pytest.raises(
        BundleError, match=r"^sane: no such folder, .* did you mean same\? known by name: same, only-sec"
    ):
        load_bundle("sane")
    with pytest.raises(
        BundleError, match=r"^/gone/same: no bundle\.json there; .*\(known by name: same, only-second, "
    ):
        load_bundle("/gone/same")
    with pytest.raises(BundleError, match=r"^no-bundle: no such folder"):
        load_bundle("no-bundle")


def test_a_folder_that_does_not_exist_is_refused_and_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/no/such/folder")
    with pytest.raises(BundleError, match="MELANOMA_BUNDLES lists /no/such/folder, which does not exist; correct"):
        load_bundle("ham10000-lite0-taught")


def test_folders_in_stores_and_on_disks_can_be_mixed(
    bucket: str, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in Path(bundle_uri).rglob("*"):
        if path.is_file():
            storage.write_bytes(f"{bucket}/models/mine/{path.relative_to(bundle_uri)}", path.read_bytes())
    local = str(Path(bundle_uri).parent)
    monkeypatch.setenv(VARIABLE, f"{bucket}/models:{local}:{bucket}/models/")
    assert search_path()[:3] == [f"{bucket}/models", local, f"{bucket}/models/"]
    assert find_bundle("mine") == f"{bucket}/models/mine"
    assert load_bundle("mine").model_id == load_bundle("tiny").model_id
    assert [found.uri for found in list_bundles() if found.name == "mine"] == [f"{bucket}/models/mine"]


@pytest.mark.usefixtures("folders")
def test_the_list_reads_what_each_bundle_states(bundle_uri: str) -> None:
    whole = load_bundle(bundle_uri)
    found = {listed.name: listed for listed in list_bundles()}
    assert set(found) == {"same", "only-second", *SHIPPED}
    same = found["same"]
    assert same.description is not None and same.description.model_id == whole.model_id
    assert same.size == sum(path.stat().st_size for path in Path(bundle_uri).rglob("*") if path.is_file())
    assert same.licence and same.licence in " ".join(whole.files["LICENSE"].decode().split())


def test_a_damaged_bundle_is_listed_with_its_fault(folders: tuple[str, str]) -> None:
    first, second = (Path(folder) for folder in folders)
    (first / "same" / "bundle.json").write_text("{}")
    (second / "only-second" / "LICENSE").unlink()
    found = {listed.name: listed for listed in list_bundles()}
    assert found["same"].description is None and "lacks" in found["same"].fault
    assert found["only-second"].fault.startswith("the store has no such file")


def test_a_checkout_ships_its_bundles_and_an_installed_package_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shipped_folders() == [str(ROOT / "bundles")]
    monkeypatch.setattr(bundle_search.melanoma, "__file__", str(tmp_path / "melanoma" / "__init__.py"))
    (tmp_path / "bundles").mkdir()  # beside an installed package this is somebody else's
    assert shipped_folders() == []
    (tmp_path / "melanoma" / "bundles").mkdir(parents=True)
    assert shipped_folders() == [str(tmp_path / "melanoma" / "bundles")]
