"""Each photograph is new, done or staged, by where it lies and its version, whatever its digest looks like."""

import hashlib
import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from melanoma.errors import MAY_HEAL, OF_DECODER, ErrorKind
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.runs import deferred, staging
from melanoma.runs.attempts import FailedAttempt, PastAttempts
from melanoma.runs.digests import PackedDigests, adoption_key_of, name_digest
from melanoma.runs.ledger import Ledger, State, Verdict, load_ledgers
from melanoma.runs.retry_policy import next_try
from melanoma.table.forgotten import Forgotten
from tests.helpers.outputs import layout_of
from tests.helpers.planned_runs import FIRST_DAY, commit, digest, ref, rows_of, run_on


def ledger_of(done: list[ImageRef], staged: list[ImageRef] | None = None) -> Ledger:
    return ledger_of_digests(list(map(digest, done)), list(map(adoption_key_of, staged or [])))


def ledger_of_digests(done: list[bytes], staged: list[bytes] | None = None) -> Ledger:
    return Ledger(PastAttempts(PackedDigests(done)), staged or [])


def state(ledger: Ledger, photograph: ImageRef) -> State:
    return ledger.look_up([photograph])[0].state


def attempt(ledger: Ledger, photograph: ImageRef) -> int:
    return ledger.look_up([photograph])[0].attempt


def test_an_empty_ledger_knows_nothing() -> None:
    assert state(ledger_of([]), ref("a")) is State.NEW
    assert attempt(ledger_of([]), ref("a")) == 1


def test_a_photograph_is_known_by_uri_and_version_and_nothing_else() -> None:
    ledger = ledger_of([ref("a"), ref("b")], [ref("c")])
    assert state(ledger, ref("a")._replace(size=-1, image_id="other", kept=(1,), attempt=7)) is State.DONE
    assert state(ledger, ref("c")) is State.STAGED
    assert state(ledger, ref("c")._replace(size=-1, attempt=7)) is State.STAGED
    assert state(ledger, ref("c")._replace(image_id="other")) is State.NEW
    assert state(ledger, ref("c")._replace(kept=(None, 1))) is State.NEW
    assert state(ledger, ref("c")._replace(kept=(None, None))) is State.STAGED
    assert state(ledger, ref("a", "v2")) is State.NEW
    assert state(ledger, ref("a", "")) is State.NEW
    assert state(ledger, ref("d")) is State.NEW


def test_what_the_table_holds_counts_before_what_is_staged() -> None:
    assert state(ledger_of([ref("a")], [ref("a")]), ref("a")) is State.DONE


def test_digests_differ_wherever_uri_and_version_are_parted() -> None:
    pairs = [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("é", ""), ("e\u0301", "")]
    digests = {digest_of(uri, version) for uri, version in pairs}
    assert len(digests) == len(pairs) and {len(found) for found in digests} == {16}


@pytest.mark.parametrize("zeros", [1, 2])
def test_a_digest_that_ends_in_zero_bytes_is_found_and_not_mixed_up(zeros: int) -> None:
    """NumPy's byte strings drop the zero bytes at their end."""
    found = (ref(str(number)) for number in count())
    ending = next(photograph for photograph in found if digest(photograph).endswith(bytes(zeros)))
    others = [ref(f"other-{number}") for number in range(100)]
    assert state(ledger_of([*others, ending]), ending) is State.DONE
    assert state(ledger_of([ending]), ending) is State.DONE
    assert state(ledger_of(others), ending) is State.NEW
    assert state(ledger_of([], [ending]), ending) is State.STAGED
    assert all(state(ledger_of([ending]), other) is State.NEW for other in others)


def test_digests_that_are_nearly_alike_are_told_apart() -> None:
    """Digests that are equal but for their first or last byte, beside each other in the sorted array."""
    photograph = ref("a")
    whole = digest(photograph)
    nearly = [whole[:-1] + bytes([whole[-1] ^ bit]) for bit in (1, 2, 128)] + [bytes([whole[0] ^ 1]) + whole[1:]]
    assert state(ledger_of_digests(nearly), photograph) is State.NEW
    assert state(ledger_of_digests([*nearly, whole]), photograph) is State.DONE
    assert state(ledger_of_digests([bytes(16), b"\xff" * 16]), photograph) is State.NEW


def test_a_hundred_thousand_photographs_are_all_found_and_no_other_is() -> None:
    known = [hashlib.blake2b(f"{number}".encode(), digest_size=16).digest() for number in range(90_000)]
    mine = [ref(str(number)) for number in range(10_000)]
    ledger = ledger_of_digests([*known, *map(digest, mine), *map(digest, mine[:100])])
    assert {verdict.state for verdict in ledger.look_up(mine)} == {State.DONE}
    others = [photograph._replace(version="v2") for photograph in mine]
    assert {verdict.state for verdict in ledger.look_up(others)} == {State.NEW}


def test_the_next_attempt_is_counted_from_the_last() -> None:
    ledger = Ledger(PastAttempts(failed={digest(ref("a")): FailedAttempt(3, FIRST_DAY)}))
    assert attempt(ledger, ref("a")) == 4 and state(ledger, ref("a")) is State.NEW
    assert attempt(ledger, ref("a", "v2")) == 1


def expected(
    photograph: ImageRef, done: set[ImageRef], staged: set[ImageRef], failed: dict[ImageRef, int], late: set[ImageRef]
) -> Verdict:
    """Returns the verdict on a photograph by plain sets; photographs of another version are other photographs."""
    if photograph in done:
        return Verdict(State.DONE)
    if photograph in staged:
        return Verdict(State.STAGED)
    seen = [one for one in [*done, *failed] if one.version and one.image_id == photograph.image_id]
    is_known = any(one.uri == photograph.uri for one in seen)
    is_named = any(one.version == photograph.version for one in seen)
    attempts = failed.get(photograph, 0)
    is_changed = is_known and not attempts and photograph.version != ""
    return Verdict(State.NEW, attempts + 1, is_changed, is_named and not is_known, photograph in late)


@pytest.mark.parametrize("seed", range(3))
def test_every_verdict_is_that_of_plain_sets(seed: int) -> None:
    draw = random.Random(seed)

    def some(share: float, of: Iterable[ImageRef]) -> set[ImageRef]:
        return {photograph for photograph in of if draw.random() < share}

    folders, versions = ("file:///in", "s3://new"), ("", "v1", "v2")
    every = [
        ref(str(number), version)._replace(uri=f"{folder}/{number}.jpg")
        for number in range(60)
        for folder in folders
        for version in versions
    ]
    done, staged, late = some(0.1, every), some(0.1, every), some(0.2, every)
    failed = {photograph: draw.randrange(1, 5) for photograph in some(0.1, every) - done}
    seen = [photograph for photograph in [*done, *failed] if photograph.version]
    past = PastAttempts(
        done=PackedDigests(map(digest, done)),
        failed={digest(photograph): FailedAttempt(attempt, FIRST_DAY) for photograph, attempt in failed.items()},
        uris=PackedDigests(digest_of(photograph.uri, "") for photograph in seen),
        names=PackedDigests(name_digest(photograph.uri, photograph.version) for photograph in seen),
    )
    verdicts = Ledger(past, map(adoption_key_of, staged), list(map(digest, late))).look_up(every)
    assert verdicts == [expected(photograph, done, staged, failed, late) for photograph in every]
    assert {verdict.state for verdict in verdicts} == set(State)
    assert any(verdict.is_moved for verdict in verdicts) and any(verdict.is_changed for verdict in verdicts)


def test_thousands_of_photographs_are_told_apart_as_a_dictionary_does() -> None:
    draw = random.Random(0)
    refs = [ref(str(number), draw.choice("abc")) for number in range(20_000)]
    states = {photograph: draw.choice(list(State)) for photograph in refs}
    of_state = {state: [photograph for photograph in refs if states[photograph] is state] for state in State}
    ledger = ledger_of(of_state[State.DONE], of_state[State.STAGED])
    draw.shuffle(refs)
    assert [verdict.state for verdict in ledger.look_up(refs)] == [states[photograph] for photograph in refs]


@pytest.mark.parametrize("attempts", [1, 2, 3, 4, 9])
def test_a_failed_photograph_waits_until_the_day_of_its_retry(attempts: int) -> None:
    past = PastAttempts(failed={digest(ref("a")): FailedAttempt(attempts, FIRST_DAY)})
    due = next_try(attempts, FIRST_DAY)
    assert due > FIRST_DAY
    days = {0: State.NEW, 1: State.NEW, -1: State.DONE}
    for difference, wanted in days.items():
        today = due.fromordinal(due.toordinal() + difference)
        assert state(Ledger(past, today=today), ref("a")) is wanted
    assert state(Ledger(past), ref("a")) is State.NEW, "whatever the day"


def test_looking_up_nothing_finds_nothing() -> None:
    assert ledger_of([ref("a")], [ref("b")]).look_up([]) == []


def test_the_number_of_known_photographs_counts_each_once() -> None:
    uris = [digest_of(ref(name).uri, "") for name in "abcab"]
    assert Ledger(PastAttempts(uris=PackedDigests(uris))).known == 3 and Ledger(PastAttempts()).known == 0


def test_the_table_is_the_ledger(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    failed = {ref(kind.value): kind for kind in ErrorKind}
    commit(run, rows_of(run, [ref("scored")], failed))
    ledger = load_ledgers([run_on(tmp_path, day=1)])[0]
    assert state(ledger, ref("scored")) is State.DONE
    for photograph, kind in failed.items():
        assert state(ledger, photograph) is (State.NEW if kind in MAY_HEAL | OF_DECODER else State.DONE)
        assert attempt(ledger, photograph) == (2 if kind in MAY_HEAL | OF_DECODER else 1)


def test_what_healed_is_done_whatever_happened_before(tmp_path: Path) -> None:
    for attempts, kind in ((1, ErrorKind.TIMEOUT), (2, ErrorKind.MISSING)):
        run = run_on(tmp_path, day=attempts)
        commit(run, rows_of(run, [], {ref("a", attempt=attempts): kind}))
    assert attempt(load_ledgers([run_on(tmp_path, day=3)])[0], ref("a")) == 3
    run = run_on(tmp_path, day=3)
    commit(run, rows_of(run, [ref("a", attempt=3)]))
    assert state(load_ledgers([run_on(tmp_path, day=4)])[0], ref("a")) is State.DONE


def test_a_failure_that_may_heal_is_retried_on_three_days_and_then_weekly(tmp_path: Path) -> None:
    tried = []
    for day in range(30):
        run = run_on(tmp_path, day)
        if state(ledger := load_ledgers([run])[0], ref("a")) is State.NEW:
            tried.append(day)
            commit(run, rows_of(run, [], {ref("a", attempt=attempt(ledger, ref("a"))): ErrorKind.TIMEOUT}))
        assert state(load_ledgers([run_on(tmp_path, day)])[0], ref("a")) is State.DONE, "once a day"
    assert tried == [0, 1, 2, 3, 10, 17, 24]


def test_a_run_that_retries_failures_waits_for_no_date(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    commit(run, rows_of(run, [ref("a")], {ref("b"): ErrorKind.TIMEOUT, ref("c"): ErrorKind.TRUNCATED}))
    ledger = load_ledgers([replace(run_on(tmp_path), retry_failed=True)])[0]
    assert [state(ledger, ref(name)) for name in "abc"] == [State.DONE, State.NEW, State.NEW]
    assert [attempt(ledger, ref(name)) for name in "bc"] == [2, 2]


def test_a_run_that_rescores_takes_nothing_as_done_or_staged(tmp_path: Path) -> None:
    killed = run_on(tmp_path)
    commit(killed, rows_of(killed, [ref("a")]))
    staging.write_chunk(killed, 0, rows_of(killed, [ref("b")]))
    ledger = load_ledgers([replace(run_on(tmp_path), rescore=True)])[0]
    assert [state(ledger, ref(name)) for name in "ab"] == [State.NEW, State.NEW]
    assert [attempt(ledger, ref(name)) for name in "ab"] == [2, 1]


def test_changed_and_moved_photographs_are_told_from_new_ones(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    failed = {ref("gone", ""): ErrorKind.MISSING, ref("slow"): ErrorKind.TIMEOUT}
    commit(run, rows_of(run, [ref("a"), ref("b")], failed))
    ledger = load_ledgers([run_on(tmp_path, day=1)])[0]
    listed = [ref("a"), ref("a", "v2"), ref("b")._replace(uri="s3://new/b.jpg"), ref("c"), ref("gone"), ref("slow")]
    found = [(verdict.is_changed, verdict.is_moved) for verdict in ledger.look_up(listed)]
    assert found == [(False, False), (True, False), (False, True), (False, False), (False, False), (False, False)]
    assert ledger.known == 3


def test_a_deferred_photograph_is_known_as_such_until_the_next_run(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    deferred.write(run, {digest(ref("a"))})
    found = load_ledgers([run_on(tmp_path)])[0].look_up([ref("a"), ref("b")])
    assert [verdict.was_deferred for verdict in found] == [True, False]
    deferred.write(run, ())
    assert not list(deferred.read(run))


def test_a_forgotten_photograph_is_never_scored_again(tmp_path: Path) -> None:
    Forgotten.add(layout_of(tmp_path), [ref("a").uri])
    Forgotten.add(layout_of(tmp_path), [ref("b").uri])
    ledger = load_ledgers([run_on(tmp_path)])[0]
    assert [state(ledger, ref(name, "v9")) for name in "abc"] == [State.DONE, State.DONE, State.NEW]
    assert b"a.jpg" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_ledger_is_of_one_model_and_of_the_version_planned_against(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    assert state(load_ledgers([run])[0], ref("a")) is State.NEW
    commit(run, rows_of(run, [ref("a")]))
    planned = run_on(tmp_path)
    commit(planned, rows_of(planned, [ref("b")]))
    assert [state(load_ledgers([planned])[0], ref(name)) for name in "ab"] == [State.DONE, State.NEW]
    assert [state(load_ledgers([run_on(tmp_path)])[0], ref(name)) for name in "ab"] == [State.DONE, State.DONE]
    other = replace(planned, model_id="m-000000000000")
    assert state(load_ledgers([other])[0], ref("a")) is State.NEW


def test_what_a_killed_run_staged_is_staged_to_the_next_one_and_not_to_itself(tmp_path: Path) -> None:
    killed = run_on(tmp_path)
    staging.write_chunk(killed, 0, rows_of(killed, [ref("a")], {ref("b"): ErrorKind.TIMEOUT}))
    ledger = load_ledgers([run_on(tmp_path, number=1)])[0]
    assert [state(ledger, ref(name)) for name in "abc"] == [State.STAGED, State.NEW, State.NEW]
    assert state(load_ledgers([killed])[0], ref("a")) is State.NEW
