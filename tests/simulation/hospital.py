"""Nights as an operator's scheduler starts them, with everything that happens to them."""

import datetime
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.cli import main
from tests.helpers import ROOT
from tests.helpers.outputs import table_in
from tests.simulation.oracle import Expected, Listed, Oracle, as_row, listing
from tests.simulation.store import PROTOCOL, Store, register

FIRST = datetime.date(2026, 1, 1)


@dataclass(frozen=True)
class Events:
    """What happens in a night."""

    fault: bool
    heals: bool  # the store was bad in a night that is killed, and is well again when that is started again
    kill: bool
    too_late: bool
    retry_failed: bool
    shadow: bool
    second_model: bool
    forget: bool
    compact: bool
    promote: bool


def events(night: int, nights: int) -> Events:
    """Spreads the events over a history."""
    middle = nights // 2
    return Events(
        fault=night % 7 == 3,
        heals=night % 10 == 9,
        kill=night % 5 == 4,
        too_late=night % 9 == 5,
        retry_failed=night == nights * 3 // 10,
        shadow=middle - 1 <= night <= middle,
        second_model=night > middle,
        forget=night == nights * 6 // 10,
        compact=night == nights * 4 // 10,
        promote=night == middle + 2,
    )


class Hospital:
    """A store, a table and an oracle, night after night."""

    def __init__(self, folder: Path, bundles: tuple[str, str], models: tuple[str, str], seed: int) -> None:
        """Opens it."""
        register()
        self._dice = random.Random(seed)
        self._folder, self._bundles, self._models = folder, bundles, models
        self.store, self.oracle, self.output = Store(folder, self._dice), Oracle(), folder / "out"
        self.history: list[str] = []
        self.runs = self.kills = 0
        self._seen_runs: set[str] = set()

    def night(self, number: int, nights: int) -> None:
        """Lets a day and a night pass, and compares."""
        tonight, what = FIRST + datetime.timedelta(days=number), events(number, nights)
        self.store.pass_a_day()
        if what.fault or what.heals:
            self.store.break_down(number)
        active = [0, 1] if what.shadow else [1 if what.second_model else 0]
        words = self._words(tonight, active, what)
        before = listing(self.store.folder, f"{PROTOCOL}://")
        late: list[Path] = []
        if what.kill:
            late = self._killed(words, what.heals)
        if what.heals:
            self.store.recover()
        code = main(words)
        self.runs += 1
        listed = before + self._seen(late, tonight)
        expected = [
            self.oracle.night(
                listed, self._models[model], tonight, retry_failed=what.retry_failed, is_too_late=what.too_late
            )
            for model in active
        ]
        self.history.append(f"{tonight} {what} exit {code}, {len(late)} during the run, {expected}")
        self._check(code, expected, was_killed=what.kill)
        self.store.recover()
        self._upkeep(what)
        self.compare()

    def _words(self, tonight: datetime.date, active: list[int], what: Events) -> list[str]:
        bundles = [word for model in active for word in ("--bundle", self._bundles[model])]
        words = ["score", "--images", self.store.uri, *bundles, "--output", str(self.output), "--chunk-size", "4"]
        words += ["--run-date", tonight.isoformat(), "--max-failed", "1"]
        words += ["--retry-failed"] if what.retry_failed else []
        return [*words, "--max-time", "0s"] if what.too_late else words

    def _killed(self, words: list[str], once_staged: bool) -> list[Path]:
        """Starts a night, lets photographs arrive, and kills it: once something is staged, or at any moment."""
        command = [sys.executable, "-m", "tests.simulation.child", *words]
        log = (self._folder / "killed.log").open("ab")
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        while process.poll() is None and not list(self.output.glob("_active/*.json")):
            time.sleep(0.01)
        moment = (
            time.monotonic() + self._dice.choice([0.0, 0.5, 2.5, 4.0, 4.5, 5.0, 5.5, 6.0]) + self._dice.random() / 2
        )
        late, staged = [self.store.add()], self.output / "_staging"
        while process.poll() is None and (
            not list(staged.rglob("*.arrow")) if once_staged else time.monotonic() < moment
        ):
            time.sleep(0.01)
        self.kills += process.poll() is None
        process.kill()
        process.wait()
        log.close()
        return late

    def _seen(self, late: list[Path], tonight: datetime.date) -> list[Listed]:
        """Photographs that came during a killed run are listed at the latest by the restart, so tonight."""
        return [photo for photo in listing(self.store.folder, f"{PROTOCOL}://") if photo.path in late and tonight]

    def _check(self, code: int, expected: list[Expected], was_killed: bool) -> None:
        is_down = any(one.is_store_down for one in expected)
        assert code == (3 if is_down else 0), self.story()
        records = {path.stem: json.loads(path.read_text()) for path in (self.output / "_reports").glob("*.json")}
        new = [records[name] for name in sorted(records) if name not in self._seen_runs]
        self._seen_runs |= set(records)
        for record in new:
            counts = record["counts"]
            parts = sum(counts[name] for name in ("scored", "failed", "skipped", "duplicates", "deferred"))
            assert counts["listed"] == parts, self.story()
            assert (
                record["outcome"] in ("stopped", "killed")
                or (self.output / "_reports" / f"{record['run_id']}.html").exists()
            ), self.story()
        # The night of a kill leaves the dead run's record too, and that one began first.
        for record, one in zip(new[-len(expected) :], expected, strict=True):
            found = {name: record["counts"][name] for name in ("scored", "failed", "deferred")}
            wanted = {"scored": one.scored, "failed": one.failed, "deferred": one.deferred}
            # A killed run may have committed already, and the restart then finds nothing left.
            assert found == wanted or was_killed, f"{found} instead of {wanted}\n{self.story()}"
        assert not list(self.output.glob("_active/*.json")), self.story()
        # What a killed run has staged is kept for a week; a run that ended by itself leaves nothing.
        killed = {record["run_id"] for record in records.values() if record["outcome"] == "killed"}
        assert {path.parent.name for path in self.output.rglob("*.arrow")} <= killed, self.story()

    def _upkeep(self, what: Events) -> None:
        if what.forget:
            uris = {row.uri for row in self._dice.sample(sorted(self.oracle.rows, key=str), 3)}
            (self._folder / "uris.txt").write_text("\n".join(sorted(uris)))
            assert main(["table", "forget", str(self.output), "--uris", str(self._folder / "uris.txt")]) == 0
            self.oracle.forget(uris)
        if what.compact:
            assert main(["table", "compact", str(self.output)]) == 0
        if what.promote:
            assert main(["table", "promote", str(self.output), self._models[1]]) == 0

    def compare(self) -> None:
        """Compares the table with the oracle, row for row."""
        found = [] if table_in(self.output).version is None else self.rows()
        have, want = sorted(map(as_row, found), key=str), sorted(self.oracle.rows, key=str)
        if have != want:
            only = [row for row in have if row not in want]
            lacks = [row for row in want if row not in have]
            raise AssertionError(f"too many: {only[:5]}\nmissing: {lacks[:5]}\n{self.story()}")

    def rows(self) -> list[dict[str, Any]]:
        """Reads the table."""
        table: pa.Table = table_in(self.output).dataset().to_table()
        return list(table.to_pylist())

    def story(self) -> str:
        """Tells what has happened, for whoever has to find out why."""
        return "\n".join(self.history[-12:])
