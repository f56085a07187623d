"""A launch: alone on its output, with errors that keep their identity, and with its upkeep."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.cli import parse
from jobs.console.exit_codes import DEFECT, NOTHING_COMMITTED, WRONG_USAGE, exit_code_of
from jobs.nightly import launch
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan, prepare
from melanoma.errors import BundleError, MelanomaError, NothingCommittedError, PhotographError
from melanoma.ingest.sources import Root
from tests.helpers import fill
from tests.helpers.broken_sources import BrokenRoot, SabotagingRoot

TWO_WORKERS = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
MESSAGE = "found [while running 'x'], expected y; melanoma.errors.BundleError: do z"
CODES = {
    "UsageError": WRONG_USAGE,
    "BundleError": WRONG_USAGE,
    "DataError": WRONG_USAGE,
    "NothingCommittedError": NOTHING_COMMITTED,
    "ReadError": NOTHING_COMMITTED,
    "ImageError": NOTHING_COMMITTED,
    "a fault of the program": DEFECT,
}


def every_subclass(kind: type) -> set[type]:
    return {kind}.union(*(every_subclass(below) for below in kind.__subclasses__()))


def plan_with(tmp_path: Path, bundle_uri: str, name: str, workers: tuple[str, ...]) -> tuple[RunPlan, NightlyOptions]:
    """Plans a run over a folder, and replaces the folder by a source that raises in the worker."""
    fill(tmp_path / "in", 1)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    options = NightlyOptions.from_command_line(parse(words).args, workers)
    broken = BrokenRoot(str(tmp_path / "in"), pattern=name, base=MESSAGE)
    return replace(prepare(options), sources=(broken,)), options


def test_the_table_of_codes_names_every_error_class() -> None:
    own = every_subclass(MelanomaError) | every_subclass(PhotographError)
    raised = {kind.__name__ for kind in own} - {"MelanomaError", "PhotographError"}
    assert raised == set(CODES) - {"a fault of the program"}


@pytest.mark.parametrize("workers", [(), TWO_WORKERS], ids=["in this process", "two worker processes"])
@pytest.mark.parametrize("name", CODES)
def test_an_error_in_a_worker_keeps_its_class_message_and_exit_code(
    name: str, workers: tuple[str, ...], tmp_path: Path, bundle_uri: str
) -> None:
    plan, options = plan_with(tmp_path, bundle_uri, name, workers)
    with pytest.raises(Exception) as raised:
        launch.run_pipeline(plan, options)
    assert exit_code_of(raised.value) == CODES[name]
    text = str(raised.value)
    if CODES[name] != DEFECT:
        process = int(re.search(r"\(process (\d+)\)", text)[1])  # type: ignore[index]
        assert (process == os.getpid()) is not bool(workers)
        message = f"{MESSAGE} (process {process})"
        if name in ("ReadError", "ImageError"):
            assert text == f"the store failed: timeout: {message}; nothing was committed"
        else:
            assert (type(raised.value).__name__, text) == (name, message)


def test_a_bundle_that_changes_during_the_run_ends_it_with_the_code_of_a_bundle(
    tmp_path: Path, bundle_uri: str
) -> None:
    folder = shutil.copytree(bundle_uri, tmp_path / "bundle")
    plan, options = plan_with(tmp_path, str(folder), "", ())
    (folder / "card.md").write_text("# Another card\n")
    with pytest.raises(BundleError, match=r"card\.md") as raised:
        launch.run_pipeline(replace(plan, sources=(Root(str(tmp_path / "in")),)), options)
    assert exit_code_of(raised.value) == WRONG_USAGE


@pytest.mark.parametrize("workers", [(), TWO_WORKERS], ids=["in this process", "two worker processes"])
def test_an_output_that_refuses_every_file_ends_the_run_with_the_code_to_try_again(
    tmp_path: Path, bundle_uri: str, workers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, options = plan_with(tmp_path, bundle_uri, "", workers)
    scratch = [Path(run.scratch) for run in plan.runs]
    source = SabotagingRoot(str(tmp_path / "in"), base=str(tmp_path / "out" / "_staging"))
    with pytest.raises(NothingCommittedError, match="cannot be written") as raised:
        launch.run_pipeline(replace(plan, sources=(source,)), options)
    assert exit_code_of(raised.value) == NOTHING_COMMITTED
    assert "while running" not in str(raised.value)
    assert not any(folder.exists() for folder in scratch)
