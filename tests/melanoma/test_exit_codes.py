"""Exit codes are a contract with schedulers: their numbers, which error has which, and where they are explained."""

import re

import pytest

from melanoma import exit_codes
from melanoma.errors import BundleError, DataError, MelanomaError, NothingCommittedError, UsageError
from melanoma.exit_codes import exit_code_of
from tests.helpers import ROOT

CODES = {name: value for name, value in vars(exit_codes).items() if name.isupper()}


def test_the_numbers_never_change() -> None:
    assert CODES == {
        "OK": 0,
        "OVER_BUDGET": 1,
        "WRONG_USAGE": 2,
        "NOTHING_COMMITTED": 3,
        "DEFECT": 70,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MelanomaError("x"), 2),
        (UsageError("x"), 2),
        (BundleError("x"), 2),
        (DataError("x"), 2),
        (NothingCommittedError("x"), 3),
    ],
)
def test_only_a_failure_that_may_pass_has_the_retry_code(error: MelanomaError, code: int) -> None:
    assert exit_code_of(error) == code


def test_a_more_specific_error_keeps_the_code_of_its_kind() -> None:
    class DiskFullError(NothingCommittedError):
        """A failure that may pass."""

    assert exit_code_of(DiskFullError("x")) == 3


def test_the_operators_page_and_the_module_explain_every_code() -> None:
    page = (ROOT / "docs" / "use" / "operations.md").read_text(encoding="utf-8")
    in_page = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    in_module = {int(code) for code in re.findall(r"^    (\d+): ", str(exit_codes.__doc__), re.MULTILINE)}
    assert in_page == in_module == set(CODES.values())
