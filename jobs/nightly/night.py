"""One nightly run as far as it has come."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from jobs.nightly import launch
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan
from melanoma.runs.records import RunRecord


@dataclass
class Night:
    """One nightly run as far as it has come.

    Attributes:
        options: Command line.
        plan: Its plan; None as long as it has not got past its checks.
        began: Start on the monotonic clock, in seconds.
    """

    options: NightlyOptions
    plan: RunPlan | None = None
    began: float = field(default_factory=time.monotonic)

    def completed(self, records: Sequence[RunRecord], warnings: Sequence[str] = ()) -> list[RunRecord]:
        """Adds to records what only the launching process knows: the duration and the warnings of the plan.

        Args:
            records: Records of the models' runs.
            warnings: Further warnings.
        """
        seconds = round(time.monotonic() - self.began, 3)
        told = (*(self.plan.warnings if self.plan else ()), *warnings)
        return [replace(record, seconds=seconds, warnings=(*record.warnings, *told)) for record in records]

    def records_so_far(self) -> list[RunRecord]:
        """Returns the completed records of runs that ended early, as far as there are any."""
        return self.completed(launch.records_so_far(self.plan)) if self.plan else []
