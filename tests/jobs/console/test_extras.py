"""What needs packages that are not installed says so in one line, before any work; everything else still works."""

import pytest

from jobs.cli import main
from jobs.console.extras import NEEDS
from melanoma.extras import MODULES

WORDS = {
    "train": "--data x --data-licence y --output z",
    "augment": "--data x --output y",
    "audit": "x",
    "bundle convert": "x /no/such/folder",
    "bundle check": "x --images y --expect z",
    "bundle recalibrate": "x /no/such/folder --data y",
    "bundle add-external --training-photographs": "folder --scores t --external e x /no/such/folder",
    "evaluate --training-photographs": "folder --labels l table",
    "bundle import": "--labels a b --size 8x8 --output out gone.keras",
    "bundle import --check": "photographs --expect z --labels a b --size 8x8 --output out gone.keras",
}


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODULES, "train", ("numpy", "no_such_package_here"))


@pytest.mark.parametrize("use", NEEDS)
def test_what_needs_the_extra_says_how_to_install_it(use: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*use.split(), *WORDS[use].split()]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith(f"melanoma: {use} needs packages that are not installed; run: ")
    assert captured.err.endswith(" install 'melanoma[train]'\n")


def test_an_action_works_without_the_flag_that_needs_the_extra(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "import", *WORDS["bundle import"].split()]) == 2
    assert "not installed" not in (err := capsys.readouterr().err) and "gone.keras" in err
    assert main(["bundle", "list"]) == 0
