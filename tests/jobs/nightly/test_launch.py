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
from melanoma.errors import BundleError, MelanomaError, PhotographError
from melanoma.ingest.sources import Root
from tests.helpers import fill
from tests.helpers.broken_sources import BrokenRoot

WORKER_PROCESS = ("--direct_running_mode=multi_processing", "--direct_num_workers=1")
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
# A worker process takes seconds to start; the others differ from these only in the name that is recorded.
IN_WORKER_PROCESS = ("UsageError", "NothingCommittedError", "ReadError", "a fault of the program")


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


@pytest.mark.parametrize(
    ("name", "workers"), [*((name, ()) for name in CODES), *((name, WORKER_PROCESS) for name in IN_WORKER_PROCESS)]
)
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
