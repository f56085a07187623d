"""A run's id sorts by time, and its fingerprint changes with everything that a staged row depends on."""

import datetime
import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.ids import RUN_ID
from melanoma.model.bundle import load_bundle
from melanoma.model.engine_names import AUTO, ENGINES, ONNX_RUNTIME, OPENVINO_BF16, precision_of
from melanoma.model.engine_version import installed_version
from melanoma.runs import run as run_module
from melanoma.runs.run import Run, fingerprint_of, new_run, started_at, time_stamp
from melanoma.table.schema import score_schema
from tests.helpers.outputs import layout_of
from tests.helpers.planned_runs import run_on

SCHEMA = score_schema(("melanoma", "nevus"))


class Clock(datetime.datetime):
    """A clock that a test sets."""

    present = datetime.datetime(2026, 1, 2, 3, 4, 5, 0, datetime.UTC)

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return cls.present.astimezone(tz)


def test_ids_sort_by_time_to_the_millisecond(tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, ids = load_bundle(bundle_uri), []
    monkeypatch.setattr(datetime, "datetime", Clock)
    for milliseconds in (0, 1, 9, 10, 99, 255, 256, 998, 999, 1000, 60_000, 86_400_000):
        Clock.present = Clock(2026, 1, 2, 3, 4, 5, 0, datetime.UTC) + datetime.timedelta(milliseconds=milliseconds)
        ids.append(new_run(layout_of(tmp_path), bundle, pa.schema([]), None, None).run_id)
    assert ids == sorted(ids) and len(set(ids)) == len(ids)
    assert all(RUN_ID.fullmatch(run_id) for run_id in ids)
    assert [run_id[:20] for run_id in ids[-3:]] == [
        "20260102T030406Z-000",
        "20260102T030505Z-000",
        "20260103T030405Z-000",
    ]


def test_runs_of_one_millisecond_differ(tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = load_bundle(bundle_uri)
    monkeypatch.setattr(datetime, "datetime", Clock)
    assert len({new_run(layout_of(tmp_path), bundle, pa.schema([]), None, None).run_id for _ in range(50)}) == 50


def test_a_new_run_has_the_day_and_the_columns_that_it_was_given(tmp_path: Path, bundle_uri: str) -> None:
    bundle, kept = load_bundle(bundle_uri), pa.schema([("site", pa.string())])
    run = new_run(layout_of(tmp_path), bundle, kept, 7, datetime.date(2025, 12, 31))
    assert (run.run_date, run.table_version, run.model_id) == (datetime.date(2025, 12, 31), 7, bundle.model_id)
    assert run.schema.names[-1] == "site" and run.fingerprint == fingerprint_of(
        bundle.model_id, run.schema, installed_version(ONNX_RUNTIME)
    )
    assert (run.rescore, run.retry_failed, run.deadline) == (False, False, None)
    assert new_run(layout_of(tmp_path), bundle, kept, None, None).run_date == datetime.date.today()


def test_a_run_knows_when_it_started_and_where_it_stages(tmp_path: Path) -> None:
    run = run_on(tmp_path, run_id="20261231T235959Z-0a1b2c3d")
    assert run.started == datetime.datetime(2026, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
    assert run.staging == f"file://{tmp_path}/_staging/{'f' * 16}/20261231T235959Z-0a1b2c3d"
    assert time_stamp(run.started) == "20261231T235959Z"
    assert started_at("20260102T030405Z-compact") == datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "run_id", ["", "20260102T030405Z", "20260102T030405Z-compact", "20260102T030405Z-0000000g", "x"]
)
def test_only_a_time_and_eight_hex_digits_are_the_id_of_a_run(run_id: str) -> None:
    assert RUN_ID.fullmatch(run_id) is None


ENGINE = "onnxruntime-1.32.0-f32"


def test_the_fingerprint_changes_with_all_that_staged_rows_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model, classes = "m-000000000001", ("melanoma", "nevus")
    found = [fingerprint_of(model, SCHEMA, ENGINE), fingerprint_of("m-000000000002", SCHEMA, ENGINE)]
    found += [fingerprint_of(model, score_schema(slugs), ENGINE) for slugs in (("melanoma", "nevi"), classes[::-1])]
    for kept in (pa.int16(), pa.int32()):
        found.append(fingerprint_of(model, score_schema(classes, pa.schema([("age", kept)])), ENGINE))
    for engine in ("onnxruntime-1.33.0-f32", "openvino-1.32.0-f32", "openvino-1.32.0-bf16"):
        found.append(fingerprint_of(model, SCHEMA, engine))
    for name in ("DECODER", "SCHEMA_VERSION"):
        with monkeypatch.context() as patch:
            patch.setattr(run_module, name, "another")
            found.append(fingerprint_of(model, SCHEMA, ENGINE))
    assert len(set(found)) == len(found)
    assert all(re.fullmatch("[0-9a-f]{16}", fingerprint) for fingerprint in found)
    assert fingerprint_of(model, SCHEMA, ENGINE) == found[0]


def test_a_run_expects_the_engine_that_it_was_given_or_else_the_first(tmp_path: Path, bundle_uri: str) -> None:
    bundle, made = load_bundle(bundle_uri), dict[str, Run]()
    for engine in (AUTO, *(name for name in ENGINES if precision_of(name) == bundle.precision)):
        made[engine] = new_run(layout_of(tmp_path), bundle, pa.schema([]), None, None, engine)
    assert {engine: run.engine for engine, run in made.items() if engine != AUTO} == {
        engine: installed_version(engine) for engine in made if engine != AUTO
    }
    assert made[AUTO].engine == made[ONNX_RUNTIME].engine and made[AUTO].fingerprint == made[ONNX_RUNTIME].fingerprint
    assert len({run.fingerprint for run in made.values()}) == len(made) - 1


def test_a_run_does_not_start_with_an_engine_that_cannot_run_its_bundle(tmp_path: Path, bundle_uri: str) -> None:
    with pytest.raises(UsageError, match="computes in bf16"):
        new_run(layout_of(tmp_path), load_bundle(bundle_uri), pa.schema([]), None, None, OPENVINO_BF16)


def test_runs_of_one_output_are_equal_however_it_is_spelt(tmp_path: Path) -> None:
    assert replace(run_on(tmp_path), layout=layout_of(f"{tmp_path}/")) == run_on(tmp_path)
