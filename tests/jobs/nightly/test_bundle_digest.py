"""`--bundle-digest` refuses every other bundle before anything of it is loaded."""

import shutil
from pathlib import Path

import pytest

from jobs.cli import main
from melanoma.model.bundle import load_bundle
from tests.helpers import fill
from tests.helpers.outputs import table_in

OTHER = "0" * 64


def words(home: Path, *bundles: str) -> list[str]:
    fill(home / "in", 1)
    given = [word for bundle in bundles for word in ("--bundle", bundle)]
    return ["--images", str(home / "in"), "--output", str(home / "out"), *given]


@pytest.mark.parametrize("command", ["score", "doctor"])
def test_only_the_bundle_with_this_digest_is_used(
    tmp_path: Path, bundle_uri: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = load_bundle(bundle_uri).digest
    assert main([command, *words(tmp_path, bundle_uri), "--bundle-digest", OTHER]) == 2
    captured = capsys.readouterr()
    assert f"it has digest {digest[:12]}…, expected 000000000000…" in captured.out + captured.err
    assert main([command, *words(tmp_path, bundle_uri), "--bundle-digest", digest.upper()]) == 0
    assert (table_in(tmp_path / "out").version is not None) == (command == "score")


def test_nothing_of_another_bundle_is_read(tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The digest covers every file, so the description alone tells."""
    folder = Path(shutil.copytree(bundle_uri, tmp_path / "bundle"))
    (folder / "model.keras").unlink()
    assert main(["score", *words(tmp_path, str(folder)), "--bundle-digest", OTHER, "--dry-run"]) == 2
    assert "it has digest" in capsys.readouterr().err


def test_digests_stand_in_the_order_of_the_bundles(
    tmp_path: Path, bundle_uri: str, other_bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (load_bundle(uri).digest for uri in (bundle_uri, other_bundle_uri))
    every = [*words(tmp_path, bundle_uri, other_bundle_uri), "--dry-run", "--bundle-digest"]
    assert main(["score", *every, first, "--bundle-digest", second]) == 0
    assert main(["score", *every, second, "--bundle-digest", first]) == 2
    assert main(["score", *every, first]) == 2
    assert "--bundle-digest is given 1 time, --bundle 2 times; give one digest for each" in capsys.readouterr().err


def test_a_settings_file_can_pin_the_bundle(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "night.toml"
    for text, code in ((f'"{OTHER}"', 2), (f'["{load_bundle(bundle_uri).digest}"]', 0), ('"short"', 2)):
        config.write_text(f"bundle-digest = {text}\n")
        assert main(["score", *words(tmp_path, bundle_uri), "--config", str(config), "--dry-run"]) == code
    assert "is not a digest; write the 64 hex digits that melanoma bundle inspect prints" in capsys.readouterr().err
