"""`melanoma query`: one statement, with the result on the terminal or in a file."""

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest

from jobs.cli import main, parse
from jobs.query import QueryOptions
from melanoma.queries import views
from tests.helpers import ROOT
from tests.helpers.score_rows import commit, failed, row


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two scored photographs, one with a control character in its name, and a failed one."""
    folder = tmp_path_factory.mktemp("query") / "scores"
    commit(folder, [row("a"), row("\x1b[2Jb"), failed("c")])
    return str(folder)


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    """The message of a command that failed; nothing else was printed."""
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("melanoma: ") and "Traceback" not in captured.err
    return captured.err


def test_arguments_become_options() -> None:
    assert QueryOptions.from_args(parse(["query", "t", "FROM scores"]).args) == QueryOptions(
        *(None, None, None, None, 1),
        *("t", "FROM scores", None, (), None, None, None, None, 50),
    )


def test_an_answer_is_printed(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", table, "SELECT status, count(*) AS n FROM scores GROUP BY ALL ORDER BY n"]) == 0
    assert capsys.readouterr() == ("status  n\n------  -\nfailed  1\nscored  2\n", "")


def test_a_name_with_control_characters_is_printed_without_them(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", table, "SELECT image_id, image_uri FROM scores ORDER BY image_id"]) == 0
    out = capsys.readouterr().out
    assert "DOE-\N{REPLACEMENT CHARACTER}[2Jb" in out and "\x1b" not in out


def test_the_number_of_printed_rows_is_limited(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", table, "SELECT image_id FROM scores ORDER BY image_id DESC", "--rows", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == ["DOE-c", "… and 2 more rows"]


def test_the_statement_may_be_in_a_file(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "query.sql").write_text("-- how many\nSELECT count(*) AS größe FROM failures", encoding="utf-8")
    assert main(["query", table, "--file", str(tmp_path / "query.sql")]) == 0
    assert capsys.readouterr().out == "größe\n-----\n    1\n"


def test_a_result_is_written_as_csv_or_parquet(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT image_id, status FROM scores ORDER BY image_id"
    for name, read in (("a.csv", pyarrow.csv.read_csv), ("a.parquet", pyarrow.parquet.read_table)):
        target = tmp_path / name
        assert main(["query", table, sql, "--output", str(target)]) == 0
        assert read(target)["status"].to_pylist()[::2] == ["scored", "failed"]
        assert capsys.readouterr() == ("", f"3 rows written to {target}\n")


def test_the_format_may_differ_from_the_extension(table: str, tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    assert main(["query", table, "SELECT status FROM scores LIMIT 1", "--output", str(target)]) == 2
    assert not target.exists()
    assert main(["query", table, "SELECT 1 AS one", "--output", str(target), "--format", "csv"]) == 0
    assert pyarrow.csv.read_csv(target).to_pydict() == {"one": [1]}


def run_piped(words: list[str], reader: str = "cat") -> bytes:
    """Runs the command in a process of its own, piped into a shell command, and returns what that printed."""
    command = shlex.join([sys.executable, "-m", "jobs.cli", "query", *words])
    pipe = f"set -o pipefail; {command} 2>&1 | {reader}"
    ended = subprocess.run(["bash", "-c", pipe], cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 0, ended
    return ended.stdout


def test_an_answer_in_each_format_can_be_piped(table: str) -> None:
    sql = "SELECT image_id FROM failures"
    assert run_piped([table, sql, "-o", "-"]) == b"image_id\n--------\nDOE-c\n"
    assert run_piped([table, sql, "--format", "csv"]) == b"image_id\r\nDOE-c\r\n"
    assert run_piped([table, "--export", "-", "--view", "failures", "--format", "json"]).startswith(
        b'[\n{"image_id": "DOE'
    )
    data = run_piped([table, sql, "-o", "-", "--format", "parquet"])
    assert pyarrow.parquet.read_table(io.BytesIO(data)).to_pydict() == {"image_id": ["DOE-c"]}


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_reader_that_leaves_early_is_no_error(table: str, file_format: str) -> None:
    sql = "SELECT range AS n, md5(range::text) AS text FROM range(100000)"
    found = run_piped([table, sql, "--format", file_format, "--rows", "90000"], "head -c 10")
    assert len(found) == 10


def test_json_is_chosen_by_the_extension(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "a.json"
    assert main(["query", table, "SELECT run_date, top_probability FROM scores ORDER BY 2", "-o", str(target)]) == 0
    assert json.loads(target.read_text()) == [
        {"run_date": "2026-01-02", "top_probability": p} for p in (0.75, 0.75, None)
    ]


def test_a_file_of_people_is_joined(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "people.csv").write_text("image_id,age\nDOE-a,61\n")
    sql = "SELECT age + 1 AS next FROM latest JOIN people USING (image_id)"
    assert main(["query", table, sql, "--with", str(tmp_path / "people.csv")]) == 0
    assert capsys.readouterr().out == "next\n----\n  62\n"


def test_a_file_named_like_another_view_is_a_question(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "nights.csv"
    assert main(["query", table, "--export", str(target)]) == 2
    assert "is the view nights meant? Give --view nights, or --view latest" in error_of(capsys) and not target.exists()
    assert main(["query", table, "--export", str(target), "--view", "nights"]) == 0
    assert capsys.readouterr().err == f"0 rows of the view nights written to {target}\n"
    assert main(["query", table, "--export", str(target), "--view", "latest"]) == 0
    assert capsys.readouterr().err == f"2 rows of the view latest written to {target}\n"


def test_control_characters_reach_no_terminal_in_csv(table: str) -> None:
    """A pseudo-terminal is a terminal for the command."""
    words = ["query", table, "SELECT image_id FROM latest", "--format", "csv"]
    reader, writer = os.openpty()
    try:
        subprocess.run([sys.executable, "-m", "jobs.cli", *words], cwd=ROOT, stdout=writer, check=True)
        shown = os.read(reader, 65536)
    finally:
        os.close(reader)
        os.close(writer)
    assert b"DOE-" in shown and b"\x1b" not in shown


@pytest.mark.parametrize(("words", "ids"), [([], {"DOE-a", "DOE-\x1b[2Jb"}), (["--view", "failures"], {"DOE-c"})])
def test_a_whole_view_is_exported(table: str, tmp_path: Path, words: list[str], ids: set[str]) -> None:
    target = tmp_path / "view.parquet"
    assert main(["query", table, "--export", str(target), *words]) == 0
    assert set(pyarrow.parquet.read_table(target)["image_id"].to_pylist()) == ids


@pytest.mark.parametrize("view", views.NAMES)
def test_every_view_that_the_help_names_can_be_exported(table: str, tmp_path: Path, view: str) -> None:
    columns = ["--lesion-column", "image_id", "--patient-column", "image_id"]
    assert main(["query", table, "--export", str(tmp_path / "a.parquet"), "--view", view, *columns]) == 0
    assert pyarrow.parquet.read_schema(tmp_path / "a.parquet").names[0]


def test_views_go_by_the_columns_and_folders_that_flags_name(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--lesion-column", "model_id", "--date-column", "run_date", "--clinic-levels", "3", "--format", "json"]
    assert main(["query", table, "SELECT dated_by, photographs FROM lesions", *words]) == 0
    assert json.loads(capsys.readouterr().out) == [{"dated_by": "run_date", "photographs": 2}]
    assert main(["query", table, "SELECT clinic FROM clinics", "--clinic-column", "model_id", "--format", "csv"]) == 0
    assert capsys.readouterr().out.split() == ["clinic", "m-000000000001"]
    assert main(["query", table, "FROM patients"]) == 2
    assert "or name another column with --patient-column" in error_of(capsys)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "give either SQL or --file FILE, or --export FILE for a whole view"),
        (["SELECT 1", "--file", "query.sql"], "give either SQL or --file FILE"),
        (["SELECT 1", "--export", "a.csv"], "--export writes a whole view; leave out SQL, --file and --output"),
        (["--export", "a.csv", "--file", "query.sql"], "--export writes a whole view"),
        (["--export", "a.csv", "--output", "b.csv"], "--export writes a whole view"),
        (["--export", "a.csv", "--view", "everything"], "argument --view: invalid choice: 'everything'"),
        (["SELECT 1", "--output", "a.csv", "--format", "xlsx"], "argument --format: invalid choice: 'xlsx'"),
        (["--file", "absent.sql"], "--file absent.sql: cannot be read (No such file or directory)"),
        (["--file", "."], "--file .: cannot be read (Is a directory)"),
        (["--file", "latin.sql"], "--file latin.sql: is not UTF-8 text"),
        (["SELECT 1", "--output", "absent/a.csv"], "absent"),
        (["SELECT nothing FROM scores"], "the query failed"),
        (["SELECT 1; SELECT 2"], "2 SQL statements where one query is expected"),
        (["SELECT 1", "--with", "absent.csv"], "--with absent.csv: the store has no such file"),
        (["SELECT 1", "--with", "latest=latin.sql"], "there is a view 'latest' already"),
        (["SELECT 1", "-o", "/dev/null", "--format", "csv"], "/dev/null: is a device, not a file"),
        (["SELECT 1", "--rows", "-1"], "'-1' is not a whole number of at least 0"),
        (["SELECT * FROM read_text('/etc/passwd')"], "file system operations are disabled"),
        (["COPY scores TO 'written.csv'"], "COPY is refused, because melanoma query only reads"),
    ],
)
def test_a_mistake_exits_with_2_and_writes_nothing(
    table: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.sql").write_bytes("SELECT 1 AS größe".encode("latin-1"))
    assert main(["query", table, *words]) == 2
    assert complaint in error_of(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["latin.sql"]


def test_an_absent_table_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", str(tmp_path / "absent"), "SELECT 1"]) == 2
    assert "no score table there" in error_of(capsys)
    assert main(["query", "memory://x", "SELECT 1"]) == 2
    assert "memory:// cannot hold the score table" in error_of(capsys)


def test_a_query_loads_neither_tensorflow_nor_beam_and_prints_no_warning(table: str) -> None:
    words = [sys.executable, "-W", "error", "-X", "importtime", "-m", "jobs.cli", "query", table, "FROM scores"]
    environment = os.environ | {"PYTHONUNBUFFERED": ""}
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "DOE-a" in ended.stdout
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "duckdb" in imported and not imported & {"tensorflow", "keras", "apache_beam"}
    assert [line for line in ended.stderr.splitlines() if not line.startswith("import time:")] == []
