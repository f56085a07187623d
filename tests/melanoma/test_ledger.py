"""Each photograph is new, done or staged, by where it lies and its version, whatever its digest looks like."""

import datetime
import hashlib
from dataclasses import replace
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest

from melanoma import scores, staging
from melanoma.bundle import Bundle, load_bundle
from melanoma.errors import ErrorKind, PhotographError
from melanoma.inputs import ImageRef, digest_of
from melanoma.ledger import Ledger, State, digests_in, load_ledger
from melanoma.loading import Loaded
from melanoma.runs import Run, new_run
from melanoma.staging import RowBuilder

PROBABILITIES = (0.2, 0.5, 0.3)


def ref(name: str, version: str = "v1", attempt: int = 1) -> ImageRef:
    return ImageRef(f"file:///in/{name}.jpg", version, 10, name, (), attempt)


def digest(photograph: ImageRef) -> bytes:
    return digest_of(photograph.uri, photograph.version)


def ledger_of(done: list[ImageRef], staged: list[ImageRef] | None = None) -> Ledger:
    return Ledger(map(digest, done), map(digest, staged or []), {})


def test_an_empty_ledger_knows_nothing() -> None:
    assert ledger_of([]).state(ref("a")) is State.NEW
    assert ledger_of([]).attempt(ref("a")) == 1


def test_a_photograph_is_known_by_uri_and_version_and_nothing_else() -> None:
    ledger = ledger_of([ref("a"), ref("b")], [ref("c")])
    assert ledger.state(ref("a")._replace(size=-1, image_id="other", kept=(1,), attempt=7)) is State.DONE
    assert ledger.state(ref("c")) is State.STAGED
    assert ledger.state(ref("a", "v2")) is State.NEW
    assert ledger.state(ref("a", "")) is State.NEW
    assert ledger.state(ref("d")) is State.NEW


def test_what_the_table_holds_counts_before_what_is_staged() -> None:
    assert ledger_of([ref("a")], [ref("a")]).state(ref("a")) is State.DONE


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
    assert ledger_of([*others, ending]).state(ending) is State.DONE
    assert ledger_of([ending]).state(ending) is State.DONE
    assert ledger_of(others).state(ending) is State.NEW
    assert ledger_of([], [ending]).state(ending) is State.STAGED
    assert all(ledger_of([ending]).state(other) is State.NEW for other in others)


def test_digests_that_are_nearly_alike_are_told_apart() -> None:
    """Digests that are equal but for their first or last byte, beside each other in the sorted array."""
    photograph = ref("a")
    whole = digest(photograph)
    nearly = [whole[:-1] + bytes([whole[-1] ^ bit]) for bit in (1, 2, 128)] + [bytes([whole[0] ^ 1]) + whole[1:]]
    assert Ledger(nearly, [], {}).state(photograph) is State.NEW
    assert Ledger([*nearly, whole], [], {}).state(photograph) is State.DONE
    assert Ledger([bytes(16), b"\xff" * 16], [], {}).state(photograph) is State.NEW


def test_a_hundred_thousand_photographs_are_all_found_and_no_other_is() -> None:
    known = [hashlib.blake2b(f"{number}".encode(), digest_size=16).digest() for number in range(90_000)]
    mine = [ref(str(number)) for number in range(10_000)]
    ledger = Ledger([*known, *map(digest, mine), *map(digest, mine[:100])], [], {})
    assert all(ledger.state(photograph) is State.DONE for photograph in mine)
    assert not any(ledger.state(photograph._replace(version="v2")) is State.DONE for photograph in mine)


def test_the_next_try_is_counted_from_the_last() -> None:
    ledger = Ledger([], [], {digest(ref("a")): 3})
    assert ledger.attempt(ref("a")) == 4 and ledger.state(ref("a")) is State.NEW
    assert ledger.attempt(ref("a", "v2")) == 1


@pytest.fixture(scope="module")
def bundle(bundle_uri: str) -> Bundle:
    return load_bundle(bundle_uri)


def run_of(folder: Path, bundle: Bundle) -> Run:
    version = scores.table_version(str(folder))
    return new_run(str(folder), bundle, pa.schema([]), version, datetime.date(2026, 1, 2))


def rows(run: Run, bundle: Bundle, scored: list[ImageRef], failed: dict[ImageRef, ErrorKind] | None = None) -> pa.Table:
    builder = RowBuilder(run, bundle)
    if scored:
        import numpy as np

        from melanoma.decision import Scores

        said = Scores(np.array([PROBABILITIES] * len(scored), np.float32))
        builder.add_scored([Loaded(photograph) for photograph in scored], said)
    for photograph, kind in (failed or {}).items():
        builder.add_failed([Loaded(photograph, error=PhotographError(kind, "for a test"))])
    return builder.table()


def commit(run: Run, table: pa.Table) -> None:
    scores.append(run.output, run.table_version, run.run_id, run.schema, iter(table.to_batches()))


def test_the_table_is_the_ledger(tmp_path: Path, bundle: Bundle) -> None:
    run = run_of(tmp_path, bundle)
    failed = {ref(kind.value): kind for kind in ErrorKind}
    commit(run, rows(run, bundle, [ref("scored")], failed))
    ledger = load_ledger(run_of(tmp_path, bundle))
    assert ledger.state(ref("scored")) is State.DONE
    for photograph, kind in failed.items():
        assert ledger.state(photograph) is (State.NEW if kind.may_heal else State.DONE)
        assert ledger.attempt(photograph) == (2 if kind.may_heal else 1)


def test_what_healed_is_done_whatever_happened_before(tmp_path: Path, bundle: Bundle) -> None:
    for attempt, kind in ((1, ErrorKind.TIMEOUT), (2, ErrorKind.MISSING)):
        run = run_of(tmp_path, bundle)
        commit(run, rows(run, bundle, [], {ref("a", attempt=attempt): kind}))
    assert load_ledger(run_of(tmp_path, bundle)).attempt(ref("a")) == 3
    run = run_of(tmp_path, bundle)
    commit(run, rows(run, bundle, [ref("a", attempt=3)]))
    assert load_ledger(run_of(tmp_path, bundle)).state(ref("a")) is State.DONE


def test_a_ledger_is_of_one_model_and_of_the_version_planned_against(tmp_path: Path, bundle: Bundle) -> None:
    run = run_of(tmp_path, bundle)
    assert load_ledger(run).state(ref("a")) is State.NEW
    commit(run, rows(run, bundle, [ref("a")]))
    planned = run_of(tmp_path, bundle)
    commit(planned, rows(planned, bundle, [ref("b")]))
    assert [load_ledger(planned).state(ref(name)) for name in "ab"] == [State.DONE, State.NEW]
    assert [load_ledger(run_of(tmp_path, bundle)).state(ref(name)) for name in "ab"] == [State.DONE, State.DONE]
    other = replace(planned, model_id="m-000000000000")
    assert load_ledger(other).state(ref("a")) is State.NEW


def test_what_a_killed_run_staged_is_staged_to_the_next_one_and_not_to_itself(tmp_path: Path, bundle: Bundle) -> None:
    killed = run_of(tmp_path, bundle)
    staging.write_chunk(killed, 0, rows(killed, bundle, [ref("a")], {ref("b"): ErrorKind.TIMEOUT}))
    ledger = load_ledger(run_of(tmp_path, bundle))
    assert [ledger.state(ref(name)) for name in "abc"] == [State.STAGED, State.NEW, State.NEW]
    assert load_ledger(killed).state(ref("a")) is State.NEW


def test_rows_have_the_digests_of_their_photographs(tmp_path: Path, bundle: Bundle) -> None:
    table = rows(run_of(tmp_path, bundle), bundle, [ref("a"), ref("Müller"), ref("c", "")])
    assert digests_in(table) == [digest(ref("a")), digest(ref("Müller")), digest(ref("c", ""))]
