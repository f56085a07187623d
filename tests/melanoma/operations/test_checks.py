"""An error ends only its check, and the result says whether the failure may go away by itself."""

import pytest

from melanoma.errors import BundleError, ErrorKind, ImageError, NothingCommittedError, ReadError, UsageError
from melanoma.operations.checks import Check, Result, guarded


def raising(error: Exception) -> Check:
    def check() -> Check:
        raise error

    return guarded("listing", "check --images", check)


def test_a_finished_check_is_returned_unchanged() -> None:
    done = Check("listing", Result.WARN, "few photographs", "add some")
    assert guarded("other", "unused", lambda: done) is done


@pytest.mark.parametrize(
    "error",
    [
        UsageError("found"),
        BundleError("found"),
        OSError("found"),
        ReadError(ErrorKind.FORBIDDEN, "found"),
        ImageError(ErrorKind.CORRUPT, "found"),
    ],
)
def test_a_permanent_error_fails_with_the_remedy_of_the_check(error: Exception) -> None:
    check = raising(error)
    assert (check.name, check.result, check.remedy) == ("listing", Result.FAIL, "check --images")
    assert "found" in check.found


@pytest.mark.parametrize("own", [UsageError, BundleError])
def test_what_an_error_says_to_do_is_the_remedy_and_is_said_once(own: type[Exception]) -> None:
    check = raising(own("/out cannot be written; disk full; choose another --output"))
    assert (check.found, check.remedy) == ("/out cannot be written; disk full", "choose another --output")


@pytest.mark.parametrize(
    "error",
    [
        NothingCommittedError("found"),
        ReadError(ErrorKind.TIMEOUT, "found"),
        ReadError(ErrorKind.STORE_UNAVAILABLE, "found"),
    ],
)
def test_a_transient_error_suggests_trying_again(error: Exception) -> None:
    check = raising(error)
    assert check.result is Result.STORE and check.remedy.startswith("try again")


def test_an_unexpected_error_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError())
