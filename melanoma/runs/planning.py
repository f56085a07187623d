"""What a night has to do: every listed photograph is put to the ledger of every model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from melanoma.errors import UsageError
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import Task
from melanoma.runs.ledger import Ledger, State, Verdict, adoption_key_of
from melanoma.runs.run import Run

_MOVED_SHARE, _FEW_MOVED = 0.2, 20


@dataclass(frozen=True)
class LedgerCounts:
    """What one model's ledger said of listed photographs.

    Attributes:
        new: To be scored.
        skipped: Need no further try.
        adopted: Claims of those that a killed run has staged, once a listing.
        changed: New ones whose URI the table knows with another version.
        moved: New ones whose name and version the table knows under another URI.
        known: URIs that the table knows.
    """

    new: int = 0
    skipped: int = 0
    adopted: tuple[bytes, ...] = ()
    changed: int = 0
    moved: int = 0
    known: int = 0

    def __add__(self, other: "LedgerCounts") -> "LedgerCounts":
        """Adds what the same ledger said of other photographs."""
        return LedgerCounts(
            self.new + other.new,
            self.skipped + other.skipped,
            self.adopted + other.adopted,
            self.changed + other.changed,
            self.moved + other.moved,
            max(self.known, other.known),
        )


@dataclass(frozen=True)
class ListingSummary:
    """What a listing found, before any photograph is read.

    Attributes:
        by_model: Counts of each model.
        listed: Photographs, duplicates included.
        tasks: Of these, what at least one model has to score.
        deferred: Of these, deferred by an earlier run.
        ignored: Files that are no photographs, by extension.
        seconds: Of listing and asking.
    """

    by_model: tuple[LedgerCounts, ...]
    listed: int = 0
    tasks: int = 0
    deferred: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def __add__(self, other: "ListingSummary") -> "ListingSummary":
        """Adds what was found elsewhere."""
        return ListingSummary(
            tuple(mine + theirs for mine, theirs in zip(self.by_model, other.by_model, strict=True)),
            self.listed + other.listed,
            self.tasks + other.tasks,
            self.deferred + other.deferred,
            self.ignored + other.ignored,
            self.seconds + other.seconds,
        )


def plan_tasks(ledgers: Sequence[Ledger], refs: Sequence[ImageRef]) -> tuple[list[Task], ListingSummary]:
    """Puts a page of a listing to the ledgers.

    Args:
        ledgers: Of each model of the night.
        refs: Photographs.

    Returns:
        What has to be scored, and the figures of the page.
    """
    looked_up = [ledger.look_up(refs) for ledger in ledgers]
    tasks = []
    for ref, *verdicts in zip(refs, *looked_up, strict=True):
        attempts = tuple(verdict.attempt if verdict.state is State.NEW else 0 for verdict in verdicts)
        if any(attempts):
            tasks.append(Task(ref, attempts, any(verdict.was_deferred for verdict in verdicts)))
    answers = [_sum_up(ledger, refs, verdicts) for ledger, verdicts in zip(ledgers, looked_up, strict=True)]
    return tasks, ListingSummary(tuple(answers), len(refs), len(tasks), sum(task.was_deferred for task in tasks))


def _sum_up(ledger: Ledger, refs: Sequence[ImageRef], verdicts: Sequence[Verdict]) -> LedgerCounts:
    states = Counter(verdict.state for verdict in verdicts)
    adopted = tuple(
        adoption_key_of(ref) for ref, verdict in zip(refs, verdicts, strict=True) if verdict.state is State.STAGED
    )
    changed, moved = sum(verdict.is_changed for verdict in verdicts), sum(verdict.is_moved for verdict in verdicts)
    return LedgerCounts(states[State.NEW], states[State.DONE], adopted, changed, moved, ledger.known)


def check_moved(found: ListingSummary, runs: Sequence[Run]) -> ListingSummary:
    """Refuses a store that seems to have moved: scoring it again should be somebody's decision.

    Raises:
        UsageError: More than a fifth of the known photographs have another version, or lie elsewhere.
    """
    for run, answers in zip(runs, found.by_model, strict=True):
        if run.rescore:
            continue
        seen = answers.changed + answers.skipped
        for count, of, happened in (
            (answers.changed, seen, "changed their version at once"),
            # Copies beside originals that are still there are no move.
            (answers.moved if seen < answers.known * (1 - _MOVED_SHARE) else 0, answers.known, "gone to another place"),
        ):
            if count >= _FEW_MOVED and count > _MOVED_SHARE * of:
                raise UsageError(
                    f"{count:,} of {of:,} photographs that the table knows seem to have {happened}: has the store been "
                    "moved or restored? Score them again with --rescore, or name with --uri-base the place under which "
                    "the table knows them; nothing was read"
                )
    return found


def empty_summary(runs: Sequence[Run]) -> ListingSummary:
    """Gives the figures of an empty listing."""
    return ListingSummary(tuple(LedgerCounts() for _ in runs))


def timed(found: ListingSummary, seconds: float, ignored: Counter[str]) -> ListingSummary:
    """Adds to the figures of a listing what it took and what it left out."""
    return replace(found, seconds=found.seconds + seconds, ignored=found.ignored + ignored)
