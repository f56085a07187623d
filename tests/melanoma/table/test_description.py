"""What a table tells about itself: kept types, roots that it knows, models."""

import datetime
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.queries.views import query
from melanoma.table.models import PROMOTED
from melanoma.table.schema import score_schema
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import SLUGS, commit, failed, row

OTHER = "m-000000000002"


def test_a_kept_column_of_another_type_is_refused_by_name(tmp_path: Path) -> None:
    kept = pa.schema([("age", pa.int16())])
    table_in(tmp_path).check_types(kept)
    commit(tmp_path, [row("a", age=61)], score_schema(SLUGS, kept))
    table_in(tmp_path).check_types(kept)
    table_in(tmp_path).check_types(pa.schema([("site", pa.string())]))
    with pytest.raises(UsageError, match=r"--keep age: is string in the manifest, .*int16"):
        table_in(tmp_path).check_types(pa.schema([("age", pa.string())]))


def test_a_kept_column_whose_name_differs_in_case_alone_is_refused(tmp_path: Path) -> None:
    kept = pa.schema([("Site", pa.string())])
    commit(tmp_path, [row("a", Site="left")], score_schema(SLUGS, kept))
    with pytest.raises(UsageError, match=r"--keep site: is string in the manifest, the table has Site"):
        table_in(tmp_path).check_types(pa.schema([("site", pa.string())]))


def test_no_row_reaches_the_newest_time_and_no_data_file_is_read_for_it(tmp_path: Path) -> None:
    assert table_in(tmp_path).newest_time() is None
    times = [datetime.datetime(2027, 1, day, 3, 4, 5, 678_999, tzinfo=datetime.UTC) for day in (2, 9, 4)]
    for number, time in enumerate(times):
        commit(tmp_path, [row(str(number), scored_at=time)])
    for file in tmp_path.rglob("*.parquet"):
        file.unlink()
    newest = table_in(tmp_path).newest_time()
    assert newest is not None and times[1] < newest <= times[1] + datetime.timedelta(milliseconds=1)


ARCHIVE = "/archive/2025"


@pytest.fixture
def knowing(tmp_path: Path) -> str:
    """A table that knows photographs under names with and without glob characters."""
    known = [f"{ARCHIVE}/a.jpg", f"{ARCHIVE}/sub/b.jpg", "/archive/[new] week/c.jpg", "/archive/2024-old/d.jpg"]
    uris = [f"file://{path}" for path in known]
    commit(tmp_path, [row(str(index), image_uri=uri) for index, uri in enumerate(uris)])
    return str(tmp_path)


@pytest.mark.parametrize(
    ("root", "known"),
    [
        (ARCHIVE, True),
        (f"{ARCHIVE}/", True),
        (f"file://{ARCHIVE}/sub", True),
        (f"{ARCHIVE}/a.jpg", True),
        (f"{ARCHIVE}/*.jpg", True),
        (f"{ARCHIVE}/**/*.jpg", True),
        (f"{ARCHIVE}/su[a-c]/*", True),
        ("/archive/[new] week", True),
        ("/archive/2023", False),
        ("/elsewhere/*.jpg", False),
        ("s3://archive/2025", False),
    ],
)
def test_a_root_is_known_if_a_photograph_lies_below_it(knowing: str, root: str, known: bool) -> None:
    assert table_in(knowing).knows_under(root) is known


@pytest.mark.parametrize(
    "root", ["/archive/2024", "/archive/[old] week", "/archive/2025/x*.jpg", "/arch", "/archive/?"]
)
def test_a_root_is_not_known_by_its_neighbours(knowing: str, root: str) -> None:
    assert table_in(knowing).knows_under(root) is False


def test_an_emptied_archive_is_known_by_its_members(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("x/a.jpg", b"x")
    commit(tmp_path / "scores", [row("a", image_uri=f"zip://x/a.jpg::file://{tmp_path}/in.zip")])
    assert table_in(tmp_path / "scores").knows_under(f"zip://{tmp_path}/in.zip")
    assert table_in(tmp_path / "scores").knows_under(f"zip://x::{tmp_path}/in.zip")
    assert not table_in(tmp_path / "scores").knows_under(f"zip://y::{tmp_path}/in.zip")
    assert not table_in(tmp_path / "scores").knows_under(str(tmp_path))


def test_models_and_the_promoted_one_come_from_this_version(tmp_path: Path) -> None:
    assert table_in(tmp_path).version is None
    commit(tmp_path, [row("a", run_id="1"), failed("b", run_id="1")])
    commit(tmp_path, [row("a", run_id="2", model_id=OTHER)])
    before = table_in(tmp_path)
    assert before.promoted() == "m-000000000001"
    table_in(tmp_path).promote(OTHER)
    assert (before.promoted(), table_in(tmp_path).promoted()) == ("m-000000000001", OTHER)
    found = [(model.model_id, model.rows, model.first, model.is_promoted) for model in table_in(tmp_path).models()]
    assert found == [("m-000000000001", 2, "1", False), (OTHER, 1, "2", True)]


def test_a_table_without_rows_has_no_promoted_model(tmp_path: Path) -> None:
    commit(tmp_path, [])
    assert table_in(tmp_path).models() == [] and table_in(tmp_path).promoted() is None


@pytest.mark.parametrize("stated", ["x' UNION ALL SELECT 1 --", "m-", "M-0", "", "\x1b[2J", "m-0\n"])
def test_only_the_id_of_a_model_can_be_promoted(tmp_path: Path, stated: str) -> None:
    """The property is the table's, and any Delta client can write it; the views are built from it."""
    commit(tmp_path, [row("a")])
    table_in(tmp_path)._required().alter.set_table_properties({PROMOTED: stated}, raise_if_not_exists=False)
    table = table_in(tmp_path)
    for question in (
        table.promoted,
        lambda: table.delete_model("m-000000000001"),
        lambda: query(table, "FROM current"),
    ):
        with pytest.raises(UsageError, match=r"expected the id of a model; .* melanoma table promote") as caught:
            question()
        assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value)
    assert [model.is_promoted for model in table.models()] == [False]
    table.promote("m-000000000001")
    assert table_in(tmp_path).promoted() == "m-000000000001"
