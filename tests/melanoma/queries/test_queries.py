"""SQL reaches the score table and nothing else; what it answers is laid out so that no name moves the cursor."""

import warnings
from pathlib import Path

import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.queries.views import as_text, query
from melanoma.table.schema import score_schema
from melanoma.table.score_table import ScoreTable
from tests.helpers import ROOT
from tests.helpers.score_rows import SLUGS, commit, failed, row

HOSTILE = "a\x1b[2Jb\nc\x07\u202ed\x9be\x7f"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ScoreTable:
    folder = tmp_path_factory.mktemp("table") / "scores"
    kept = score_schema(SLUGS, pa.schema([(f"kept {HOSTILE}", pa.string())]))
    rows = [row("a", **{f"kept {HOSTILE}": HOSTILE}), row("b", top_label="melanoma", p_melanoma=0.9, p_nevus=0.1)]
    commit(folder, [*rows, failed("c"), row(HOSTILE, top_label="melanoma")], kept)
    return ScoreTable.in_folder(str(folder))


def test_a_query_is_answered_over_the_view_of_scores(table: ScoreTable) -> None:
    answer = query(table, "SELECT top_label, count(*) AS n FROM scores WHERE status = 'scored' GROUP BY ALL ORDER BY n")
    assert answer.to_pylist() == [{"top_label": "nevus", "n": 1}, {"top_label": "melanoma", "n": 2}]
    assert query(table, "SELECT sum(p_melanoma) AS p FROM scores")["p"].to_pylist() == [pytest.approx(1.4)]
    assert query(table, "FROM scores WHERE error_kind IS NOT NULL")["image_id"].to_pylist() == ["DOE-c"]


def test_the_newest_successful_rows_are_found_as_the_dictionary_says(table: ScoreTable) -> None:
    page = (ROOT / "docs" / "use" / "output.md").read_text(encoding="utf-8")
    sql = page.split("```sql\n")[1].split("```")[0]
    assert sorted(query(table, sql)["image_id"].to_pylist()) == sorted(["DOE-a", "DOE-b", f"DOE-{HOSTILE}"])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '{folder}/secret.csv'",
        "SELECT * FROM read_csv('{folder}/secret.csv')",
        "SELECT * FROM read_text('{folder}/secret.csv')",
        "SELECT * FROM read_blob('{folder}/*')",
        "SELECT * FROM read_parquet('{folder}/**/*.parquet')",
        "SELECT * FROM read_json('{folder}/secret.csv')",
        "SELECT * FROM sniff_csv('{folder}/secret.csv')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM 'https://example.org/x.csv'",
        "SELECT * FROM 's3://bucket/x.parquet'",
        "COPY scores TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '{folder}/out.parquet' (FORMAT parquet)",
        "CREATE TABLE t (a TEXT); COPY t FROM '{folder}/secret.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "IMPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/out.duckdb' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '{folder}/secret.csv'",
        "CREATE SECRET (TYPE s3)",
        "SET enable_external_access = true",
        "RESET enable_external_access",
        "SET lock_configuration = false",
        "SET home_directory = '{folder}'",
        "SET allowed_directories = ['{folder}']",
        "SET python_enable_replacements = true",
        "PRAGMA enable_profiling",
        "CALL enable_logging(storage = 'file', storage_path = '{folder}/out')",
        "SELECT getenv('HOME')",
        "FROM delta_scan('{folder}/scores')",
        "INSERT INTO scores VALUES (1)",
        "DELETE FROM scores",
        "UPDATE scores SET status = 'scored'",
        "SELECT nothing FROM scores",
        "SELEC 1",
        "SELECT 'x'::INTEGER",
        "SELECT $1",
    ],
)
def test_nothing_but_the_view_can_be_reached(tmp_path: Path, table: ScoreTable, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a\nsecret-of-another-file\n")
    with pytest.raises(UsageError, match="the query cannot be answered") as caught:
        query(table, sql.format(folder=tmp_path))
    assert "secret-of-another-file" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


secret = pa.table({"a": ["secret-of-this-process"]})


@pytest.mark.parametrize("name", ["secret", "dataset", "connection", "promoted"])
def test_variables_of_this_process_cannot_be_reached(table: ScoreTable, name: str) -> None:
    """DuckDB looks for tables among Python's variables, unless it is told not to."""
    with pytest.raises(UsageError, match=f"{name} does not exist"):
        query(table, f"FROM {name}")


def test_the_table_is_as_it_was_after_any_statement(table: ScoreTable) -> None:
    before = query(table, "FROM scores").sort_by("image_id")
    for sql in ("DROP VIEW scores", "CREATE OR REPLACE VIEW scores AS SELECT 1", "CREATE TABLE x AS FROM scores"):
        query(table, sql)
    assert query(table, "FROM scores").sort_by("image_id").equals(before)


def test_an_absent_table_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no score table there; `melanoma score --output"):
        query(ScoreTable.in_folder(str(tmp_path)), "SELECT 1")


@pytest.mark.parametrize(
    "sql", ["FROM scores", "SELECT count(*) FROM scores", "SELECT 1 WHERE false", "SELECT 1 a, 2 a"]
)
def test_a_query_warns_of_nothing(table: ScoreTable, sql: str, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_text(query(table, sql))
    assert capfd.readouterr() == ("", "")


def test_numbers_stand_right_and_words_left() -> None:
    answer = pa.table(
        {
            "top_label": ["nevus", None],
            "n": [5, 12345],
            "p": pa.array([0.123456, None], pa.float32()),
            "flag": [True, None],
        }
    )
    assert as_text(answer).split("\n") == [
        "top_label      n       p  flag",
        "---------  -----  ------  ----",
        "nevus          5  0.1235  True",
        "-          12345       -  -",
    ]


def test_a_long_answer_says_how_much_more_there_is() -> None:
    answer = pa.table({"n": range(1234)})
    lines = as_text(answer).split("\n")
    assert len(lines) == 53 and lines[-2:] == ["49", "… and 1,184 more rows"]
    assert as_text(answer.slice(0, 50)).split("\n")[-1] == "49"
    assert as_text(answer, most=2).split("\n") == ["n", "-", "0", "1", "… and 1,232 more rows"]


def test_no_rows_and_no_answer_are_told_apart(table: ScoreTable) -> None:
    assert as_text(query(table, "SELECT 1 AS n WHERE false")) == "n\n-"
    assert as_text(query(table, "")) == as_text(query(table, " ; ")) == "(no answer)"


def test_columns_of_one_name_are_all_shown(table: ScoreTable) -> None:
    shown = as_text(query(table, "SELECT 1 AS a, 2 AS a, count(*), count(*) FROM scores"))
    assert shown.split("\n")[-1].split() == ["1", "2", "4", "4"]


def test_no_name_moves_the_cursor(table: ScoreTable) -> None:
    for sql in (
        "FROM scores",
        "SELECT image_uri, {'a': image_id}, [image_id] FROM scores",
        f'SELECT 1 AS "{HOSTILE}"',
    ):
        shown = as_text(query(table, sql))
        assert all(line.isprintable() for line in shown.split("\n"))
        assert "\N{REPLACEMENT CHARACTER}" in shown or "\\x1b" in shown
    with pytest.raises(UsageError) as caught:
        query(table, f'FROM scores ORDER BY "{HOSTILE}"')
    assert all(line.isprintable() for line in str(caught.value).split("\n"))
    assert "Müller 黒色腫" in as_text(query(table, "SELECT 'Müller 黒色腫'"))
