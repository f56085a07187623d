"""`--bundle-key` and `--bundle-authority` refuse every bundle that their owner has not signed, before it is loaded."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from jobs.cli import main
from melanoma.model.bundle import load_bundle
from melanoma.model.signature import Signer
from tests.helpers import ROOT, fill
from tests.helpers.outputs import table_in
from tests.helpers.signing import KeyPair, sign, write_keys


class Signed(NamedTuple):
    """A bundle that was signed with a key, the keys, and those of somebody else."""

    bundle: Path
    keys: KeyPair
    foreign: KeyPair


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, bundle_uri: str) -> Signed:
    home = tmp_path_factory.mktemp("signed")
    keys, foreign = (write_keys(home, name) for name in ("us", "them"))
    bundle = Path(shutil.copytree(bundle_uri, home / "bundle"))
    sign(bundle, keys)
    return Signed(bundle, keys, foreign)


@pytest.fixture
def signed(made: Signed, tmp_path: Path) -> Signed:
    """A copy for one test."""
    bundle = Path(shutil.copytree(made.bundle, tmp_path / "bundle"))
    shutil.copy(made.bundle.with_name("bundle.sig"), tmp_path / "bundle.sig")
    return made._replace(bundle=bundle)


def words(signed: Signed) -> list[str]:
    home = signed.bundle.parent
    fill(home / "in", 1)
    return ["--images", str(home / "in"), "--output", str(home / "out"), "--bundle", str(signed.bundle)]


def loaded(signed: Signed) -> object:
    return load_bundle(str(signed.bundle), signer=Signer(str(signed.keys.public), None))


def test_a_signed_bundle_scores_and_is_the_same_bundle_as_before(signed: Signed, bundle_uri: str) -> None:
    config = signed.bundle.with_name("night.toml")
    config.write_text(f'bundle-key = "{signed.keys.public}"\n')
    assert main(["score", *words(signed), "--config", str(config)]) == 0
    assert table_in(signed.bundle.parent / "out").version == 1
    assert load_bundle(str(signed.bundle)).digest == load_bundle(bundle_uri).digest


@pytest.mark.parametrize("command", ["score", "doctor"])
def test_a_signature_of_somebody_else_is_refused(
    signed: Signed, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *words(signed), "--bundle-key", str(signed.foreign.public)]) == 2
    captured = capsys.readouterr()
    told = [line for line in (captured.out + captured.err).splitlines() if "by somebody else" in line]
    assert len(told) == 1 and "than --bundle-key says, so nothing of it was loaded" in told[0]
    assert table_in(signed.bundle.parent / "out").version is None


def test_an_unsigned_bundle_is_refused(signed: Signed, capsys: pytest.CaptureFixture[str]) -> None:
    signed.bundle.with_name("bundle.sig").unlink()
    assert main(["score", *words(signed), "--bundle-key", str(signed.keys.public)]) == 2
    assert "it is not signed: there is no bundle.sig beside it" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["bundle.json", "model.keras", "card.md"])
def test_a_file_that_was_changed_afterwards_is_refused_before_it_is_read(signed: Signed, name: str) -> None:
    path = signed.bundle / name
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(Exception, match="its files are not those that were signed, so nothing of it was loaded"):
        loaded(signed)


def test_files_that_were_added_or_removed_are_refused(signed: Signed) -> None:
    (signed.bundle / "more.txt").write_text("more")
    with pytest.raises(Exception, match="not those that were signed"):
        loaded(signed)
    (signed.bundle / "more.txt").unlink()
    (signed.bundle / "card.md").unlink()
    with pytest.raises(Exception, match="not those that were signed"):
        loaded(signed)


@pytest.mark.parametrize("text", ["", "{}", "no JSON", '{"dsseEnvelope": {"payload": "e30="}}', "[" * 100_000])
def test_a_damaged_signature_is_refused(signed: Signed, text: str) -> None:
    signed.bundle.with_name("bundle.sig").write_text(text)
    with pytest.raises(Exception, match="its signature is damaged, or by somebody else"):
        loaded(signed)


def test_a_signature_with_another_content_is_refused(signed: Signed) -> None:
    path = signed.bundle.with_name("bundle.sig")
    document = json.loads(path.read_text())
    payload = document["dsseEnvelope"]["payload"]
    document["dsseEnvelope"]["payload"] = payload[:200] + ("A" if payload[200] != "A" else "B") + payload[201:]
    path.write_text(json.dumps(document))
    with pytest.raises(Exception, match="its signature is damaged, or by somebody else"):
        loaded(signed)


def test_a_signature_must_cover_the_description(signed: Signed) -> None:
    sign(signed.bundle, signed.keys, "--ignore-paths", str(signed.bundle / "bundle.json"))
    with pytest.raises(Exception, match=r"the signature leaves bundle\.json out"):
        loaded(signed)


def test_a_certificate_of_the_authority_counts_and_no_other(signed: Signed, capsys: pytest.CaptureFixture[str]) -> None:
    sign(signed.bundle, signed.keys, with_certificate=True)
    flag = "--bundle-authority"
    assert main(["score", *words(signed), "--dry-run", flag, str(signed.keys.authority)]) == 0
    assert main(["score", *words(signed), "--dry-run", flag, str(signed.foreign.authority)]) == 2
    assert "by somebody else than --bundle-authority says" in capsys.readouterr().err
    both = [flag, str(signed.keys.authority), "--bundle-key", str(signed.keys.public)]
    assert main(["score", *words(signed), *both]) == 2
    assert "--bundle-key: not allowed with argument --bundle-authority" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--bundle-key", "--bundle-authority"])
def test_a_key_that_cannot_be_used_is_a_mistake(signed: Signed, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (signed.keys.private, signed.bundle / "card.md", signed.bundle, signed.bundle / "no such file"):
        assert main(["score", *words(signed), flag, str(path)]) == 2
        assert f"{flag} {path}: " in capsys.readouterr().err


def test_without_the_flags_nothing_of_the_package_is_loaded(signed: Signed) -> None:
    code = f"import sys; from melanoma.model.bundle import load_bundle; load_bundle({str(signed.bundle)!r})"
    code += "; print(sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "model_signing" not in found.stdout and "'melanoma.model.signature'" in found.stdout
