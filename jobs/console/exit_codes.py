"""Exit codes of every command, for the commands; `melanoma/exit_codes.py` says what each means."""

from melanoma.exit_codes import (
    DEFECT,
    INTERRUPTED,
    NOTHING_COMMITTED,
    OK,
    OVER_BUDGET,
    WRONG_USAGE,
    exit_code_of,
)

__all__ = ["DEFECT", "INTERRUPTED", "NOTHING_COMMITTED", "OK", "OVER_BUDGET", "WRONG_USAGE", "exit_code_of"]
