"""Exit codes of every command, which schedulers read; `docs/use/operations.md` tells operators what to do at each.

Every command ends with one of them:
    0: Done.
    1: Done, but there is something to look at: in `score`, more photographs failed than `--max-failed` allows, or the
        predictions drifted by more than `--max-drift`; `audit` found what `--fail-on` names.
    2: Usage, configuration or data is wrong. Trying again is useless until a person has corrected it.
    3: Nothing was committed for a reason that may pass, such as a store that is down. Try again.
    70: A bug in this program; the traceback is on the error stream.
    130: Ctrl-C.
"""

from melanoma.errors import MelanomaError, NothingCommittedError, PhotographError

OK = 0
OVER_BUDGET = 1
WRONG_USAGE = 2
NOTHING_COMMITTED = 3
DEFECT = 70
INTERRUPTED = 130


def exit_code_of(error: BaseException) -> int:
    """Returns the exit code of a command that ends with an error.

    Args:
        error: One of our own classes; anything else is a bug.
    """
    if isinstance(error, NothingCommittedError | PhotographError):
        return NOTHING_COMMITTED
    return WRONG_USAGE if isinstance(error, MelanomaError) else DEFECT
