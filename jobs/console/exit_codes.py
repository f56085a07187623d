"""Exit codes, which schedulers read."""

from melanoma.errors import MelanomaError, NothingCommittedError

OK = 0
OVER_BUDGET = 1
WRONG_USAGE = 2
NOTHING_COMMITTED = 3
INTERRUPTED = 130
DEFECT = 70


def exit_code_of(error: MelanomaError) -> int:
    """Says whether a scheduler may try again (3) or a person has to mend something (2)."""
    return NOTHING_COMMITTED if isinstance(error, NothingCommittedError) else WRONG_USAGE
