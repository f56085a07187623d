"""A preflight check, and how an error during a check is reported."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from melanoma.errors import (
    BundleError,
    MelanomaError,
    NothingCommittedError,
    PhotographError,
    ReadError,
    UsageError,
)

FAILURES = (MelanomaError, PhotographError, OSError)
_TRY_AGAIN = "try again later; if it keeps failing, contact the store's administrator"


class Result(StrEnum):
    """Result of a check; `STORE` is a failure that may go away by itself."""

    PASS = "pass"  # noqa: S105 - not a password
    WARN = "warn"
    FAIL = "fail"
    STORE = "store"


@dataclass(frozen=True)
class Check:
    """One line of a preflight.

    Attributes:
        name: What was checked.
        result: Its result.
        found: What was found, without names of photographs.
        remedy: What to do about it; empty if there is nothing to do.
    """

    name: str
    result: Result
    found: str
    remedy: str = ""


def guarded(name: str, remedy: str, check: Callable[[], Check]) -> Check:
    """Runs a check; an error in it becomes a failed check.

    Args:
        name: What is checked.
        remedy: What to do if an error ends the check.
        check: Returns the finished check, or raises one of `FAILURES`.
    """
    try:
        return check()
    except FAILURES as error:
        return failed(name, remedy, error)


def failed(name: str, remedy: str, error: Exception) -> Check:
    """Returns a failed check for an error.

    Args:
        name: What was checked.
        remedy: What to do, unless the error's own text ends with that. For an error that may go away by itself, the
            remedy is to try again.
        error: What ended the check.
    """
    if isinstance(error, NothingCommittedError) or (isinstance(error, ReadError) and error.kind.is_transient):
        return Check(name, Result.STORE, str(error), _TRY_AGAIN)
    if isinstance(error, UsageError | BundleError) and "; " in str(error):
        found, _, advice = str(error).rpartition("; ")
        return Check(name, Result.FAIL, found, advice)
    return Check(name, Result.FAIL, str(error), remedy)
