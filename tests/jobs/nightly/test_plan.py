"""Everything is checked before a photograph is read: flags, bundles, folders, the output and the time limit."""

import datetime
import gzip
import os
import re
from pathlib import Path

import pytest

from jobs.cli import main, parse
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan, prepare, sources_of
from melanoma.errors import NothingCommittedError, UsageError
from melanoma.ingest.manifests import Manifest
from melanoma.ingest.roots import Root
from melanoma.runs import heartbeats
from tests.helpers import fill
from tests.helpers.archives import tar_of, zip_of
from tests.helpers.outputs import layout_of


def options(*words: str) -> NightlyOptions:
    invocation = parse(["score", *words])
    return NightlyOptions.from_command_line(invocation.args, invocation.beam_options)


def plan(tmp_path: Path, bundle_uri: str, *words: str) -> RunPlan:
    where = ["--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    return prepare(options(*where, *words))


def test_a_plan_has_a_run_for_each_model_in_the_order_of_the_bundles(
    tmp_path: Path, bundle_uri: str, other_bundle_uri: str
) -> None:
    fill(tmp_path / "in", 1)
    found = plan(tmp_path, bundle_uri, "--bundle", other_bundle_uri, "--rescore", "--run-date", "2026-02-03")
    assert [model.run.model_id for model in found.models] == [model.bundle.model_id for model in found.models]
    assert len({run.model_id for run in found.runs}) == 2
    ids = [run.run_id for run in found.runs]
    assert ids == sorted(set(ids))
    assert {(run.rescore, run.retry_failed, run.run_date) for run in found.runs} == {
        (True, False, datetime.date(2026, 2, 3))
    }
    assert {run.deadline for run in found.runs} == {None}
    assert found.layout == layout_of(tmp_path / "out") and found.warnings == ()


def test_planning_leaves_nothing_behind(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    plan(tmp_path, bundle_uri)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []
    plan(tmp_path, bundle_uri, "--dry-run", "--output", str(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_the_time_limit_is_in_every_run(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    before = datetime.datetime.now(datetime.UTC)
    (run,) = plan(tmp_path, bundle_uri, "--max-time", "2h").runs
    assert run.deadline is not None
    assert datetime.timedelta(0) <= run.deadline - before - datetime.timedelta(hours=2) < datetime.timedelta(minutes=1)


def test_sources_are_folders_or_one_manifest() -> None:
    layout = layout_of("/o")
    shared = ("--bundle", "b", "--output", "o", "--since", "2026-01-02")
    since = datetime.date(2026, 1, 2)
    assert sources_of(options(*shared, "--images", "x", "--images", "y", "--pattern", "*.bmp"), layout) == (
        Root("x", "*.bmp", None, since, layout),
        Root("y", "*.bmp", None, since, layout),
    )
    assert sources_of(options(*shared, "--images", "x", "--uri-base", "s3://old"), None) == (
        Root("x", None, "s3://old", since, None),
    )
    assert sources_of(options(*shared, "--manifest", "m.csv", "--keep", "age"), layout) == (
        Manifest("m.csv", ("age",), since),
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "give either --images"),
        (["--images", "x", "--manifest", "m"], "give either --images"),
        (["--manifest", "m", "--uri-base", "u"], "exactly one --images"),
        (["--images", "x", "--images", "y", "--uri-base", "u"], "exactly one --images"),
        (["--manifest", "m", "--pattern", "*"], "--pattern goes with --images"),
        (["--images", "x", "--keep", "age"], "--keep age: a folder has no columns"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        sources_of(options("--bundle", "b", "--output", "o", *words), None)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--rescore", "--retry-failed"], "leave --retry-failed out"),
        (["--bundle", "{bundle}"], "two of the bundles hold the same model"),
        (["--", "--no_such_option"], "Beam has no option"),
        (["--", "--runner=Nope"], "Beam has no such runner"),
    ],
)
def test_a_run_that_cannot_work_is_refused_before_anything_is_written(
    tmp_path: Path, bundle_uri: str, words: list[str], complaint: str
) -> None:
    fill(tmp_path / "in", 1)
    with pytest.raises(UsageError, match=complaint):
        plan(tmp_path, bundle_uri, *(word.replace("{bundle}", bundle_uri) for word in words))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("archive", "complaint"),
    [
        ("zip://{tmp}/cut.zip", "could not be opened .*a zip archive that is cut off.*copy it again"),
        ("tar://{tmp}/cut.tgz", "could not be opened .*gzip data that is cut off.*copy it again"),
        ("tar://{tmp}/empty.tar", "could not be opened .*it is empty; copy it again"),
        ("zip://{tmp}/noise.zip", "could not be opened .*; it is cut, damaged or of another kind"),
        ("zip://{tmp}/none.zip", "does not exist; check --images for a typo"),
        ("zip://a.zip::" * 1000 + "{tmp}/cut.zip", "archives inside one another; unpack them first"),
    ],
)
def test_an_archive_that_cannot_be_opened_is_a_mistake(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str], archive: str, complaint: str
) -> None:
    files = {f"{number}.jpg": os.urandom(100) for number in range(5)}
    for name, pack, compress in (("cut.zip", zip_of, bytes), ("cut.tgz", tar_of, gzip.compress)):
        pack(tmp_path / name, files)
        whole = compress((tmp_path / name).read_bytes())
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.tar").touch()
    (tmp_path / "noise.zip").write_bytes(os.urandom(900))
    words = ["--bundle", bundle_uri, "--output", str(tmp_path / "out"), "--images", archive.format(tmp=tmp_path)]
    assert main(["score", *words]) == 2
    assert re.search(complaint, capsys.readouterr().err)


def test_an_active_run_is_seen_except_by_a_dry_run(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    with heartbeats.beating(layout_of(tmp_path / "out"), "20200101T000000Z-00000000"):
        with pytest.raises(NothingCommittedError, match="20200101T000000Z-00000000 is active"):
            plan(tmp_path, bundle_uri)
        assert len(plan(tmp_path, bundle_uri, "--dry-run").runs) == 1


def test_an_empty_folder_is_refused_unless_it_is_known_or_allowed(tmp_path: Path, bundle_uri: str) -> None:
    (path,) = fill(tmp_path / "in", 1)
    (tmp_path / "bare").mkdir()
    with pytest.raises(UsageError, match=r"bare: no photograph there; check the path.*--pattern.*--allow-empty"):
        plan(tmp_path, bundle_uri, "--images", str(tmp_path / "bare"))
    for name in ("scan.nef", "scan2.NEF", "notes.txt"):
        (tmp_path / "bare" / name).touch()
    with pytest.raises(
        UsageError, match=r"bare: no photograph there, only other files \(\.nef 2, \.txt 1\); JPEG, PNG"
    ):
        plan(tmp_path, bundle_uri, "--images", str(tmp_path / "bare"))
    allowed = plan(tmp_path, bundle_uri, "--images", str(tmp_path / "bare"), "--allow-empty")
    assert allowed.warnings == (f"{tmp_path / 'bare'}: no photograph there",)
    assert (
        main(["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")])
        == 0
    )
    path.unlink()
    assert plan(tmp_path, bundle_uri).warnings == (f"{tmp_path / 'in'}: no photograph there any more",)
    (tmp_path / "in").rename(tmp_path / "moved")
    where = ["--images", str(tmp_path / "moved"), "--uri-base", f"file://{tmp_path / 'in'}"]
    moved = prepare(options(*where, "--bundle", bundle_uri, "--output", str(tmp_path / "out")))
    assert moved.warnings == (f"{tmp_path / 'moved'}: no photograph there any more",)
