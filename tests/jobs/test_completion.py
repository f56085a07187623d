"""`melanoma completion`: each shell accepts its script, and bash completes with it."""

import shutil
import subprocess
import sys

import pytest

from jobs.cli import COMMANDS, main
from tests.helpers import ROOT


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def script_of(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def test_the_script_names_every_command_and_a_flag_of_each(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = script_of(shell, capsys)
    assert [name for name in COMMANDS if name not in script] == []
    for flag in ("stop-at", "retention-days", "data-licence", "fail-on", "card", "broken"):
        assert flag in script


def test_the_shell_accepts_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = script_of(shell, capsys)
    ended = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("melanoma sc", "score"),
        ("melanoma bundle i", "inspect import"),
        ("melanoma score --stop", "--stop-at"),
        ("melanoma query scores --view f", "failures"),
        ("melanoma completion ", "bash zsh fish"),
    ],
)
def test_bash_completes_commands_actions_flags_and_choices(
    line: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    script = script_of("bash", capsys)
    function = script.rpartition("complete ")[2].partition(" -F ")[2].split()[0]
    words = " ".join(f"'{word}'" for word in line.split(" "))
    program = (
        f"{script}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); COMP_LINE='{line}'\n"
        f'COMP_POINT=${{#COMP_LINE}}\n{function}\necho "${{COMPREPLY[@]}}"'
    )
    ended = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == expected


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "ksh"]) == 2
    assert "invalid choice: 'ksh' (choose from 'bash', 'zsh', 'fish')" in capsys.readouterr().err


def test_no_other_command_loads_the_library_behind_it() -> None:
    program = "import sys; from jobs.cli import parse; parse(['samples', 'x']); print('shtab' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"
