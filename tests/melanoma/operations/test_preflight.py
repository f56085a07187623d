"""A preflight runs every check that it can, whatever the earlier ones found."""

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import Source
from melanoma.model.bundle import load_bundle
from melanoma.operations import environment_checks
from melanoma.operations.checks import Check, Result
from melanoma.operations.preflight import PlannedRun, Preflight
from melanoma.runs import heartbeats
from melanoma.runs.records import COMMITTED, Counts, RunRecord, write_record
from melanoma.shards import Shard
from melanoma.storage import filesystems
from melanoma.table.layout import OutputLayout
from tests.helpers import fill

Plan = Callable[..., PlannedRun]


@pytest.fixture
def plan(tmp_path: Path, bundle_uri: str) -> Plan:
    """Plans a run over four photographs; a test may override any value."""
    fill(tmp_path / "in", 4)

    def planned(
        output: str = str(tmp_path / "out"),
        images: str = str(tmp_path / "in"),
        bundles: Sequence[str] = (bundle_uri,),
        **told: object,
    ) -> PlannedRun:
        return PlannedRun(output, lambda layout: [Root(images, output=layout)], bundles, batch_size=4, **told)  # type: ignore[arg-type]

    return planned


def checks_of(planned: PlannedRun) -> dict[str, Check]:
    return {check.name: check for check in Preflight(planned).checks()}


def test_a_valid_plan_passes_all_checks_in_order_and_is_forecast(plan: Plan) -> None:
    preflight = Preflight(plan())
    checks = list(preflight.checks())
    assert [check.name for check in checks] == [
        *("versions", "machine", "other nights", "output", "reports", "listing", "bundle", "table", "race"),
        *("decoding", "network", "memory", "space"),
    ]
    assert {check.result for check in checks} <= {Result.PASS, Result.WARN}
    (forecast,) = preflight.forecasts
    assert forecast.photographs == 4


def test_an_output_in_an_unknown_store_fails_and_the_rest_is_still_checked(plan: Plan) -> None:
    checks = checks_of(plan(output="nosuch://bucket/scores"))
    assert checks["output"].result is Result.FAIL and "nosuch://" in checks["output"].found
    assert checks["listing"].result is checks["network"].result is Result.PASS
    assert not {"other nights", "table"} & set(checks)


def test_no_commit_is_tried_if_the_output_is_not_writable(plan: Plan, tmp_path: Path) -> None:
    checks = checks_of(plan(output=str(tmp_path / "in" / "lesion-0000.jpg")))
    assert checks["output"].result is Result.FAIL and "choose another path" in checks["output"].remedy
    assert "table" not in checks and "network" in checks


def test_whether_the_operator_would_be_told_is_checked_and_a_failure_is_one_line(plan: Plan, tmp_path: Path) -> None:
    asked = {"notify_command": sys.executable, "metrics_file": str(tmp_path / "m.prom")}
    checks = checks_of(plan(**asked))
    assert checks["notification"].result is checks["metrics"].result is Result.PASS
    checks = checks_of(plan(notify_command="/absent/program", metrics_file=str(tmp_path)))
    assert checks["notification"].result is Result.FAIL and "chmod +x" in checks["notification"].remedy
    assert checks["metrics"].result is Result.WARN


def test_reports_of_another_account_fail_the_check(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "out" / "_reports").mkdir(parents=True)
    (tmp_path / "out" / "_private" / "key").mkdir(parents=True)  # as unreadable as a file of another account
    assert checks_of(plan())["reports"].result is Result.FAIL
    (tmp_path / "out" / "_private" / "key").rmdir()
    (tmp_path / "out" / "_private" / "key").write_text("ab" * 32)
    assert checks_of(plan())["reports"].result is Result.PASS
    assert list((tmp_path / "out" / "_reports").iterdir()) == []


def test_without_a_listing_nothing_is_decoded_or_forecast(plan: Plan, tmp_path: Path) -> None:
    preflight = Preflight(plan(images=str(tmp_path / "missing")))
    checks = {check.name: check for check in preflight.checks()}
    assert checks["listing"].result is Result.FAIL and checks["bundle"].result is Result.PASS
    assert not {"decoding", "network", "memory"} & set(checks) and preflight.forecasts == []


def test_contradictory_sources_fail_the_listing(plan: Plan, bundle_uri: str, tmp_path: Path) -> None:
    def contradictory(layout: OutputLayout | None) -> Sequence[Source]:
        raise UsageError("--images contradicts --manifest")

    checks = checks_of(PlannedRun(str(tmp_path / "out"), contradictory, [bundle_uri], 4))
    assert checks["listing"].result is Result.FAIL and "--manifest" in checks["listing"].found


def test_every_bundle_is_checked_separately(plan: Plan, bundle_uri: str, other_bundle_uri: str, tmp_path: Path) -> None:
    preflight = Preflight(plan(bundles=[str(tmp_path / "in"), bundle_uri, other_bundle_uri]))
    results = [check.result for check in preflight.checks() if check.name == "bundle"]
    assert results == [Result.FAIL, Result.PASS, Result.PASS] and len(preflight.forecasts) == 2


def test_a_store_that_returns_no_photographs_gets_no_forecast(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    checks = checks_of(plan(images=f"failing://{tmp_path}/in"))
    assert checks["listing"].result is Result.PASS and checks["decoding"].result is Result.STORE
    assert "network" not in checks


def test_the_space_check_uses_the_forecast(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment_checks, "_MIN_SPACE", 0.0)
    for free, result in ((4000, Result.PASS), (3999, Result.FAIL)):  # of four photographs, 1000 bytes each
        usage = shutil.disk_usage("/")._replace(free=free)
        with monkeypatch.context() as context:
            context.setattr(shutil, "disk_usage", lambda path, usage=usage: usage)
            assert checks_of(plan())["space"].result is result


def test_files_of_the_output_are_not_counted_as_photographs(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "in" / "_reports").mkdir()
    (tmp_path / "in" / "_reports" / "picture.jpg").write_bytes(b"x")
    found = checks_of(plan(output=str(tmp_path / "in")))["listing"].found
    assert found.startswith("4 photographs, ")


def test_a_shard_is_forecast_alone_and_absent_ones_are_named(plan: Plan, tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 40)
    layout, model_id = OutputLayout.at(str(tmp_path / "out")), load_bundle(bundle_uri).model_id
    run_id = "20260102T010000Z-00000000"
    preflight = Preflight(plan(shard=Shard(1, 2)))
    with heartbeats.beating(layout, run_id, Shard(2, 2)):
        checks = {check.name: check for check in preflight.checks()}
    assert checks["other nights"].result is checks["shards"].result is Result.PASS
    assert 10 < preflight.forecasts[0].photographs < 30
    write_record(layout, RunRecord(run_id, "2026-01-02", model_id, COMMITTED, Counts(), shard="1/2"))
    warned = checks_of(plan(shard=Shard(1, 2)))["shards"]
    assert warned.result is Result.WARN and "no run of shard 2/2 (never)" in warned.found
    assert checks_of(plan(shard=Shard(2, 2)))["shards"].result is Result.PASS
