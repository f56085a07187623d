"""Opens the Delta table of an output folder and translates its errors; a door to Delta Lake."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from melanoma import storage
from melanoma.errors import ErrorKind, MelanomaError, NothingCommittedError, ReadError, UsageError
from melanoma.storage.credential_errors import advice_for
from melanoma.storage.errors import is_missing_bucket, is_refused, reason_of
from melanoma.storage.probes import NO_HARD_LINKS, OTHER_DISK, no_bucket
from melanoma.table.data_files import check_data_files, check_log
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import COLUMNS, PARTITION

DELTA_ERRORS = (DeltaError, OSError)
READ_ERRORS = (pa.ArrowException, OSError)
_NOT_OFFERED = re.compile(r"\(os error (?:38|95)\)")  # of a commit, which links a file to its name
_DATA_FILE = re.compile(rf"{PARTITION}=[^/\s']+/[^/\s']+?\.parquet")


def open_delta(layout: OutputLayout, version: int | None = None) -> DeltaTable | None:
    """Opens the Delta table of an output folder; returns None where there is none.

    Args:
        layout: Of the output folder.
        version: Version to open; None for the newest.

    Raises:
        UsageError: The Delta table lacks columns of a score table, or a file of it is no regular file in its folder.
        NothingCommittedError: The store does not answer, the log is damaged, or the table no longer has this version.
    """
    location, options = storage.delta_location(layout.root)
    check_log(layout)
    try:
        delta = DeltaTable(location, version=version, storage_options=options)
        names = file_names(delta)
    except TableNotFoundError:
        if version is None:
            return None
        raise NothingCommittedError(
            f"{layout}: the score table was removed after its version {version} had been read; start again"
        ) from None
    except DELTA_ERRORS as error:
        raise log_error(layout, error) from None
    _check_columns(layout, delta)
    check_data_files(layout, names)
    return delta


def log_error(layout: OutputLayout, error: Exception) -> MelanomaError:
    """Returns what to raise for an error of reading the log; never quotes the error."""
    return _unavailable(layout, "cannot be opened", error, "")


def file_names(delta: DeltaTable) -> list[str]:
    """Returns the paths of the data files of a version, as its log states them."""
    names: list[str] = pa.table(delta.get_add_actions(flatten=True))["path"].to_pylist()
    return names


def columns_of(delta: DeltaTable) -> pa.Schema:
    """Returns the columns of a version, with the partition."""
    return pa.schema(delta.schema().to_arrow())


def _check_columns(layout: OutputLayout, delta: DeltaTable) -> None:
    names = {field.name for field in delta.schema().fields}
    if missing := [column.name for column in COLUMNS if column.name not in names]:
        raise UsageError(
            f"{layout}: the Delta table there is not a score table, as it lacks {', '.join(missing)}; choose another "
            "folder"
        )


def read_error(layout: OutputLayout, error: Exception, broken: Mapping[str, str]) -> MelanomaError:
    """Returns what to raise for an error of reading rows; names only data files, never quotes the error.

    Args:
        layout: Of the table.
        error: The error.
        broken: What is wrong with each data file that cannot be read, see `broken_files`.
    """
    if not broken:
        return _unavailable(layout, "cannot be read", error)
    faults = sorted(set(broken.values()))
    return _broken_file(layout, " or ".join(faults), sorted(broken))


def change_error(layout: OutputLayout, error: Exception) -> MelanomaError:
    """Returns what to raise for a change that Delta Lake refused; names only data files, never quotes the error."""
    text = str(error)
    # An error of the operating system concerns the disk or the store, even where it names a data file.
    if "Parquet error" in text and "(os error" not in text and _DATA_FILE.search(text):
        return _broken_file(layout, "damaged", sorted(set(_DATA_FILE.findall(text))))
    return _unavailable(layout, "could not be changed", error)


def write_error(layout: OutputLayout, error: ReadError) -> MelanomaError:
    """Returns what to raise for a data file that the store or the disk refused."""
    is_local = storage.local_path(layout.root) is not None
    if error.kind is ErrorKind.MISSING and not is_local:
        return UsageError(no_bucket(layout.name))
    found = f"{layout}: a data file of the score table cannot be written: {error.detail}"
    if error.kind.is_transient:
        return NothingCommittedError(f"{found}; try again")
    remedy = (
        "fix the permissions of the folder" if is_local else "check the credentials, and their rights in this bucket"
    )
    return UsageError(f"{found}; {remedy}")


def _unavailable(layout: OutputLayout, what: str, error: Exception, advice: str = "; try again") -> MelanomaError:
    """Returns the error for a table that the disk or the store withholds: whether to try again, or what to change."""
    if is_missing_bucket(error):
        return UsageError(no_bucket(layout.name))
    if _NOT_OFFERED.search(str(error)):
        return UsageError(f"{layout}: the score table {what}: {NO_HARD_LINKS}; {OTHER_DISK}")
    reason, is_final = reason_of(error), is_refused(error)
    if is_final and reason == type(error).__name__:
        reason = "access denied"
    found = f"{layout}: the score table {what} ({reason})"
    if not is_final:
        return NothingCommittedError(f"{found}{advice}")
    if storage.local_path(layout.root) is None:
        general = "check the credentials in the environment, and their rights in this bucket"
        return UsageError(f"{found}; {advice_for(reason, general)}")
    return UsageError(f"{found}; fix the permissions of the folder, or run the command as the user who owns it")


def _broken_file(layout: OutputLayout, fault: str, files: Sequence[str]) -> UsageError:
    return UsageError(
        f"{layout}: a data file of the score table is {fault} ({', '.join(files)}); "
        "restore it from a backup; without one, move the damaged file away, remove it from the table with "
        "deltalake.DeltaTable(...).repair(), and let the next run score its photographs again"
    )
