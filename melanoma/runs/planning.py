"""What a run has to do: every listed photograph is looked up in the ledger of every model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from melanoma.errors import UsageError
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.tasks import Task
from melanoma.runs.digests import ADOPTION_KEY_BYTES, PackedDigests, adoption_key_of
from melanoma.runs.ledger import Ledger, State, Verdict
from melanoma.runs.run import Run
from melanoma.runs.timeline import Timeline, merged
from melanoma.shards import Shard

_MOVED_SHARE, _FEW_MOVED = 0.2, 20


@dataclass(frozen=True)
class LedgerCounts:
    """What one model's ledger knows of listed photographs.

    Attributes:
        new: Number to be scored.
        skipped: Number that need no further attempt.
        adopted: Adoption keys of those that a killed run has staged, once a listing.
        changed: Number of new ones whose URI the table knows with another version.
        moved: Number of new ones whose name and version the table knows under another URI.
        known: Number of URIs that the table knows.
        other_shard: Number that are left to runs of other shards. They count among `changed` and `moved`, since a
            store moves as a whole, and among nothing else.
        other_waiting: Number of these that the table does not hold yet.
    """

    new: int = 0
    skipped: int = 0
    adopted: PackedDigests = field(default_factory=lambda: PackedDigests(size=ADOPTION_KEY_BYTES))
    changed: int = 0
    moved: int = 0
    known: int = 0
    other_shard: int = 0
    other_waiting: int = 0

    @property
    def settled(self) -> int:
        """Number that need no further attempt, in whatever shard."""
        return self.skipped + self.other_shard - self.other_waiting

    def __add__(self, other: "LedgerCounts") -> "LedgerCounts":
        """Adds the counts of other photographs in the same ledger."""
        return LedgerCounts(
            new=self.new + other.new,
            skipped=self.skipped + other.skipped,
            adopted=self.adopted + other.adopted,
            changed=self.changed + other.changed,
            moved=self.moved + other.moved,
            known=max(self.known, other.known),
            other_shard=self.other_shard + other.other_shard,
            other_waiting=self.other_waiting + other.other_waiting,
        )


@dataclass(frozen=True)
class ListingSummary:
    """What a listing amounts to, before any photograph is read.

    Attributes:
        by_model: Counts of each model.
        listed: Number of photographs, duplicates included.
        tasks: Number of these that at least one model has to score.
        deferred: Number of these tasks that an earlier run deferred.
        ignored: Number of files that are not photographs, by extension.
        seconds: Duration of listing and looking up.
        timeline: When that was; None if the run is not profiled.
    """

    by_model: tuple[LedgerCounts, ...]
    listed: int = 0
    tasks: int = 0
    deferred: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    timeline: Timeline | None = None

    def __add__(self, other: "ListingSummary") -> "ListingSummary":
        """Adds the summary of another listing."""
        return ListingSummary(
            by_model=tuple(mine + theirs for mine, theirs in zip(self.by_model, other.by_model, strict=True)),
            listed=self.listed + other.listed,
            tasks=self.tasks + other.tasks,
            deferred=self.deferred + other.deferred,
            ignored=self.ignored + other.ignored,
            seconds=self.seconds + other.seconds,
            timeline=merged([self.timeline, other.timeline]),
        )


def plan_tasks(
    ledgers: Sequence[Ledger], refs: Sequence[ImageRef], shard: Shard | None = None
) -> tuple[list[Task], ListingSummary]:
    """Looks up a page of a listing in the ledgers.

    Args:
        ledgers: One a model.
        refs: Photographs.
        shard: The share of them that is to be scored; None for all of them.

    Returns:
        What has to be scored, and the summary of the page.
    """
    verdicts_by_model = [ledger.look_up(refs) for ledger in ledgers]
    tasks, is_mine = [], [shard is None or shard.has(digest_of(ref.uri, "")) for ref in refs]
    for ref, mine, *verdicts in zip(refs, is_mine, *verdicts_by_model, strict=True):
        if not mine:
            continue
        attempts = tuple(verdict.attempt if verdict.state is State.NEW else 0 for verdict in verdicts)
        if any(attempts):
            tasks.append(Task(ref, attempts, any(verdict.was_deferred for verdict in verdicts)))
    by_model = [
        _counts(ledger, list(zip(refs, verdicts, is_mine, strict=True)))
        for ledger, verdicts in zip(ledgers, verdicts_by_model, strict=True)
    ]
    return tasks, ListingSummary(tuple(by_model), len(refs), len(tasks), sum(task.was_deferred for task in tasks))


def _counts(ledger: Ledger, found: Sequence[tuple[ImageRef, Verdict, bool]]) -> LedgerCounts:
    """Counts what a ledger said of photographs, each with whether it belongs to the run's shard."""
    states = Counter(verdict.state for _, verdict, mine in found if mine)
    staged = (adoption_key_of(ref) for ref, verdict, mine in found if mine and verdict.state is State.STAGED)
    others = [verdict.state for _, verdict, mine in found if not mine]
    return LedgerCounts(
        new=states[State.NEW],
        skipped=states[State.DONE],
        adopted=PackedDigests(staged, ADOPTION_KEY_BYTES),
        changed=sum(verdict.is_changed for _, verdict, _ in found),
        moved=sum(verdict.is_moved for _, verdict, _ in found),
        known=ledger.known,
        other_shard=len(others),
        other_waiting=len(others) - others.count(State.DONE),
    )


def check_moved(summary: ListingSummary, runs: Sequence[Run]) -> ListingSummary:
    """Refuses a store that seems to have moved: scoring everything again should be somebody's decision.

    Returns:
        The summary.

    Raises:
        UsageError: More than a fifth of the known photographs have another version, or lie elsewhere.
    """
    for run, counts in zip(runs, summary.by_model, strict=True):
        if run.rescore:
            continue
        seen = counts.changed + counts.settled
        # Copies beside originals that are still there are not a move.
        moved = counts.moved if seen < counts.known * (1 - _MOVED_SHARE) else 0
        _refuse(counts.changed, seen, "have changed their version at once")
        _refuse(moved, counts.known, "have moved to another place")
    return summary


def _refuse(count: int, of: int, what: str) -> None:
    if count >= _FEW_MOVED and count > _MOVED_SHARE * of:
        raise UsageError(
            f"{count:,} of {of:,} photographs that the table knows seem to {what}: has the store been moved or "
            "restored? If they lie elsewhere now, name with --uri-base the place under which the table knows them; "
            "else score all of them again with --rescore; nothing was read"
        )


def empty_summary(runs: Sequence[Run]) -> ListingSummary:
    """Returns the summary of an empty listing."""
    return ListingSummary(tuple(LedgerCounts() for _ in runs))


def timed(summary: ListingSummary, seconds: float, ignored: Counter[str], run: Run | None = None) -> ListingSummary:
    """Adds to a summary how long the listing took, which has just ended, and which files it ignored.

    Args:
        summary: Summary of the listing.
        seconds: Duration of listing and looking up.
        ignored: Number of files that are not photographs, by extension.
        run: The run, which may be profiled; None for no run.
    """
    return replace(
        summary,
        seconds=summary.seconds + seconds,
        ignored=summary.ignored + ignored,
        timeline=merged([summary.timeline, None if run is None else run.worked("list", seconds)]),
    )
