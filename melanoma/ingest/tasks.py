"""What a run has to score: tasks, and the chunks of tasks that are staged together."""

import pickle
import zlib
from dataclasses import dataclass
from typing import NamedTuple

from melanoma.ingest.image_refs import ImageRef, distinct

_FAST = 1  # level of zlib


class Task(NamedTuple):
    """One photograph, and which models of a run have still to score it.

    Attributes:
        ref: The photograph.
        attempts: Number of the attempt for each model of the run; 0 where the model need not score it.
        was_deferred: Whether an earlier run deferred it.
    """

    ref: ImageRef
    attempts: tuple[int, ...] = (1,)
    was_deferred: bool = False

    def ref_for(self, model: int) -> ImageRef | None:
        """Returns the photograph with the attempt of one model; None if that model need not score it."""
        attempt = self.attempts[model]
        return self.ref._replace(attempt=attempt) if attempt else None


class PackedChunk(NamedTuple):
    """A chunk on its way from the listing to a worker: names of one folder are alike, so they take a tenth.

    Attributes:
        number: Number of the chunk.
        tasks: Its tasks, pickled and compressed. They never leave the processes of the run, so that nobody else could
            have made them.
    """

    number: int
    tasks: bytes

    def unpacked(self) -> "Chunk":
        """Returns the chunk."""
        return Chunk(self.number, pickle.loads(zlib.decompress(self.tasks)))  # noqa: S301


@dataclass(frozen=True)
class Chunk:
    """Photographs that are scored and staged together.

    Attributes:
        number: Number of the chunk, which names its staged file.
        tasks: Photographs, duplicates included.
    """

    number: int
    tasks: tuple[Task, ...]

    def packed(self) -> "PackedChunk":
        """Returns the chunk in a form that takes little memory while it waits."""
        return PackedChunk(self.number, zlib.compress(pickle.dumps(self.tasks, pickle.HIGHEST_PROTOCOL), _FAST))

    def distinct(self) -> list[Task]:
        """Returns one task for each photograph, in an order that does not depend on the runner."""
        tasks = {task.ref: task for task in self.tasks}
        return [tasks[ref] for ref in distinct([task.ref for task in self.tasks])]

    def refs_for(self, model: int) -> list[ImageRef]:
        """Returns the photographs that one model has to score, each once, in the order of `distinct`."""
        return [ref for task in self.distinct() if (ref := task.ref_for(model))]

    def duplicates_for(self, model: int) -> int:
        """Returns how many tasks of one model repeat a photograph."""
        return sum(task.ref_for(model) is not None for task in self.tasks) - len(self.refs_for(model))
