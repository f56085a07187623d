"""What a worker process does as the process that started the run would, wherever it is."""

import os
from dataclasses import dataclass

from melanoma.machine import share_processors


@dataclass(frozen=True)
class WorkerSettings:
    """What the worker processes of a cluster cannot know by themselves.

    Attributes:
        heartbeat: Id in the heartbeat of the process that started them.
        umask: Bits that files and folders of the table do not get, see `--output-mode`.
        slots: Number of bundles that one worker machine, or its container, works on at once; at least 1.
        slots_on_host: The same of the whole machine, which several of them may share.
    """

    heartbeat: str
    umask: int
    slots: int = 1
    slots_on_host: int = 1

    def apply(self) -> None:
        """Sets the umask of this process, and the processors that its threads count on."""
        os.umask(self.umask)
        share_processors(self.slots, self.slots_on_host)
