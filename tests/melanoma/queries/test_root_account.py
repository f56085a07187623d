"""Every photograph of a root is accounted for once, for the right reason, whatever its history."""

import datetime
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, UsageError
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import Source
from melanoma.queries.known_photographs import KnownPhotographs
from melanoma.queries.root_account import Explained, Finding, Reason, RootAccount, explain_root
from melanoma.runs import deferred
from melanoma.runs.records import COMMITTED, Counts, RunRecord, write_record
from melanoma.table.forgotten import Forgotten
from tests.helpers.manifests import csv_manifest
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.planned_runs import FIRST_DAY, MODEL, digest, ref, run_on
from tests.helpers.score_rows import commit, failed, row

LAST_RUN = datetime.datetime(2026, 1, 2, 1, tzinfo=datetime.UTC)
TONIGHT = FIRST_DAY + datetime.timedelta(days=1)
SKIPPED, SCORED_NEXT, TRIED_NEXT = "skip", "score", "try again"


class World:
    """A folder of files with histories, the table beside it, and what must be said of each photograph."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder, self.output = tmp_path / "in", tmp_path / "out"
        self.rows = [row("elsewhere", image_uri="file:///elsewhere.jpg")]
        self.expected: dict[str, Finding] = {}
        self.deferred: list[bytes] = []
        self.forgotten: list[str] = []

    def add(self, name: str, history: str) -> None:
        """Creates a file with a history."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        age = -3600 if history == "new" else 3600
        os.utime(path, (LAST_RUN.timestamp() - age,) * 2)
        stored = storage.stat(str(path))
        here = {"image_uri": stored.uri, "image_version": stored.version}
        self.expected[stored.uri] = getattr(self, f"_{history}")(name, stored, here)

    def _scored(self, name: str, _: storage.StoredFile, here: dict[str, str]) -> Finding:
        self.rows += [failed(name, **here), row(name, attempt=2, **here)]
        return Finding(Reason.SCORED, SKIPPED)

    def _failed(self, name: str, _: storage.StoredFile, here: dict[str, str]) -> Finding:
        kinds = [ErrorKind.CORRUPT, ErrorKind.TIMEOUT]
        self.rows += [
            {**failed(name, attempt=1 + place, run_date=FIRST_DAY, **here), "error_kind": kind}
            for place, kind in enumerate(kinds)
        ]
        return Finding(Reason.FAILED, TRIED_NEXT, ErrorKind.TIMEOUT)

    def _waiting(self, name: str, _: storage.StoredFile, here: dict[str, str]) -> Finding:
        self.rows += [{**failed(name, attempt=4, run_date=FIRST_DAY, **here), "error_kind": "timeout"}]
        return Finding(Reason.FAILED, SKIPPED, ErrorKind.TIMEOUT)

    def _broken(self, name: str, _: storage.StoredFile, here: dict[str, str]) -> Finding:
        self.rows += [failed(name, **here)]
        return Finding(Reason.FAILED, SKIPPED, ErrorKind.CORRUPT)

    def _changed(self, name: str, _: storage.StoredFile, here: dict[str, str]) -> Finding:
        self.rows += [row(name, **{**here, "image_version": "earlier"})]
        return Finding(Reason.CHANGED, SCORED_NEXT)

    def _deferred(self, name: str, stored: storage.StoredFile, here: dict[str, str]) -> Finding:
        self.deferred.append(digest(ref(name, stored.version)._replace(uri=stored.uri)))
        return Finding(Reason.DEFERRED, SCORED_NEXT)

    def _forgotten(self, name: str, stored: storage.StoredFile, here: dict[str, str]) -> Finding:
        self.forgotten.append(stored.uri)
        return Finding(Reason.FORGOTTEN, SKIPPED)

    def _new(self, *_: object) -> Finding:
        return Finding(Reason.NEW, SCORED_NEXT)

    def _not_tried(self, *_: object) -> Finding:
        return Finding(Reason.NOT_TRIED, SCORED_NEXT)

    def known(self) -> KnownPhotographs:
        """Commits the rows, writes what a run leaves besides, and reads it."""
        commit(self.output, self.rows)
        run = run_on(self.output)
        deferred.write(run, self.deferred)
        write_record(layout_of(self.output), RunRecord(run.run_id, "2026-01-02", MODEL, COMMITTED, Counts()))
        if self.forgotten:
            Forgotten.add(layout_of(self.output), self.forgotten)
        return KnownPhotographs.read(table_in(self.output), MODEL)

    def explained(self, *sources: Source) -> tuple[list[Explained], RootAccount]:
        account = RootAccount()
        found = list(explain_root(self.known(), sources or [Root(str(self.folder))], TONIGHT, account))
        return found, account


HISTORIES = ("scored", "failed", "waiting", "broken", "changed", "deferred", "forgotten", "new", "not_tried")


@pytest.mark.parametrize("seed", range(6))
def test_every_listed_file_is_accounted_for_once(tmp_path: Path, seed: int) -> None:
    rng, world = random.Random(seed), World(tmp_path)
    for number in range(rng.randrange(1, 60)):
        world.add(f"{rng.choice('abc')}/{number}.jpg", rng.choice(HISTORIES))
    for number in range(rng.randrange(5)):
        (world.folder / f"{number}.{rng.choice(['txt', 'db', 'secretname'])}").write_bytes(b"")
    found, account = world.explained()
    files = sum(len(names) for _, _, names in os.walk(world.folder))
    assert account.listed + account.ignored.total() == files and account.listed == len(world.expected)
    assert account.photographs == Counter(world.expected.values())
    named = {uri: finding for uri, finding in world.expected.items() if finding.reason is not Reason.FORGOTTEN}
    assert {one.uri: one.finding for one in found} == named and len(found) == len(named)


def test_roots_that_overlap_list_a_photograph_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number, history in enumerate(HISTORIES):
        world.add(f"a/{number}.jpg", history)
        world.add(f"{number}.jpg", history)
    _, account = world.explained(Root(str(world.folder)), Root(str(world.folder / "a")))
    repeated = account.photographs.pop(Finding(Reason.DUPLICATE, SKIPPED))
    assert repeated == len(HISTORIES) - 1  # the forgotten one stays forgotten
    assert account.photographs.total() == 2 * len(HISTORIES) + 1


def test_a_manifest_may_name_what_the_store_does_not_have(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("a.jpg", "scored")
    gone = f"file://{tmp_path}/in/gone.jpg"
    world.rows += [row("gone", image_uri=gone)]
    manifest = csv_manifest(tmp_path, f"uri,image_id\n{tmp_path}/in/a.jpg,seven\n{gone},\n{gone},\n")
    found, account = world.explained(manifest)
    assert [one.image_id for one in found] == ["seven", "gone", "gone"]
    assert [one.finding.reason for one in found] == [Reason.SCORED, Reason.NOT_IN_STORE, Reason.DUPLICATE]
    assert account.listed == 3


def test_another_model_knows_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("a.jpg", "scored")
    world.known()
    account = RootAccount()
    known = KnownPhotographs.read(table_in(world.output), "m-000000000002")
    assert len(list(explain_root(known, [Root(str(world.folder))], TONIGHT, account))) == 1
    assert account.photographs == {Finding(Reason.NOT_TRIED, SCORED_NEXT): 1}


def test_nothing_is_written_and_a_missing_root_is_named(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("a.jpg", "new")
    known = world.known()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert list(explain_root(known, [Root(str(world.folder))], TONIGHT, RootAccount()))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    with pytest.raises(UsageError, match="absent: does not exist"):
        list(explain_root(known, [Root(f"{tmp_path}/absent")], TONIGHT, RootAccount()))
