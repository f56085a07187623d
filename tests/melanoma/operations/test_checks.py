"""An error ends a check, never the preflight, and says whether it may pass by itself."""

import pytest

from melanoma.errors import BundleError, ErrorKind, ImageError, NothingCommittedError, ReadError, UsageError
from melanoma.operations.checks import Check, Result, guarded


def raising(error: Exception) -> Check:
    def check() -> Check:
        raise error

    return guarded("listing", "check --images", check)


def test_a_finished_check_is_returned_as_it_is() -> None:
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
def test_an_error_that_somebody_must_fix_fails_with_the_remedy_of_the_check(error: Exception) -> None:
    check = raising(error)
    assert (check.name, check.result, check.remedy) == ("listing", Result.FAIL, "check --images")
    assert "found" in check.found


@pytest.mark.parametrize(
    "error",
    [
        NothingCommittedError("found"),
        ReadError(ErrorKind.TIMEOUT, "found"),
        ReadError(ErrorKind.STORE_UNAVAILABLE, "found"),
    ],
)
def test_an_error_that_may_pass_asks_to_try_again(error: Exception) -> None:
    check = raising(error)
    assert check.result is Result.STORE and check.remedy.startswith("try again")


def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError())
