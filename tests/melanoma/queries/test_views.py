"""The views of the score table: newest scores, current scores and failures; SQL can read nothing else."""

import datetime
import signal
import threading
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from melanoma.errors import MAY_HEAL, ErrorKind, UsageError
from melanoma.json_values import to_json
from melanoma.queries import views
from melanoma.queries.text_table import as_text
from melanoma.queries.view import View, ViewInput, quoted
from melanoma.runs.records import COMMITTED, Counts, RunRecord
from melanoma.runs.retry_policy import DAILY_RETRIES, next_try
from melanoma.storage import write_bytes
from melanoma.table.score_table import ScoreTable
from tests.helpers import ROOT
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import commit, failed, row

OTHER = "m-000000000002"
_REFUSED = r"is refused, because melanoma query only reads|SQL statements where one query"


def at(hours: int) -> dict[str, Any]:
    moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC) + datetime.timedelta(hours=hours)
    return {"scored_at": moment, "run_date": moment.date()}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ScoreTable:
    folder = tmp_path_factory.mktemp("views") / "scores"
    heals = {"error_kind": "timeout"}
    commit(
        folder,
        [
            row("once", **at(0)),
            row("twice", **at(0)),
            row("twice", image_version="v2", top_label="melanoma", **at(24)),
            row("broke", **at(0)),
            {**failed("broke", image_version="v2", **at(24))},
            row("gone", **at(0)),
            {**failed("gone", image_version="", **at(24)), "error_kind": "missing"},
            {**failed("healed", **at(0)), **heals},
            row("healed", attempt=2, **at(24)),
            {**failed("slow", **at(0)), **heals},
            {**failed("slow", attempt=2, **at(24)), **heals},
            {**failed("slower", attempt=4, **at(72)), **heals},
            row("once", model_id=OTHER, top_label="melanoma", run_id="20260103T000000Z-00000000", **at(1)),
        ],
    )
    return table_in(folder)


def column(table: ScoreTable, sql: str, name: str = "image_id") -> list[Any]:
    return [str(value).removeprefix("DOE-") for value in views.query(table, sql)[name].to_pylist()]


def test_a_query_returns_the_rows_of_the_table(table: ScoreTable) -> None:
    answer = views.query(table, "SELECT status, count(*) AS n FROM scores GROUP BY ALL ORDER BY n")
    assert answer.to_pylist() == [{"status": "failed", "n": 6}, {"status": "scored", "n": 7}]
    assert views.query(table, "SELECT sum(p_melanoma) AS p FROM scores")["p"].to_pylist() == [pytest.approx(1.75)]


def test_latest_is_the_newest_success_of_each_photograph_and_model(table: ScoreTable) -> None:
    assert column(table, f"FROM latest WHERE model_id != '{OTHER}' ORDER BY image_id") == [
        *("broke", "gone", "healed", "once", "twice")
    ]
    assert column(table, "SELECT top_label FROM latest WHERE image_id = 'DOE-twice'", "top_label") == ["melanoma"]
    assert column(table, "FROM latest WHERE newer_failed ORDER BY image_id") == ["broke", "gone"]
    assert column(table, "FROM latest WHERE gone") == ["gone"]
    assert "_place" not in views.query(table, "FROM latest LIMIT 1").column_names


def test_the_query_in_the_data_dictionary_finds_the_newest_successes(table: ScoreTable) -> None:
    page = (ROOT / "docs" / "use" / "output.md").read_text(encoding="utf-8")
    sql = page.split("```sql\n")[1].split("```")[0]
    assert sorted(column(table, sql)) == sorted(column(table, "FROM latest"))


def test_current_is_the_latest_of_the_promoted_model(tmp_path: Path) -> None:
    commit(tmp_path, [row("a"), row("b"), row("a", model_id=OTHER, run_id="20260103T000000Z-00000000")])
    assert column(table_in(tmp_path), "FROM current ORDER BY image_id") == ["a", "b"]
    table_in(tmp_path).promote(OTHER)
    assert column(table_in(tmp_path), "FROM current") == ["a"]
    table_in(tmp_path).promote("m-000000000001")
    assert len(column(table_in(tmp_path), "FROM current")) == 2


def test_failures_are_the_latest_failures_with_the_date_of_the_next_retry(table: ScoreTable) -> None:
    found = {found["image_id"]: found for found in views.query(table, "FROM failures").to_pylist()}
    assert sorted(found) == ["DOE-broke", "DOE-gone", "DOE-slow", "DOE-slower"]
    slow, slower, broke = found["DOE-slow"], found["DOE-slower"], found["DOE-broke"]
    assert (slow["attempts"], slow["may_heal"], str(slow["next_try"])) == (2, True, "2026-01-04")
    assert slow["first_failed_at"] < slow["last_failed_at"] and not slow["scored_before"]
    assert str(slower["next_try"]) == "2026-01-12"
    assert (broke["may_heal"], broke["next_try"], broke["scored_before"]) == (False, None, True)


def test_failures_follow_the_retry_policy_for_every_attempt_and_error_kind(tmp_path: Path) -> None:
    kinds = [{**failed(kind.value), "error_kind": kind.value} for kind in ErrorKind]
    attempts = range(1, DAILY_RETRIES + 3)
    tries = [{**failed(f"try-{n}", attempt=n), "error_kind": "timeout"} for n in attempts]
    commit(tmp_path, [*kinds, *tries])
    found = {entry["image_id"]: entry for entry in views.query(table_in(tmp_path), "FROM failures").to_pylist()}
    for kind in ErrorKind:
        entry = found[f"DOE-{kind.value}"]
        assert entry["may_heal"] == (kind in MAY_HEAL) == (entry["next_try"] is not None), kind
    date = datetime.date(2026, 1, 2)
    assert [found[f"DOE-try-{n}"]["next_try"] for n in attempts] == [next_try(n, date) for n in attempts]


def test_nights_are_read_from_the_records_of_the_runs(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    assert views.query(table_in(tmp_path), "FROM nights").num_rows == 0
    record = RunRecord("20260102T030405Z-00000000", "2026-01-02", OTHER, COMMITTED, Counts(5, 3, 2), seconds=2.5)
    write_bytes(layout_of(tmp_path).record(record.run_id), to_json(asdict(record)))
    write_bytes(layout_of(tmp_path).record("damaged"), b"{")
    (run,) = views.query(table_in(tmp_path), "SELECT * FROM Nights").to_pylist()
    assert (run["run_id"], run["scored"], run["failed"], run["seconds"]) == (record.run_id, 3, 2, 2.5)


@pytest.mark.parametrize("view", views.NAMES)
def test_every_view_that_the_command_offers_can_be_queried(table: ScoreTable, view: str) -> None:
    named = views.Additions(roles={"lesion": "image_id", "patient": "image_id"})
    assert views.query(table, f"FROM {view}", named).num_columns > 6


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
        "SELECT getenv('HOME')",
        "FROM delta_scan('{folder}/scores')",
        "SELECT nothing FROM scores",
        "SELEC 1",
        "SELECT 'x'::INTEGER",
        "SELECT $1",
    ],
)
def test_only_the_views_can_be_read(tmp_path: Path, table: ScoreTable, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a\nsecret-of-another-file\n")
    with pytest.raises(UsageError, match="the query failed") as caught:
        views.query(table, sql.format(folder=tmp_path))
    assert "secret-of-another-file" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize(
    "sql",
    [
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
        "INSERT INTO scores VALUES (1)",
        "DELETE FROM scores",
        "UPDATE scores SET status = 'scored'",
        "DROP VIEW scores",
        "CREATE OR REPLACE VIEW scores AS SELECT 1",
        "CREATE TABLE x AS FROM scores",
        "EXPLAIN ANALYZE CREATE TABLE x AS FROM scores",
        "/* a */ EXPLAIN (FORMAT json) -- b\n COPY scores TO '{folder}/out.csv'",
        "USE memory",
        "BEGIN",
        "CHECKPOINT",
        "VACUUM",
        "PREPARE x AS SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP VIEW scores",
    ],
)
def test_anything_but_one_query_is_refused_before_it_runs(tmp_path: Path, table: ScoreTable, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a\n")
    with pytest.raises(UsageError, match=_REFUSED) as caught:
        views.query(table, sql.format(folder=tmp_path))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize(
    "sql",
    [
        "DESCRIBE latest",
        "SHOW TABLES",
        "SUMMARIZE scores",
        "EXPLAIN FROM latest",
        "-- why\nEXPLAIN ANALYZE SELECT count(*) FROM scores;",
        "PIVOT scores ON top_label USING count(*) GROUP BY model_id",
        "VALUES (1)",
        "WITH a AS (FROM scores) SELECT count(*) FROM a;",
    ],
)
def test_statements_that_only_describe_are_answered(table: ScoreTable, sql: str) -> None:
    assert views.query(table, sql).num_rows
    with views.stream(table, sql) as rows:
        assert sum(batch.num_rows for batch in rows)


def test_a_view_whose_column_is_missing_is_an_error_only_where_it_is_used(
    table: ScoreTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_lesion(given: ViewInput) -> str:
        return f"SELECT {quoted(given.roles['lesion'])} AS lesion, count(*) AS n FROM latest GROUP BY 1"  # noqa: S608

    monkeypatch.setattr(views, "VIEWS", (*views.VIEWS, View("by_lesion", by_lesion, needs=("lesion",))))
    assert column(table, "SELECT 'by_lesion' AS image_id FROM scores LIMIT 1") == ["by_lesion"]
    with pytest.raises(UsageError, match=r"needs the column 'lesion_id', .* --keep lesion_id\), or .* --lesion-column"):
        views.query(table, "FROM By_Lesion")
    named = views.Additions(roles={"lesion": "IMAGE_URI"})
    assert views.query(table, "FROM by_lesion WHERE lesion LIKE '%once%'", named)["n"].to_pylist() == [2]


secret = pa.table({"a": ["secret-of-this-process"]})


@pytest.mark.parametrize("name", ["secret", "dataset", "connection", "promoted"])
def test_variables_of_this_process_cannot_be_read(table: ScoreTable, name: str) -> None:
    """DuckDB looks for tables among Python's variables unless that is switched off."""
    with pytest.raises(UsageError, match=f"{name} does not exist"):
        views.query(table, f"FROM {name}")


def test_the_error_for_a_missing_table_says_how_to_create_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no score table there; check the path"):
        views.query(ScoreTable.in_folder(str(tmp_path)), "SELECT 1")


def test_a_stream_delivers_the_whole_result_in_batches(table: ScoreTable) -> None:
    with views.stream(table, "FROM range(300000)") as rows:
        sizes = [batch.num_rows for batch in rows]
    assert sum(sizes) == 300_000 and len(sizes) > 1


def test_a_statement_without_a_result_cannot_be_streamed(table: ScoreTable) -> None:
    with pytest.raises(UsageError, match="begin it with SELECT or FROM"), views.stream(table, " ; "):
        pass


@pytest.mark.parametrize(
    "sql", ["FROM scores", "SELECT count(*) FROM scores", "SELECT 1 WHERE false", "SELECT 1 a, 2 a"]
)
def test_a_query_emits_no_warning(table: ScoreTable, sql: str, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_text(views.query(table, sql))
    assert capfd.readouterr() == ("", "")


def test_ctrl_c_during_a_query_is_no_defect(table: ScoreTable) -> None:
    numbers = views.Additions({"numbers": pa.table({"n": range(200_000)})})
    sql = "SELECT sum(sin(b.n)) FROM numbers a JOIN numbers b ON a.n % 2 = b.n % 2"  # hours
    timer = threading.Timer(0.3, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        views.query(table, sql, numbers)
