"""Each photograph is new, done or staged, by where it lies and its version, whatever its digest looks like."""

import datetime
import hashlib
from dataclasses import replace
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest

from melanoma.errors import ErrorKind, PhotographError
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.loading import Loaded
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.runs import deferred, staging
from melanoma.runs.attempts import FailedAttempt, PastAttempts
from melanoma.runs.digests import adoption_key_of, digests_in
from melanoma.runs.ledger import Ledger, State, load_ledgers
from melanoma.runs.row_builder import RowBuilder
from melanoma.runs.run import Run, new_run
from melanoma.table.forgotten import Forgotten
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import layout_of, table_in

PROBABILITIES = (0.2, 0.5, 0.3)
NIGHT = datetime.date(2026, 1, 2)


def ref(name: str, version: str = "v1", attempt: int = 1) -> ImageRef:
    return ImageRef(f"file:///in/{name}.jpg", version, 10, name, (), attempt)


def digest(photograph: ImageRef) -> bytes:
    return digest_of(photograph.uri, photograph.version)


def ledger_of(done: list[ImageRef], staged: list[ImageRef] | None = None) -> Ledger:
    return ledger_of_digests(list(map(digest, done)), list(map(adoption_key_of, staged or [])))


def ledger_of_digests(done: list[bytes], staged: list[bytes] | None = None) -> Ledger:
    return Ledger(PastAttempts(done), staged or [])


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
    assert all(state(ledger, photograph) is State.DONE for photograph in mine)
    assert not any(state(ledger, photograph._replace(version="v2")) is State.DONE for photograph in mine)


def test_the_next_try_is_counted_from_the_last() -> None:
    ledger = Ledger(PastAttempts(failed={digest(ref("a")): FailedAttempt(3, NIGHT)}))
    assert attempt(ledger, ref("a")) == 4 and state(ledger, ref("a")) is State.NEW
    assert attempt(ledger, ref("a", "v2")) == 1


@pytest.fixture(scope="module")
def bundle(bundle_uri: str) -> Bundle:
    return load_bundle(bundle_uri)


def run_of(folder: Path, bundle: Bundle, night: int = 0) -> Run:
    version = table_in(folder).version
    return new_run(layout_of(folder), bundle, pa.schema([]), version, NIGHT + datetime.timedelta(days=night))


def rows(run: Run, bundle: Bundle, scored: list[ImageRef], failed: dict[ImageRef, ErrorKind] | None = None) -> pa.Table:
    builder = RowBuilder(run, bundle)
    if scored:
        import numpy as np

        from melanoma.model.decision import ModelOutput

        said = ModelOutput(np.array([PROBABILITIES] * len(scored), np.float32))
        builder.add_scored([Loaded(photograph) for photograph in scored], said)
    for photograph, kind in (failed or {}).items():
        builder.add_failed([Loaded(photograph, error=PhotographError(kind, "for a test"))])
    return builder.table()


def commit(run: Run, table: pa.Table) -> None:
    ScoreTable.at(run.layout, run.table_version).append(run.run_id, run.schema, iter(table.to_batches()))


def test_the_table_is_the_ledger(tmp_path: Path, bundle: Bundle) -> None:
    run = run_of(tmp_path, bundle)
    failed = {ref(kind.value): kind for kind in ErrorKind}
    commit(run, rows(run, bundle, [ref("scored")], failed))
    ledger = load_ledgers([run_of(tmp_path, bundle, night=1)])[0]
    assert state(ledger, ref("scored")) is State.DONE
    for photograph, kind in failed.items():
        assert state(ledger, photograph) is (State.NEW if kind.may_heal else State.DONE)
        assert attempt(ledger, photograph) == (2 if kind.may_heal else 1)


def test_what_healed_is_done_whatever_happened_before(tmp_path: Path, bundle: Bundle) -> None:
    for tries, kind in ((1, ErrorKind.TIMEOUT), (2, ErrorKind.MISSING)):
        run = run_of(tmp_path, bundle, night=tries)
        commit(run, rows(run, bundle, [], {ref("a", attempt=tries): kind}))
    assert attempt(load_ledgers([run_of(tmp_path, bundle, night=3)])[0], ref("a")) == 3
    run = run_of(tmp_path, bundle, night=3)
    commit(run, rows(run, bundle, [ref("a", attempt=3)]))
    assert state(load_ledgers([run_of(tmp_path, bundle, night=4)])[0], ref("a")) is State.DONE


def test_a_failure_that_may_heal_is_tried_for_three_nights_and_then_weekly(tmp_path: Path, bundle: Bundle) -> None:
    tried = []
    for night in range(30):
        run = run_of(tmp_path, bundle, night)
        if state(ledger := load_ledgers([run])[0], ref("a")) is State.NEW:
            tried.append(night)
            commit(run, rows(run, bundle, [], {ref("a", attempt=attempt(ledger, ref("a"))): ErrorKind.TIMEOUT}))
        assert state(load_ledgers([run_of(tmp_path, bundle, night)])[0], ref("a")) is State.DONE, "once a night"
    assert tried == [0, 1, 2, 3, 10, 17, 24]


def test_what_failed_is_tried_again_at_once_if_asked_for(tmp_path: Path, bundle: Bundle) -> None:
    run = run_of(tmp_path, bundle)
    commit(run, rows(run, bundle, [ref("a")], {ref("b"): ErrorKind.TIMEOUT, ref("c"): ErrorKind.TRUNCATED}))
    ledger = load_ledgers([replace(run_of(tmp_path, bundle), retry_failed=True)])[0]
    assert [state(ledger, ref(name)) for name in "abc"] == [State.DONE, State.NEW, State.NEW]
    assert [attempt(ledger, ref(name)) for name in "bc"] == [2, 2]


def test_a_run_that_rescores_takes_nothing_as_done_or_staged(tmp_path: Path, bundle: Bundle) -> None:
    killed = run_of(tmp_path, bundle)
    commit(killed, rows(killed, bundle, [ref("a")]))
    staging.write_chunk(killed, 0, rows(killed, bundle, [ref("b")]))
    ledger = load_ledgers([replace(run_of(tmp_path, bundle), rescore=True)])[0]
    assert [state(ledger, ref(name)) for name in "ab"] == [State.NEW, State.NEW]
    assert [attempt(ledger, ref(name)) for name in "ab"] == [2, 1]


def test_changed_and_moved_photographs_are_told_from_new_ones(tmp_path: Path, bundle: Bundle) -> None:
    run = run_of(tmp_path, bundle)
    failed = {ref("gone", ""): ErrorKind.MISSING, ref("slow"): ErrorKind.TIMEOUT}
    commit(run, rows(run, bundle, [ref("a"), ref("b")], failed))
    ledger = load_ledgers([run_of(tmp_path, bundle, night=1)])[0]
    asked = [ref("a"), ref("a", "v2"), ref("b")._replace(uri="s3://new/b.jpg"), ref("c"), ref("gone"), ref("slow")]
    found = [(verdict.is_changed, verdict.is_moved) for verdict in ledger.look_up(asked)]
    assert found == [(False, False), (True, False), (False, True), (False, False), (False, False), (False, False)]
    assert ledger.known == 3


def test_what_was_put_off_is_known_as_such_until_the_next_night(tmp_path: Path, bundle: Bundle) -> None:
    run = run_of(tmp_path, bundle)
    deferred.write(run, {digest(ref("a"))})
    found = load_ledgers([run_of(tmp_path, bundle)])[0].look_up([ref("a"), ref("b")])
    assert [verdict.was_deferred for verdict in found] == [True, False]
    deferred.write(run, ())
    assert deferred.read(run) == frozenset()


def test_a_forgotten_photograph_is_never_scored_again(tmp_path: Path, bundle: Bundle) -> None:
    Forgotten.add(layout_of(tmp_path), [ref("a").uri])
    Forgotten.add(layout_of(tmp_path), [ref("b").uri])
    ledger = load_ledgers([run_of(tmp_path, bundle)])[0]
    assert [state(ledger, ref(name, "v9")) for name in "abc"] == [State.DONE, State.DONE, State.NEW]
    assert b"a.jpg" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_ledger_is_of_one_model_and_of_the_version_planned_against(tmp_path: Path, bundle: Bundle) -> None:
    run = run_of(tmp_path, bundle)
    assert state(load_ledgers([run])[0], ref("a")) is State.NEW
    commit(run, rows(run, bundle, [ref("a")]))
    planned = run_of(tmp_path, bundle)
    commit(planned, rows(planned, bundle, [ref("b")]))
    assert [state(load_ledgers([planned])[0], ref(name)) for name in "ab"] == [State.DONE, State.NEW]
    assert [state(load_ledgers([run_of(tmp_path, bundle)])[0], ref(name)) for name in "ab"] == [State.DONE, State.DONE]
    other = replace(planned, model_id="m-000000000000")
    assert state(load_ledgers([other])[0], ref("a")) is State.NEW


def test_what_a_killed_run_staged_is_staged_to_the_next_one_and_not_to_itself(tmp_path: Path, bundle: Bundle) -> None:
    killed = run_of(tmp_path, bundle)
    staging.write_chunk(killed, 0, rows(killed, bundle, [ref("a")], {ref("b"): ErrorKind.TIMEOUT}))
    ledger = load_ledgers([run_of(tmp_path, bundle)])[0]
    assert [state(ledger, ref(name)) for name in "abc"] == [State.STAGED, State.NEW, State.NEW]
    assert state(load_ledgers([killed])[0], ref("a")) is State.NEW


def test_rows_have_the_digests_of_their_photographs(tmp_path: Path, bundle: Bundle) -> None:
    table = rows(run_of(tmp_path, bundle), bundle, [ref("a"), ref("Müller"), ref("c", "")])
    assert digests_in(table) == [digest(ref("a")), digest(ref("Müller")), digest(ref("c", ""))]
