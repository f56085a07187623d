"""What a run deferred is remembered until the next run of the same kind; losing it costs an order and no more."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from melanoma.runs import deferred
from melanoma.runs.digests import PackedDigests
from melanoma.runs.run import Run
from melanoma.shards import Shard
from tests.helpers import ROOT
from tests.helpers.planned_runs import digest, ref, run_on

EARLIER = ROOT / "tests" / "data" / "version-0.1" / "table" / "_staging" / "2f6fa7b09aa21b77" / "leftovers"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_on(tmp_path / "out")


def known_by(read: Callable[[Run], PackedDigests], run: Run) -> frozenset[bytes]:
    return frozenset(read(run))


def file_of(run: Run) -> Path:
    return Path(run.layout.deferred(run.fingerprint).removeprefix("file://"))


@pytest.mark.parametrize("count", [1, 2, 17, 1000])
def test_digests_come_back_whatever_bytes_they_hold(run: Run, count: int) -> None:
    draw = random.Random(count)
    digests = {draw.randbytes(16) for _ in range(count)} | {bytes(16), b"\n" * 16, b"\xff" * 16}
    deferred.write(run, digests)
    assert known_by(deferred.read, run) == digests
    assert file_of(run).stat().st_size == 16 * len(digests)


def test_the_file_does_not_depend_on_the_order(run: Run) -> None:
    digests = [digest(ref(str(number))) for number in range(50)]
    deferred.write(run, digests)
    before = file_of(run).read_bytes()
    deferred.write(run, digests[::-1])
    assert file_of(run).read_bytes() == before == b"".join(sorted(digests))


def test_nothing_is_remembered_at_first(run: Run) -> None:
    assert known_by(deferred.read, run) == frozenset()
    deferred.write(run, ())
    assert not file_of(run).exists()


def test_the_next_run_replaces_what_was_deferred(run: Run) -> None:
    deferred.write(run, {digest(ref("a"))})
    deferred.write(run, {digest(ref("b"))})
    assert known_by(deferred.read, run) == {digest(ref("b"))}
    deferred.write(run, set())
    assert known_by(deferred.read, run) == frozenset() and not file_of(run).exists()


def test_another_run_of_the_same_kind_knows_it_and_another_model_does_not(tmp_path: Path, run: Run) -> None:
    deferred.write(run, {digest(ref("a"))})
    assert known_by(deferred.read, run_on(tmp_path / "out", day=3)) == {digest(ref("a"))}
    assert known_by(deferred.read, run_on(tmp_path / "out", fingerprint="0" * 16)) == frozenset()


def test_a_file_that_was_cut_off_tells_what_is_whole(run: Run) -> None:
    deferred.write(run, {digest(ref("a")), digest(ref("b"))})
    file_of(run).write_bytes(file_of(run).read_bytes()[:-1])
    assert digest(min(ref("a"), ref("b"), key=digest)) in known_by(deferred.read, run)


def test_a_store_that_refuses_ends_no_run(tmp_path: Path, run: Run) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "_staging").write_text("a file where the folder should be")
    deferred.write(run, {digest(ref("a"))})
    assert known_by(deferred.read, run) == frozenset()


def test_the_file_of_an_earlier_version_is_read(run: Run) -> None:
    file_of(run).parent.mkdir(parents=True)
    file_of(run).write_bytes(EARLIER.read_bytes())
    found = known_by(deferred.read, run)
    assert len(found) == 3 and {len(name) for name in found} == {16}
    deferred.write(run, found)
    assert file_of(run).read_bytes() == EARLIER.read_bytes()


def test_what_the_runs_of_all_models_deferred_can_be_read_without_them(tmp_path: Path) -> None:
    one, other = run_on(tmp_path), run_on(tmp_path, fingerprint="e" * 16)
    assert deferred.read_all(one.layout) == frozenset()
    deferred.write(one, {b"1" * 16, b"2" * 16})
    deferred.write(other, {b"2" * 16, b"3" * 16})
    assert deferred.read_all(one.layout) == {b"1" * 16, b"2" * 16, b"3" * 16}


def test_each_shard_replaces_its_own_and_a_run_of_all_photographs_replaces_all(tmp_path: Path, run: Run) -> None:
    first, second = (run_on(tmp_path / "out", shard=Shard(number, 2)) for number in (1, 2))
    a, b, c, d = ({digest(ref(name))} for name in "abcd")
    for one, digests in ((run, a), (first, b), (second, c)):
        deferred.write(one, digests)
    assert (
        known_by(deferred.read, run) == known_by(deferred.read, first) == known_by(deferred.read_own, run) == a | b | c
    )
    assert (known_by(deferred.read_own, first), known_by(deferred.read_own, second)) == (b, c)
    deferred.write(second, ())
    assert known_by(deferred.read, first) == deferred.read_all(run.layout) == a | b
    deferred.write(run, d)
    assert known_by(deferred.read, first) == d and known_by(deferred.read_own, first) == frozenset()
