"""Opening Delta tables, and translating their errors."""

import errno
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from deltalake.exceptions import DeltaError

from melanoma.errors import NothingCommittedError, UsageError
from melanoma.table.delta import change_error, open_delta, read_error
from tests.helpers.outputs import layout_of
from tests.helpers.score_rows import commit, row


def test_another_delta_table_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path), pa.table({"image_id": ["x"], "status": ["y"]}))
    with pytest.raises(UsageError, match="the Delta table there is not a score table, as it lacks image_uri"):
        open_delta(layout_of(tmp_path))


def test_a_folder_without_a_delta_table_opens_as_none(tmp_path: Path) -> None:
    assert open_delta(layout_of(tmp_path)) is None
    assert open_delta(layout_of(tmp_path / "absent")) is None
    assert not (tmp_path / "absent").exists()


def test_a_version_is_opened_as_it_was(tmp_path: Path) -> None:
    for name in "abc":
        commit(tmp_path, [row(name)])
    for version in (0, 1, 3):
        delta = open_delta(layout_of(tmp_path), version)
        assert delta is not None and delta.version() == version


def test_a_table_that_was_removed_since_the_plan_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    with pytest.raises(NothingCommittedError, match="was removed after its version 2 had been read; start again"):
        open_delta(layout_of(tmp_path), 2)


def test_a_version_that_does_not_exist_cannot_be_opened(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    with pytest.raises(NothingCommittedError, match=f"^{tmp_path}: the score table cannot be opened"):
        open_delta(layout_of(tmp_path), 9)


def test_a_damaged_log_is_no_mistake_and_its_text_is_not_quoted(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    (tmp_path / "_delta_log" / f"{1:020}.json").write_text('{"DOE^JANE"')
    with pytest.raises(NothingCommittedError, match="the score table cannot be opened") as caught:
        open_delta(layout_of(tmp_path))
    assert "DOE" not in str(caught.value)


def test_a_store_that_may_not_be_read_is_named_by_its_reason_alone(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, "CANARY", "CANARY")
    for translated in (read_error(layout_of("/out"), error, {}), change_error(layout_of("/out"), error)):
        assert isinstance(translated, NothingCommittedError)
        assert "No space left on device" in str(translated) and "CANARY" not in str(translated)


def test_errors_of_a_change_name_damaged_files_but_not_those_of_a_full_disk() -> None:
    file = "model_id=m-000000000001/part-0.parquet"
    damaged = DeltaError(f"Parquet error: https://CANARY/{file}: Corrupt footer")
    full = DeltaError(f"Parquet error: CANARY/{file}: No space left on device (os error 28)")
    found = change_error(layout_of("/out"), damaged)
    assert isinstance(found, UsageError) and f"is damaged ({file})" in str(found) and "CANARY" not in str(found)
    found = change_error(layout_of("/out"), full)
    assert isinstance(found, NothingCommittedError)
    assert str(found) == "/out: the score table could not be changed (No space left on device); try again"


REFUSALS = {
    "CANARY: Permission denied (os error 13)": ("Permission denied", "fix the permissions of the folder"),
    "CANARY: Read-only file system (os error 30)": ("Read-only file system", "run the command as the user who owns it"),
    "CANARY: no credentials found in chain": ("no credentials found", "check the credentials in the environment"),
    "CANARY: Client error with status 403 Forbidden": ("access denied", "and their rights in this bucket"),
}


@pytest.mark.parametrize(("text", "expected"), REFUSALS.items(), ids=REFUSALS)
def test_a_refusal_says_what_to_change_and_not_to_try_again(text: str, expected: tuple[str, str]) -> None:
    reason, advice = expected
    layout = layout_of("s3://bucket/out" if "bucket" in advice or "environment" in advice else "/out")
    for translated in (change_error(layout, DeltaError(text)), read_error(layout, OSError(text), {})):
        assert isinstance(translated, UsageError) and "CANARY" not in str(translated)
        assert f"({reason}); " in str(translated) and advice in str(translated)
        assert "try again" not in str(translated)


def test_a_bucket_that_does_not_exist_is_a_mistake(bucket: str) -> None:
    missing = f"{bucket}-mistyped/out"
    with pytest.raises(UsageError, match=rf"^{missing} does not exist: the store has no bucket of this name; check it"):
        open_delta(layout_of(missing))


@pytest.mark.parametrize(
    "text",
    [
        "404 Not Found: <Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message>",  # S3
        "404: <Error><Code>ContainerNotFound</Code><Message>The specified container does not exist.",  # Azure
        '404: {"error": {"code": 404, "message": "The specified bucket does not exist."}}',  # Google Cloud
    ],
)
def test_each_store_says_in_its_own_words_that_a_bucket_is_missing(text: str) -> None:
    found = change_error(layout_of("s3://mistyped/out"), OSError(text))
    assert isinstance(found, UsageError) and "s3://mistyped/out does not exist" in str(found)


def test_a_change_on_a_disk_without_hard_links_is_a_mistake() -> None:
    found = change_error(layout_of("/out"), OSError("Unable to link CANARY: Operation not supported (os error 95)"))
    assert isinstance(found, UsageError) and "CANARY" not in str(found)
    assert str(found).startswith("/out: the score table could not be changed: the disk offers no hard links")


def test_files_are_named_once_each_and_in_order() -> None:
    first, second = (f"model_id=m-1/part-{number}.parquet" for number in (1, 2))
    found = str(read_error(layout_of("/out"), pa.ArrowInvalid("CANARY"), {second: "damaged", first: "gone"}))
    assert f"is damaged or gone ({first}, {second}); restore it from a backup" in found and "CANARY" not in found
