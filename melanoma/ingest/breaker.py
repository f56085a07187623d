"""Ends a run whose store no longer delivers anything, however many photographs are left."""

import threading
import time

from melanoma import storage
from melanoma.errors import NothingCommittedError, PhotographError
from melanoma.wording import counted

_MANY_FAILURES = 200  # in a row: ends the run at once
_FEW_FAILURES, _SECONDS = 10, 120.0  # as many in a row, and so long without a photograph


class Breaker:
    """Watches what a store answers in one process; can be shared by threads.

    One photograph, or one answer that is no failure of the store, starts the count anew.
    """

    def __init__(self) -> None:
        """Starts with no failure."""
        self._lock = threading.Lock()
        self._failures, self._since = 0, 0.0

    def note(self, error: PhotographError | None, seconds: float = 0.0) -> None:
        """Counts one answer of the store.

        Args:
            error: Why a photograph was not delivered; None for one that was.
            seconds: How long the answer took.

        Raises:
            NothingCommittedError: The store has given nothing for too long.
        """
        with self._lock:
            if error is None or not error.kind.is_store_failure:
                self._failures = 0
                return
            now = time.monotonic()
            self._since = self._since if self._failures else now - seconds
            self._failures += 1
            silent = now - self._since
        if self._failures >= _MANY_FAILURES or (self._failures >= _FEW_FAILURES and silent >= _SECONDS):
            storage.hurry()
            raise NothingCommittedError(
                f"the store has delivered none of the last {counted(self._failures, 'photograph')}, for "
                f"{silent:,.0f} seconds ({error.detail}); nothing was committed; start again once it answers, results "
                "so far stay staged"
            )
