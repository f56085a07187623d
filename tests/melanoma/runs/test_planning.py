"""A page of a listing becomes tasks and counts; a store that seems to have moved is refused at exact limits."""

import datetime
import random
from collections import Counter
from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.runs.attempts import FailedAttempt, PastAttempts
from melanoma.runs.digests import PackedDigests, adoption_key_of, name_digest
from melanoma.runs.ledger import Ledger
from melanoma.runs.planning import (
    LedgerCounts,
    ListingSummary,
    check_moved,
    empty_summary,
    plan_tasks,
    timed,
)
from melanoma.runs.run import Run
from melanoma.shards import Shard
from tests.helpers.planned_runs import adoption_keys, digest, ref, run_on

DAY = datetime.date(2026, 1, 2)


def ledger(
    done: list[ImageRef] | None = None,
    staged: list[ImageRef] | None = None,
    failed: dict[ImageRef, int] | None = None,
    deferred: list[ImageRef] | None = None,
) -> Ledger:
    """Returns a ledger in which the same photographs are done, staged, failed or deferred."""
    seen = [*(done or []), *(failed or {})]
    past = PastAttempts(
        done=PackedDigests(digest(photograph) for photograph in done or []),
        failed={digest(photograph): FailedAttempt(count, DAY) for photograph, count in (failed or {}).items()},
        uris=PackedDigests(digest_of(photograph.uri, "") for photograph in seen),
        names=PackedDigests(name_digest(photograph.uri, photograph.version) for photograph in seen),
    )
    return Ledger(past, map(adoption_key_of, staged or []), [digest(photograph) for photograph in deferred or []])


def test_each_photograph_is_looked_up_in_the_ledger_of_each_model() -> None:
    first = ledger(done=[ref("done by both"), ref("done by first")], failed={ref("failed"): 2})
    second = ledger(done=[ref("done by both")], staged=[ref("staged")], deferred=[ref("new"), ref("done by both")])
    refs = [ref(name) for name in ("done by both", "done by first", "failed", "staged", "new")]
    tasks, summary = plan_tasks([first, second], refs)
    assert [(task.ref.image_id, task.attempts, task.was_deferred) for task in tasks] == [
        ("done by first", (0, 1), False),
        ("failed", (3, 1), False),
        ("staged", (1, 0), False),
        ("new", (1, 1), True),
    ]
    assert (summary.listed, summary.tasks, summary.deferred) == (5, 4, 1)
    assert summary.by_model == (
        LedgerCounts(new=3, skipped=2, known=3),
        LedgerCounts(new=3, skipped=1, adopted=adoption_keys([ref("staged")]), known=1),
    )


def test_changed_and_moved_photographs_are_counted() -> None:
    known = ledger(done=[ref("a"), ref("b"), ref("c")])
    moved = ref("b")._replace(uri="s3://new/b.jpg")
    _, summary = plan_tasks([known], [ref("a", "v2"), moved, ref("c"), ref("d")])
    (counts,) = summary.by_model
    assert (counts.new, counts.skipped, counts.changed, counts.moved, counts.known) == (3, 1, 1, 1, 3)


def test_a_photograph_that_is_listed_twice_is_counted_twice() -> None:
    tasks, summary = plan_tasks([ledger(staged=[ref("s")])], [ref("a"), ref("a"), ref("s"), ref("s")])
    assert len(tasks) == 2 and summary.listed == 4
    assert summary.by_model[0].adopted == adoption_keys([ref("s")] * 2)


def test_an_empty_page_is_nothing() -> None:
    tasks, summary = plan_tasks([ledger(), ledger(done=[ref("a")])], [])
    assert tasks == [] and (summary.listed, summary.tasks) == (0, 0)
    assert [counts.known for counts in summary.by_model] == [0, 1]


@pytest.mark.parametrize("seed", range(4))
def test_pages_add_up_to_the_whole_listing_and_every_photograph_is_counted_once(seed: int) -> None:
    draw = random.Random(seed)
    refs = [ref(str(draw.randrange(300)), draw.choice(["v1", "v2"])) for _ in range(500)]
    done, staged, failed, deferred = ([ref(str(draw.randrange(300))) for _ in range(90)] for _ in range(4))
    ledgers = [ledger(done, staged, dict.fromkeys(failed, 1), deferred), ledger(staged=done)]
    tasks, whole = plan_tasks(ledgers, refs)
    found, of_pages = [], None
    for start in range(0, 500, 64):
        of_page, summary = plan_tasks(ledgers, refs[start : start + 64])
        found += of_page
        of_pages = summary if of_pages is None else of_pages + summary
    assert found == tasks and of_pages == whole
    for counts in whole.by_model:
        assert counts.new + counts.skipped + len(counts.adopted) == whole.listed == 500
    assert whole.tasks == len(tasks) and whole.deferred == sum(task.was_deferred for task in tasks)


def test_summaries_of_several_sources_add_up(tmp_path: Path) -> None:
    runs = [run_on(tmp_path), run_on(tmp_path, number=1)]
    first = timed(plan_tasks([ledger(), ledger()], [ref("a")])[1], 0.5, Counter({".txt": 2}))
    second = timed(plan_tasks([ledger(), ledger()], [ref("b"), ref("c")])[1], 0.25, Counter({".txt": 1, ".pdf": 1}))
    assert timed(first, 0.125, Counter()).seconds == 0.625
    total = sum([first, second], empty_summary(runs))
    assert (total.listed, total.tasks, total.seconds) == (3, 3, 0.75)
    assert total.ignored == {".txt": 3, ".pdf": 1}
    assert [counts.new for counts in total.by_model] == [3, 3]


def test_summaries_of_unlike_numbers_of_models_do_not_add_up(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        empty_summary([run_on(tmp_path)]) + empty_summary([])


def summary_of(**counts: int) -> ListingSummary:
    return ListingSummary((LedgerCounts(**counts),))  # type: ignore[arg-type]


def is_refused(run: Run, **counts: int) -> bool:
    try:
        assert check_moved(summary_of(**counts), [run]) == summary_of(**counts)
    except UsageError:
        return True
    return False


@pytest.mark.parametrize(
    ("changed", "skipped", "refused"),
    [
        (19, 0, False),  # fewer than twenty are never refused
        (20, 0, True),
        (20, 79, True),  # 20 of 99: more than a fifth
        (20, 80, False),  # 20 of 100: a fifth
        (21, 80, True),  # 21 of 101
        (200, 800, False),
        (201, 800, True),
        (0, 1000, False),
    ],
)
def test_changed_photographs_are_refused_from_twenty_and_a_fifth(
    tmp_path: Path, changed: int, skipped: int, refused: bool
) -> None:
    found = is_refused(run_on(tmp_path), changed=changed, skipped=skipped, new=changed, known=changed + skipped)
    assert found is refused


@pytest.mark.parametrize(
    ("moved", "skipped", "known", "refused"),
    [
        (19, 0, 19, False),
        (20, 0, 20, True),
        (20, 0, 99, True),
        (20, 0, 100, False),
        (21, 0, 100, True),
        (50, 79, 100, True),  # fewer than four fifths of the known are still there
        (50, 80, 100, False),  # copies beside originals
        (1000, 1000, 1000, False),
    ],
)
def test_moved_photographs_are_refused_unless_the_originals_are_still_there(
    tmp_path: Path, moved: int, skipped: int, known: int, refused: bool
) -> None:
    assert is_refused(run_on(tmp_path), moved=moved, skipped=skipped, new=moved, known=known) is refused


def test_whoever_rescores_has_decided(tmp_path: Path) -> None:
    assert not is_refused(run_on(tmp_path, rescore=True), changed=1000, moved=1000, known=1000)


def test_one_model_whose_store_has_moved_is_enough(tmp_path: Path) -> None:
    runs = [run_on(tmp_path, rescore=True), run_on(tmp_path, number=1)]
    moved = LedgerCounts(new=1234, changed=1234, known=2000)
    with pytest.raises(UsageError):
        check_moved(ListingSummary((LedgerCounts(), moved)), runs)
    check_moved(ListingSummary((moved, LedgerCounts())), runs)


def test_the_refusal_counts_and_says_what_can_be_done(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        check_moved(summary_of(changed=1234, skipped=766, known=2000), [run_on(tmp_path)])
    assert str(caught.value) == (
        "1,234 of 2,000 photographs that the table knows seem to have changed their version at once: has the store "
        "been moved or restored? If they lie elsewhere now, name with --uri-base the place under which the table knows "
        "them; else score all of them again with --rescore; nothing was read"
    )
    with pytest.raises(UsageError, match="seem to have moved to another place"):
        check_moved(summary_of(moved=1500, known=2000), [run_on(tmp_path)])


SHARDS = [Shard(number, 3) for number in (1, 2, 3)]


def test_shards_share_a_listing_and_each_accounts_for_all_of_it() -> None:
    known = ledger(done=[ref(f"done {n}") for n in range(30)], staged=[ref(f"staged {n}") for n in range(30)])
    refs = [ref(f"{kind} {number}") for kind in ("done", "staged", "new", "new") for number in range(30)]
    plans = [plan_tasks([known], refs, shard) for shard in SHARDS]
    counts = [summary.by_model[0] for _, summary in plans]
    assert sum(len(tasks) for tasks, _ in plans) == 60
    assert len({task.ref.uri for tasks, _ in plans for task in tasks}) == 30
    assert [sum(values) for values in zip(*((c.new, c.skipped, len(c.adopted)) for c in counts), strict=True)] == [
        *(60, 30, 30)
    ]
    for (tasks, summary), found in zip(plans, counts, strict=True):
        assert summary.listed == 120 == found.new + found.skipped + len(found.adopted) + found.other_shard
        assert len(tasks) == found.new and found.settled == 30
        assert found.other_waiting == found.other_shard - (30 - found.skipped)


def test_a_photograph_under_two_roots_or_overwritten_stays_in_its_shard() -> None:
    refs = [ref(str(number), version) for number in range(20) for version in ("v1", "v2", "v1")]
    for shard in SHARDS:
        tasks, _ = plan_tasks([ledger()], refs, shard)
        assert set(Counter(task.ref.uri for task in tasks).values()) == {3}


def test_a_store_that_moved_is_refused_by_every_shard_however_small(tmp_path: Path) -> None:
    known = ledger(done=[ref(str(number)) for number in range(40)])
    changed = [ref(str(number), "v2" if number < 20 else "v1") for number in range(40)]
    moved = [ref(str(number))._replace(uri=f"s3://new/{number}.jpg") for number in range(40)]
    for shard in (Shard(number, 8) for number in range(1, 9)):
        run = run_on(tmp_path, shard=shard)
        for refs, what in ((changed, "have changed their version"), (moved, "have moved")):
            with pytest.raises(UsageError, match=what):
                check_moved(plan_tasks([known], refs, shard)[1], [run])
        check_moved(plan_tasks([known], changed[19:], shard)[1], [run])
