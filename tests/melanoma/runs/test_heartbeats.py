"""Of several that start on one output one goes on; what has died holds nobody up."""

import datetime
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import NoCredentialsError
from fsspec.implementations.local import LocalFileSystem

from melanoma.errors import NothingCommittedError, UsageError
from melanoma.runs import heartbeats
from melanoma.runs.heartbeat import Heartbeat
from melanoma.runs.records import COMMITTED, Counts, RunRecord, write_record
from melanoma.shards import Shard
from melanoma.storage import filesystems
from tests.helpers import refusing
from tests.helpers.outputs import layout_of

EARLY, MIDDLE, LATE = (f"2026010{day}T010000Z-00000000" for day in (1, 2, 3))


def leave(output: Path, run_id: str, **changes: object) -> Path:
    """Leaves the heartbeat of another run of this process, changed, and returns its file."""
    path = output / "_active" / f"{run_id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(replace(Heartbeat.now(run_id), **changes).to_json())  # type: ignore[arg-type]
    return path


def ago(minutes: float) -> str:
    return (datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=minutes)).isoformat()


def ids(beats: list[Heartbeat]) -> list[str]:
    return [beat.run_id for beat in beats]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits a moment only for others to give way."""
    monkeypatch.setattr(heartbeats, "_YIELD_SECONDS", 0.1)


def test_without_an_output_nothing_is_active(tmp_path: Path) -> None:
    layout = layout_of(tmp_path / "nothing")
    assert heartbeats.active(layout) == heartbeats.stale(layout) == []
    heartbeats.refuse_if_active(layout)


def test_active_and_stale_are_told_apart_and_the_first_comes_first(tmp_path: Path) -> None:
    leave(tmp_path, LATE)
    leave(tmp_path, EARLY)
    leave(tmp_path, MIDDLE, host="elsewhere", seen=ago(10.1))
    leave(tmp_path, "20251231T010000Z-compact", pid=2**22 - 1)
    layout = layout_of(tmp_path)
    assert ids(heartbeats.active(layout)) == [EARLY, LATE]
    assert ids(heartbeats.stale(layout)) == ["20251231T010000Z-compact", MIDDLE]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[]", b'{"run_id": 1, "seen": "x", "host": 1, "pid": 1}'])
def test_another_file_is_not_a_heartbeat(tmp_path: Path, content: bytes) -> None:
    leave(tmp_path, MIDDLE)
    (tmp_path / "_active" / "x.json").write_bytes(content)
    assert ids(heartbeats.active(layout_of(tmp_path))) == [MIDDLE]
    assert heartbeats.stale(layout_of(tmp_path)) == []


@pytest.mark.parametrize(
    "run_id", ["../../victims/precious", "..", "20260102T010000Z-a/../../victims/precious", "", "x\n", "\u0665", LATE]
)
def test_a_heartbeat_under_another_name_than_its_id_is_ignored(tmp_path: Path, run_id: str) -> None:
    """What is done about a heartbeat is done to the file of its id, so a foreign id must not choose the file."""
    victim = tmp_path / "victims" / "precious.json"
    victim.mkdir(parents=True)
    other = leave(tmp_path / "out", MIDDLE)
    other.write_bytes(replace(Heartbeat.now(run_id), host="elsewhere", seen=ago(60)).to_json())
    layout = layout_of(tmp_path / "out")
    with heartbeats.beating(layout, EARLY):
        assert heartbeats.stale(layout) == [] and ids(heartbeats.active(layout)) == [EARLY]
    assert victim.is_dir() and other.exists()


@pytest.mark.parametrize("kind", ["deep", "large", "link", "pipe", "folder"])
def test_what_is_no_small_regular_file_is_not_a_heartbeat(tmp_path: Path, kind: str) -> None:
    there = leave(tmp_path / "elsewhere", EARLY)
    path = tmp_path / "out" / "_active" / f"{EARLY}.json"
    path.parent.mkdir(parents=True)
    if kind == "link":
        path.symlink_to(there)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"[" * 9_000 if kind == "deep" else there.read_bytes() + b" " * 20_000)
    assert heartbeats.active(layout_of(tmp_path / "out")) == heartbeats.stale(layout_of(tmp_path / "out")) == []


def test_a_heartbeat_from_the_future_holds_nobody(tmp_path: Path) -> None:
    leave(tmp_path, EARLY, host="elsewhere", seen=ago(-2 * 24 * 60))
    leave(tmp_path, MIDDLE, host="elsewhere", seen="9998-12-31T23:59:59+00:00")
    leave(tmp_path, LATE, host="elsewhere", seen=ago(-5))
    assert ids(heartbeats.active(layout_of(tmp_path))) == [LATE]
    assert ids(heartbeats.stale(layout_of(tmp_path))) == [EARLY, MIDDLE]


def test_the_refusal_says_who_is_in_the_way_and_until_when(tmp_path: Path) -> None:
    seen = ago(1)
    leave(tmp_path, MIDDLE, host="ward-3/boot/pid", pid=77, seen=seen)
    until = datetime.datetime.fromisoformat(seen) + datetime.timedelta(minutes=10)
    with pytest.raises(NothingCommittedError) as caught:
        heartbeats.refuse_if_active(layout_of(tmp_path))
    assert str(caught.value) == (
        f"run {MIDDLE} is active on this output (host ward-3, process 77, last seen {seen[:10]} {seen[11:19]} UTC); "
        "if it has died, a start on that host goes on at once; elsewhere, or after a reboot, start again after "
        f"{until:%H:%M} UTC; nothing was read"
    )


def test_removing_a_heartbeat_spares_the_others(tmp_path: Path) -> None:
    for run_id in (EARLY, MIDDLE):
        leave(tmp_path, run_id)
    heartbeats.remove(layout_of(tmp_path), EARLY)
    assert ids(heartbeats.active(layout_of(tmp_path))) == [MIDDLE]


def test_a_heartbeat_lasts_as_long_as_the_work(tmp_path: Path) -> None:
    layout = layout_of(tmp_path)
    with heartbeats.beating(layout, MIDDLE):
        assert ids(heartbeats.active(layout)) == [MIDDLE]
    assert list((tmp_path / "_active").iterdir()) == []
    with pytest.raises(ZeroDivisionError), heartbeats.beating(layout, MIDDLE):
        raise ZeroDivisionError
    assert list((tmp_path / "_active").iterdir()) == []


def test_a_heartbeat_is_renewed_while_the_work_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "_EVERY_SECONDS", 0.01)
    layout = layout_of(tmp_path)
    with heartbeats.beating(layout, MIDDLE):
        (first,) = heartbeats.active(layout)
        until = time.monotonic() + 10
        while heartbeats.active(layout) in ([first], []):
            assert time.monotonic() < until
            time.sleep(0.01)
    assert list((tmp_path / "_active").iterdir()) == []


def test_a_store_that_refuses_a_renewal_does_not_end_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "_EVERY_SECONDS", 0.01)
    layout, folder = layout_of(tmp_path), tmp_path / "_active"
    with heartbeats.beating(layout, MIDDLE):
        folder.rename(tmp_path / "aside")
        folder.write_text("a file where the folder should be")
        time.sleep(0.1)
        folder.unlink()
        until = time.monotonic() + 10
        while not heartbeats.active(layout):
            assert time.monotonic() < until
            time.sleep(0.01)
    assert heartbeats.active(layout) == []


def test_the_one_that_began_later_gives_way_at_once(tmp_path: Path) -> None:
    layout, began = layout_of(tmp_path), time.monotonic()
    with heartbeats.beating(layout, EARLY):
        with pytest.raises(NothingCommittedError, match=EARLY), heartbeats.beating(layout, LATE):
            pytest.fail("both went on")
        assert ids(heartbeats.active(layout)) == [EARLY]
    assert time.monotonic() - began < heartbeats._YIELD_SECONDS


def test_one_that_began_later_but_is_at_work_is_not_disturbed(tmp_path: Path, quick: None) -> None:
    """Its heartbeat was there before this one's, which came late: it did not see this one, and does not give way."""
    layout = layout_of(tmp_path)
    with heartbeats.beating(layout, LATE):
        with pytest.raises(NothingCommittedError, match=LATE), heartbeats.beating(layout, EARLY):
            pytest.fail("both went on")
        assert ids(heartbeats.active(layout)) == [LATE]


def test_the_first_of_two_waits_for_the_second_to_give_way(tmp_path: Path) -> None:
    second = leave(tmp_path, LATE)
    giving_way = threading.Timer(0.3, second.unlink)
    giving_way.start()
    with heartbeats.beating(layout_of(tmp_path), EARLY):
        assert not second.exists()
    giving_way.join()


def test_what_has_died_holds_nobody_up(tmp_path: Path) -> None:
    leave(tmp_path, EARLY, pid=2**22 - 1)
    leave(tmp_path, MIDDLE, host="elsewhere", seen=ago(11))
    with heartbeats.beating(layout_of(tmp_path), LATE):
        assert ids(heartbeats.stale(layout_of(tmp_path))) == [EARLY, MIDDLE]


def test_of_many_that_start_at_once_never_two_go_on(tmp_path: Path, quick: None) -> None:
    layout, barrier = layout_of(tmp_path), threading.Barrier(6)
    lock, refused, most, working = threading.Lock(), list[str](), [0], [0]

    def start(number: int) -> None:
        barrier.wait()
        try:
            with heartbeats.beating(layout, f"20260102T010000Z-{number:08x}"):
                with lock:
                    working[0] += 1
                    most[0] = max(most[0], working[0])
                time.sleep(0.3)
                with lock:
                    working[0] -= 1
        except NothingCommittedError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 1 and len(refused) >= 5
    assert heartbeats.active(layout) == []


def test_a_store_that_does_not_answer_lets_nobody_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(tmp_path, MIDDLE)
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    monkeypatch.setattr(LocalFileSystem, "ls", refusing("_active", LocalFileSystem.ls, TimeoutError("SECRET")))
    monkeypatch.setattr(LocalFileSystem, "info", refusing("_active", LocalFileSystem.info, TimeoutError("SECRET")))
    with pytest.raises(NothingCommittedError, match="cannot tell which runs are active") as caught:
        heartbeats.refuse_if_active(layout_of(tmp_path))
    assert "SECRET" not in str(caught.value)


def test_a_signal_that_comes_as_soon_as_the_heartbeat_is_there_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_file = os.replace

    def interrupted(source: str, target: str) -> None:
        replace_file(source, target)
        assert list((tmp_path / "_active").iterdir())
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), heartbeats.beating(layout_of(tmp_path), MIDDLE):
        pytest.fail("the work began")
    assert list((tmp_path / "_active").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "expected", "advice"),
    [
        (PermissionError(13, "DOE"), UsageError, r"the store refuses access; check the credentials and their rights"),
        (NoCredentialsError(), UsageError, r"no AWS credentials found; set them in the environment: AWS_ACCESS_KEY_ID"),
        (OSError(5, "DOE"), NothingCommittedError, r"the store failed \(Input/output error\)"),
    ],
    ids=["no permission", "no credentials", "a failing store"],
)
def test_only_a_store_that_may_answer_later_is_worth_another_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[Exception], advice: str
) -> None:
    leave(tmp_path, EARLY)
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    monkeypatch.setattr(LocalFileSystem, "info", refusing("_active", LocalFileSystem.info, error))
    with pytest.raises(expected, match=f"cannot tell which runs are active: {advice}") as caught:
        heartbeats.refuse_if_active(layout_of(tmp_path))
    assert "DOE" not in str(caught.value)


FIRST, SECOND, OTHER_NUMBER = Shard(1, 4), Shard(2, 4), Shard(2, 3)


@pytest.mark.parametrize(
    ("present", "coming", "is_held"),
    [
        (FIRST, SECOND, False),
        (FIRST, FIRST, True),
        (FIRST, OTHER_NUMBER, True),
        (FIRST, None, True),
        (None, FIRST, True),
        (None, None, True),
    ],
)
def test_only_other_shards_of_the_same_number_run_beside_each_other(
    tmp_path: Path, quick: None, present: Shard | None, coming: Shard | None, is_held: bool
) -> None:
    layout = layout_of(tmp_path)
    for first, second in ((EARLY, LATE), (LATE, EARLY)):
        with heartbeats.beating(layout, first, present):
            assert ids(heartbeats.active(layout, coming)) == ([first] if is_held else [])
            if is_held:
                with pytest.raises(NothingCommittedError, match=first):
                    heartbeats.refuse_if_active(layout, coming)
                with pytest.raises(NothingCommittedError, match=first), heartbeats.beating(layout, second, coming):
                    pytest.fail("it must not go on")
            else:
                heartbeats.refuse_if_active(layout, coming)
                with heartbeats.beating(layout, second, coming):
                    assert ids(heartbeats.active(layout)) == [EARLY, LATE]
            assert ids(heartbeats.active(layout)) == [first]


def test_maintenance_waits_for_every_shard_and_holds_every_shard(tmp_path: Path, quick: None) -> None:
    layout, work = layout_of(tmp_path), "20260102T010000Z-forget"
    with (
        heartbeats.beating(layout, EARLY, FIRST),
        heartbeats.beating(layout, LATE, SECOND),
        pytest.raises(NothingCommittedError, match="of shard 1/4 is active"),
        heartbeats.beating(layout, work),
    ):
        pytest.fail("it must not go on")
    with heartbeats.beating(layout, work), pytest.raises(NothingCommittedError, match=work):
        heartbeats.refuse_if_active(layout, FIRST)


def test_a_different_number_of_shards_is_named(tmp_path: Path) -> None:
    leave(tmp_path, MIDDLE, host="ward-3/boot/pid", shard=FIRST)
    with pytest.raises(NothingCommittedError) as caught:
        heartbeats.refuse_if_active(layout_of(tmp_path), OTHER_NUMBER)
    assert str(caught.value) == (
        f"run {MIDDLE} of shard 1/4 is active on this output (host ward-3), and this run is of shard 2/3: give all "
        "machines the same number of shards, and start again when that run has ended; nothing was read"
    )


def test_a_renewed_heartbeat_keeps_its_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "_EVERY_SECONDS", 0.01)
    layout = layout_of(tmp_path)
    with heartbeats.beating(layout, MIDDLE, SECOND):
        (first,) = heartbeats.active(layout)
        while (beats := heartbeats.active(layout)) == [first]:
            time.sleep(0.01)
        assert [beat.shard for beat in beats] == [SECOND]


@pytest.mark.parametrize("shard", ["", "5/4", "x", 4, None])
def test_a_heartbeat_with_an_impossible_shard_is_none(tmp_path: Path, shard: object) -> None:
    path = leave(tmp_path, MIDDLE)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"shard": shard}))
    assert heartbeats.active(layout_of(tmp_path)) == []


def test_workers_that_outlive_their_process_hold_the_output_until_they_are_silent_or_have_ended(tmp_path: Path) -> None:
    layout = layout_of(tmp_path)
    leave(tmp_path, EARLY, pid=2**22 - 1, runs=(EARLY,))
    assert ids(heartbeats.active(layout)) == [EARLY]
    with pytest.raises(NothingCommittedError, match=f"run {EARLY} goes on in its cluster .* start again when it has"):
        heartbeats.refuse_if_active(layout)
    write_record(layout, RunRecord(EARLY, "2026-01-01", "m-000000000001", COMMITTED, Counts()))
    assert ids(heartbeats.stale(layout)) == [EARLY]
    leave(tmp_path, LATE, pid=2**22 - 1, runs=(LATE,), seen=ago(10.1))
    assert heartbeats.active(layout) == []


def test_a_worker_keeps_only_a_heartbeat_that_is_there_and_is_one(tmp_path: Path) -> None:
    layout = layout_of(tmp_path)
    heartbeats.keep(layout, EARLY)
    assert heartbeats.active(layout) == []
    path = leave(tmp_path, EARLY, seen=ago(9))
    heartbeats.keep(layout, EARLY)
    assert Heartbeat.from_json(path.read_bytes()).seen > ago(1)
    path.write_bytes(b"{}")
    heartbeats.keep(layout, EARLY)
    assert path.read_bytes() == b"{}"


def test_an_output_that_is_a_circle_of_links_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "out")
    with pytest.raises(UsageError, match=r"cannot tell which runs are active: .*; choose another --output"):
        heartbeats.active(layout_of(tmp_path / "out"))
