"""The command line: exit codes that schedulers rely on, one line for a mistake, a traceback for a bug, and the help."""

import argparse
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import jobs
from jobs import cli
from jobs.cli import COMMANDS, Invocation, main, parse
from melanoma import __version__
from melanoma.errors import BundleError, DataError, MelanomaError, NothingCommittedError, UsageError
from tests.helpers import ROOT
from tests.helpers.imports import modules, texts_in

MODULE = """
from melanoma.errors import *
from jobs.console.sigterm import Terminated

def add_arguments(parser):
    parser.add_argument("--word")

def run(args):
    {body}
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Adds a command with the given body to the real ones, and runs it."""
    monkeypatch.setattr(jobs, "__path__", [*jobs.__path__, str(tmp_path)])
    monkeypatch.setitem(cli.COMMANDS, "trial", "whatever a test wants")

    def run(body: str, *words: str) -> int:
        (tmp_path / "trial.py").write_text(MODULE.format(body=body))
        sys.modules.pop("jobs.trial", None)
        return main(["trial", *words])

    yield run
    sys.modules.pop("jobs.trial", None)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as on a terminal, also where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def only_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on the error stream, after proving that nothing else was printed."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("melanoma: ") and captured.err.count("\n") == 1
    return captured.err.strip()


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError, 2), (BundleError, 2), (DataError, 2), (MelanomaError, 2), (NothingCommittedError, 3)],
)
def test_an_error_of_ours_is_one_line_and_its_exit_code(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str], error: type[MelanomaError], code: int
) -> None:
    assert command(f"raise {error.__name__}('found this; do that')") == code
    assert only_line(capsys) == "melanoma: found this; do that"


def test_control_characters_in_a_message_do_not_reach_the_terminal(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(r"raise UsageError('no such file: \x1b[2Jphoto.jpg')") == 2
    assert only_line(capsys) == "melanoma: no such file: \N{REPLACEMENT CHARACTER}[2Jphoto.jpg"


def test_a_store_that_fails_exits_with_3_and_the_detail_without_the_name(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("raise ReadError(ErrorKind.TIMEOUT, 'the store did not answer')") == 3
    assert only_line(capsys) == "melanoma: the store did not answer; try again"


@pytest.mark.parametrize("code", [0, 1])
def test_the_exit_code_of_a_command_is_returned(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str], code: int
) -> None:
    assert command(f"return {code}") == code
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("body", ["raise ValueError('unforeseen')", "raise AssertionError('unforeseen')"])
def test_a_bug_exits_with_70_and_its_traceback(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str], body: str
) -> None:
    assert command(body) == 70
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err and "unforeseen" in err and "trial.py" in err
    assert err.strip().split("\n")[-1].startswith("melanoma: this is a bug in melanoma; please report the lines above")


def test_a_panic_of_a_native_library_is_a_bug_too(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """PyO3 raises a subclass of BaseException, which `except Exception` would let pass."""
    assert command("raise type('PanicException', (BaseException,), {})('index out of bounds')") == 70
    assert "index out of bounds" in capsys.readouterr().err


def test_a_command_that_exits_by_itself_keeps_its_code(command: Callable[..., int]) -> None:
    with pytest.raises(SystemExit) as ended:
        command("raise SystemExit(5)")
    assert ended.value.code == 5


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_exits_with_130(command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert command("import signal, time; signal.raise_signal(signal.SIGINT); time.sleep(30)") == 130
    assert only_line(capsys) == "melanoma: stopped"


def test_sigterm_exits_with_3_so_that_a_scheduler_starts_again(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("raise Terminated") == 3
    assert only_line(capsys) == "melanoma: stopped"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["predict"], "invalid choice: 'predict'"),
        (["Score"], "invalid choice: 'Score' (choose from 'score', "),
        (["Score"], "; did you mean score?; see melanoma --help"),
        (["skore"], "; did you mean score?"),
        (["table", "vacum", "x"], "; did you mean vacuum?; see melanoma table --help"),
        (
            ["query", "t", "SELECT 1", "--row=3"],
            "unrecognized arguments: --row; did you mean --rows?; see melanoma que",
        ),
        (["--vers"], "COMMAND"),
        (["query"], "the following arguments are required: TABLE; see melanoma query --help"),
        (["query", "t", "SELECT 1", "more"], "unrecognized arguments: more; see melanoma query --help"),
        (["bundle", "destroy"], "invalid choice: 'destroy'"),
        (["bundle", "inspect", "a", "b"], "unrecognized arguments: b"),
        (["query", "t", "SELECT 1", "--", "--runner=FlinkRunner"], "melanoma query does not use"),
        (["bundle", "inspect", "x", "--", "-x"], "melanoma bundle does not use"),
        (["samples", "x", "--", "--", "y"], "melanoma samples does not use"),
        (["--", "score"], "required: COMMAND"),
        (["query", "--", "t", "SELECT 1"], "required: TABLE"),
    ],
)
def test_wrong_words_exit_with_2_and_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    assert main(words) == 2
    assert complaint in only_line(capsys)


@pytest.mark.parametrize(
    ("words", "prog"), [([], "melanoma"), (["table"], "melanoma table"), (["bundle"], "melanoma b")]
)
def test_a_command_line_without_a_command_or_an_action_prints_help_and_fails(
    capsys: pytest.CaptureFixture[str], words: list[str], prog: str
) -> None:
    """A script whose variable is empty must not read as a success."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    captured = capsys.readouterr()
    assert ended.value.code == 2 and captured.out == ""
    assert captured.err.startswith(f"usage: {prog}") and ", --help" in captured.err


@pytest.mark.parametrize(
    "words",
    [
        ["score", "--bundle", "b", "--output", "o", "--images", "/in/Ann Smith.jpg", "/in/Smith-2.jpg"],
        ["score", "--bundle", "b", "--output", "o", "--images", "Smith.jpg", "Smith2.jpg"],
        ["score", "--bundle", "b", "--output", "o", "--images", "a", "b", "Smith", "d", "e"],
        ["score", "--bundle", "b", "--output", "o", "--images", "a", "Smith-without-extension"],
        ["score", "--limit", "Smith.jpg", "Smith2.jpg"],
        ["score", "--max-failed", "O'Smith's \"x\".jpg"],
        ["score", "--run-date=/in/Smith 1.jpg"],
        ["score", "--stop-at", "/in/Smith"],
        ["score", "--dry-run=/in/Smith.jpg"],
        ["Smith.jpg", "Smith2.jpg"],
        ["table", "/in/Smith.jpg", "/in/Smith2.jpg"],
        ["bundle", "import", "m.keras", "--output", "o", "--labels", "a", "--size", "Smith.jpg"],
        ["bundle", "inspect", "b", "/in/Smith.jpg"],
        ["bundle", "inspect", "b", "-Smith.jpg", "--in/Smith=1"],
        ["bundle", "inspect", "b", "Smith.jpg=2"],
        ["train", "--rule", "/in/Smith.jpg"],
    ],
)
def test_a_pattern_that_the_shell_expanded_is_a_hint_and_shows_no_name(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Smith-without-extension").touch()
    assert main(words) == 2
    err = only_line(capsys)
    assert (
        "Smith" not in err
        and err.count("if the shell") == 1
        and "put quotes around it: '/archive/*.jpg'; see melanoma" in err
    )


def test_two_dashes_inside_a_word_are_part_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", str(tmp_path), "SELECT 1 -- one"]) == 2
    assert "no score table there" in only_line(capsys)


def test_the_name_of_a_command_may_be_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "score", "train"]) == 2
    assert only_line(capsys).startswith("melanoma: score: no score table there")


def test_beams_words_reach_the_command_that_uses_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    given = ["--images", str(tmp_path), "--bundle", "x", "--output", "y"]
    assert main(["score", *given, "--", "--no_such_option=1"]) == 2
    assert "Beam has no option" in only_line(capsys)


def test_a_command_line_is_parsed_into_data() -> None:
    found = parse(["query", "scores", "SELECT 1", "--rows", "5"])
    assert isinstance(found, Invocation) and (found.command, found.beam_options) == ("query", ())
    assert (found.args.table, found.args.sql, found.args.rows) == ("scores", "SELECT 1", 5)


def test_words_after_two_dashes_are_beams_and_those_before_are_ours() -> None:
    ours = ["--images", "in", "--bundle", "b", "--output", "out"]
    found = parse(["score", *ours, "--", "--runner=FlinkRunner", "--", "--parallelism=4"])
    assert found.beam_options == ("--runner=FlinkRunner", "--", "--parallelism=4")
    assert found.args.images == ["in"] and not hasattr(found.args, "beam_options")


@pytest.mark.parametrize(("name", "beam_options"), [("score", ("--runner=x",)), ("doctor", ())])
def test_one_file_serves_score_and_doctor(tmp_path: Path, name: str, beam_options: tuple[str, ...]) -> None:
    (tmp_path / "run.toml").write_text(
        "images = 'in'\nbundle = 'b'\noutput = 'out'\nmax-time = '3h'\nbeam-options = ['--runner=x']\n"
    )
    found = parse([name, "--config", str(tmp_path / "run.toml")])
    assert found.beam_options == beam_options and found.args.output == "out"
    assert hasattr(found.args, "max_time") == (name == "score")


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every parser with its whole name: the program's, each command's, and each action's."""

    def walk(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
        yield parser.prog, parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for below in action.choices.values():
                    yield from walk(below)

    yield "melanoma", cli._build_parser("")[0]
    for name in COMMANDS:
        chosen = cli._build_parser(name)[1]
        assert chosen is not None
        yield from walk(chosen)


PARSERS = dict(parsers())
# Files and folders of a checkout that an installed package lacks.
ABSENT = re.compile(
    r"\b(?:docs|bundles|deploy|benchmarks|tests)/|\b(?!card\.md)\w+\.md\b|\b(?:Makefile|CONTRIBUTING|requirements\S*\.lock)"
)
NAMES = {"Augmentor", "Beam", "Keras", "Parquet", "Prometheus", "Python"}


def test_every_command_and_action_is_checked_below() -> None:
    actions = {"melanoma bundle import", "melanoma table forget"}
    assert {*(f"melanoma {name}" for name in COMMANDS), *actions} < set(PARSERS)


@pytest.mark.parametrize("name", PARSERS)
def test_every_help_explains_each_argument(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*name.split()[1:], "--help"])
    assert ended.value.code == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    text = " ".join(captured.out.split())
    for action in PARSERS[name]._actions:
        if isinstance(action, argparse._SubParsersAction) or action.help == argparse.SUPPRESS:
            continue
        what = action.option_strings[0] if action.option_strings else str(action.metavar)
        assert what in text
        assert action.help, f"{what} has no help"
        assert " ".join(str(action.help % {**vars(action), "prog": name}).split()) in text


@pytest.mark.parametrize("name", PARSERS)
def test_help_texts_are_phrases_in_one_form(name: str) -> None:
    """Lower case but for names and acronyms, one space between words, no full stop at the end."""
    for text in (action.help for action in PARSERS[name]._actions if action.help not in (None, argparse.SUPPRESS)):
        assert text == " ".join(text.split()) and not text.endswith("."), text
        first = re.split(r"\W", text)[0]
        assert not first.istitle() or first in NAMES, text


@pytest.mark.parametrize("name", PARSERS)
def test_every_option_with_a_default_says_so_in_the_help(name: str) -> None:
    options = [action for action in PARSERS[name]._actions if action.option_strings and action.nargs != 0]
    given = [option for option in options if option.default not in (None, [], argparse.SUPPRESS)]
    assert [option.option_strings for option in given if "(default: " not in str(option.help)] == []


@pytest.mark.parametrize("name", [name for name in PARSERS if name != "melanoma"])
def test_every_help_has_an_example_that_is_a_valid_command_line(name: str) -> None:
    text = PARSERS[name].format_help()
    example = text.partition("\nexample:\n  ")[2].partition("\n\n")[0]
    words = shlex.split(example.replace("\\\n", " "))
    assert " ".join(words).startswith(name)
    assert parse(words[1:]).command == words[1]


@pytest.mark.parametrize("name", PARSERS)
def test_output_quiet_and_verbose_have_a_short_form(name: str) -> None:
    for action in PARSERS[name]._actions:
        for long, short in (("--output", "-o"), ("--quiet", "-q"), ("--verbose", "-v")):
            if long in action.option_strings:
                assert short in action.option_strings


@pytest.mark.parametrize("name", PARSERS)
def test_no_line_of_a_help_is_wider_than_the_terminal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert [line for line in PARSERS[name].format_help().splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", PARSERS)
def test_every_help_says_that_no_result_is_a_diagnosis_and_where_exit_codes_are(name: str) -> None:
    text = " ".join(PARSERS[name].format_help().split())
    assert "No result of this program is a diagnosis." in text
    assert ("Exit codes: 0 done; 1 done, but" in text) is (name == "melanoma")
    assert ("melanoma --help lists the exit codes." in text) is (name != "melanoma")


@pytest.mark.parametrize("name", PARSERS)
def test_no_help_names_a_file_that_pip_does_not_install(name: str) -> None:
    assert ABSENT.findall(PARSERS[name].format_help()) == []


def test_no_message_names_a_file_that_pip_does_not_install() -> None:
    for module, path in modules(ROOT).items():
        found = [text for text in texts_in(path.read_text(encoding="utf-8")) if ABSENT.search(text)]
        assert found == [], module


@pytest.mark.parametrize("name", PARSERS)
def test_every_help_begins_with_a_sentence(name: str) -> None:
    description = str(PARSERS[name].description)
    assert description[0].isupper() and description.endswith(".") and description.count(".") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_and_the_help_of_each_name_the_same_purpose(name: str) -> None:
    purpose = COMMANDS[name]
    assert purpose in " ".join(PARSERS["melanoma"].format_help().split())
    assert purpose[1:] in " ".join(PARSERS[f"melanoma {name}"].format_help().split())


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["predict"], 2)])
def test_the_process_ends_with_the_exit_code_and_everything_written(words: list[str], code: int) -> None:
    command = [sys.executable, "-m", "jobs.cli", *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == code
    assert (ended.stdout == f"{__version__}\n") is (code == 0) and bool(ended.stderr) is (code == 2)
