"""Files that a query joins: their names, their types, and what is refused."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from melanoma.errors import UsageError
from melanoma.queries.joined_tables import read_joined
from melanoma.queries.views import NAMES, Additions, query
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import commit, row


def test_a_file_is_joined_under_its_name_or_another_one(tmp_path: Path) -> None:
    commit(tmp_path / "scores", [row("a"), row("b")])
    (tmp_path / "people.csv").write_text("image_id,age,sex\nDOE-a,61,f\nDOE-c,70,\n")
    pq.write_table(pa.table({"image_id": ["DOE-b"], "weight": [70.5]}), tmp_path / "x=1.parquet")
    words = [str(tmp_path / "people.csv"), f"weights={tmp_path}/x=1.parquet"]
    joined = Additions(read_joined(words, NAMES))
    joins = "LEFT JOIN People USING (image_id) LEFT JOIN weights USING (image_id)"
    sql = f"SELECT image_id, age + 1 AS age, weight FROM latest {joins} ORDER BY 1"  # noqa: S608
    assert query(table_in(tmp_path / "scores"), sql, joined).to_pylist() == [
        {"image_id": "DOE-a", "age": 62, "weight": None},
        {"image_id": "DOE-b", "age": None, "weight": 70.5},
    ]


def test_ids_are_text_as_in_the_score_table(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("image_id,uri,code,day\n7,8,007,2026-01-02\n")
    (table,) = read_joined([f"p={tmp_path}/p.csv"], NAMES).values()
    assert [str(type_) for type_ in table.schema.types] == ["string", "string", "string", "date32[day]"]


@pytest.mark.parametrize(
    ("name", "word", "complaint"),
    [
        ("latest.csv", "{}", "there is a view 'latest' already; write --with my_latest="),
        ("x.csv", "NIGHTS={}", "there is a view 'nights' already"),
        ("my patients.csv", "{}", "'my patients' cannot be the name of a view; write --with NAME='"),
        ("x.csv", "_corrections={}", "'_corrections' cannot be the name of a view"),
        ("2026.csv", "{}", "'2026' cannot be the name of a view"),
        ("select.csv", "{}", "'select' cannot be the name of a view"),
        ("größe.csv", "{}", "cannot be the name of a view"),
        ("x.csv", "x={}.absent", "the store has no such file"),
    ],
)
def test_a_name_or_file_that_cannot_be_used_is_refused_with_the_remedy(
    tmp_path: Path, name: str, word: str, complaint: str
) -> None:
    (tmp_path / name).write_text("a\n1\n")
    with pytest.raises(UsageError, match=complaint):
        read_joined([word.format(tmp_path / name)], NAMES)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("a\n1\n")
    with pytest.raises(UsageError, match="there is a view 'p' already"):
        read_joined([str(tmp_path / "p.csv"), f"P={tmp_path}/p.csv"], NAMES)
    (tmp_path / "q.csv").write_text("a,a\n1,2\n")
    with pytest.raises(UsageError, match="column a appears twice"):
        read_joined([str(tmp_path / "q.csv")], NAMES)
