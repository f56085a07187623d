"""Daily runs as a scheduler starts them, with everything that can happen to them."""

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
    """What happens on one day, before, during and after the run."""

    fault: bool
    heals: bool  # the store fails during a run that is killed, and works again when the run is restarted
    kill: bool
    too_late: bool
    retry_failed: bool
    shadow: bool
    second_model: bool
    forget: bool
    compact: bool
    promote: bool


def events(day: int, days: int) -> Events:
    """Spreads the events over a history of a number of days."""
    middle = days // 2
    return Events(
        fault=day % 7 == 3,
        heals=day % 10 == 9,
        kill=day % 5 == 4,
        too_late=day % 9 == 5,
        retry_failed=day == days * 3 // 10,
        shadow=middle - 1 <= day <= middle,
        second_model=day > middle,
        forget=day == days * 6 // 10,
        compact=day == days * 4 // 10,
        promote=day == middle + 2,
    )


class Hospital:
    """A store, a table and an oracle, day after day."""

    def __init__(self, folder: Path, bundles: tuple[str, str], models: tuple[str, str], seed: int) -> None:
        """Creates the store with its first photographs.

        Args:
            folder: Where everything lies.
            bundles: Two bundles; the second one replaces the first in the middle of the history.
            models: Ids of their models.
            seed: Of all random choices.
        """
        register()
        self._rng = random.Random(seed)
        self._folder, self._bundles, self._models = folder, bundles, models
        self.store, self.oracle, self.output = Store(folder, self._rng), Oracle(), folder / "out"
        self.history: list[str] = []
        self.runs = self.kills = 0
        self._seen_runs: set[str] = set()

    def day(self, number: int, days: int) -> None:
        """Lets a day with its run pass, and compares the table with the oracle."""
        today, what = FIRST + datetime.timedelta(days=number), events(number, days)
        self.store.pass_a_day()
        if what.fault or what.heals:
            self.store.break_down(number)
        active = [0, 1] if what.shadow else [1 if what.second_model else 0]
        words = self._words(today, active, what)
        before = listing(self.store.folder, f"{PROTOCOL}://")
        late: list[Path] = []
        if what.kill:
            late = self._killed(words, what.heals)
        if what.heals:
            self.store.recover()
        code = main(words)
        self.runs += 1
        listed = before + self._seen(late, today)
        expected = [
            self.oracle.run(
                listed, self._models[model], today, retry_failed=what.retry_failed, is_too_late=what.too_late
            )
            for model in active
        ]
        self.history.append(f"{today} {what} exit {code}, {len(late)} during the run, {expected}")
        self._check(code, expected, was_killed=what.kill)
        self.store.recover()
        self._upkeep(what)
        self.compare()

    def _words(self, today: datetime.date, active: list[int], what: Events) -> list[str]:
        bundles = [word for model in active for word in ("--bundle", self._bundles[model])]
        words = ["score", "--images", self.store.uri, *bundles, "--output", str(self.output), "--chunk-size", "4"]
        words += ["--run-date", today.isoformat(), "--max-failed", "1"]
        words += ["--retry-failed"] if what.retry_failed else []
        return [*words, "--max-time", "0s"] if what.too_late else words

    def _killed(self, words: list[str], once_staged: bool) -> list[Path]:
        """Starts a run, adds a photograph, and kills the run: once something is staged, or at a random moment."""
        command = [sys.executable, "-m", "tests.simulation.child", *words]
        log = (self._folder / "killed.log").open("ab")
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        while process.poll() is None and not list(self.output.glob("_active/*.json")):
            time.sleep(0.01)
        wait = self._rng.choice([0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5]) + self._rng.random() / 2
        if "--retry-failed" in words:  # a run that had committed would rightly be repeated
            wait = 0.0
        moment = time.monotonic() + wait
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

    def _seen(self, late: list[Path], today: datetime.date) -> list[Listed]:
        """Returns photographs that arrived during a killed run: the restart on the same day lists them."""
        return [photo for photo in listing(self.store.folder, f"{PROTOCOL}://") if photo.path in late and today]

    def _check(self, code: int, expected: list[Expected], was_killed: bool) -> None:
        is_down = any(one.is_store_down for one in expected)
        assert code == (3 if is_down else 0), self.recent_history()
        records = {path.stem: json.loads(path.read_text()) for path in (self.output / "_reports").glob("*.json")}
        new = [records[name] for name in sorted(records) if name not in self._seen_runs]
        self._seen_runs |= set(records)
        for record in new:
            counts = record["counts"]
            parts = sum(counts[name] for name in ("scored", "failed", "skipped", "duplicates", "deferred"))
            assert counts["listed"] == parts, self.recent_history()
            assert (
                record["outcome"] in ("stopped", "killed")
                or (self.output / "_reports" / f"{record['run_id']}.html").exists()
            ), self.recent_history()
        # On the day of a kill the killed run leaves a record too, and that one began first.
        for record, one in zip(new[-len(expected) :], expected, strict=True):
            found = {name: record["counts"][name] for name in ("scored", "failed", "deferred")}
            wanted = {"scored": one.scored, "failed": one.failed, "deferred": one.deferred}
            # A killed run may have committed already, and the restart then finds nothing left.
            assert found == wanted or was_killed, f"{found} instead of {wanted}\n{self.recent_history()}"
        assert not list(self.output.glob("_active/*.json")), self.recent_history()
        # What a killed run has staged is kept for a week; a run that ended by itself leaves nothing.
        killed = {record["run_id"] for record in records.values() if record["outcome"] == "killed"}
        assert {path.parent.name for path in self.output.rglob("*.arrow")} <= killed, self.recent_history()

    def _upkeep(self, what: Events) -> None:
        if what.forget:
            uris = {row.uri for row in self._rng.sample(sorted(self.oracle.rows, key=str), 3)}
            (self._folder / "uris.txt").write_text("\n".join(sorted(uris)))
            assert main(["table", "forget", str(self.output), "--uris", str(self._folder / "uris.txt"), "--yes"]) == 0
            self.oracle.forget(uris)
        if what.compact:
            assert main(["table", "compact", str(self.output)]) == 0
        if what.promote:
            assert main(["table", "promote", str(self.output), self._models[1]]) == 0

    def compare(self) -> None:
        """Compares the table with the oracle, row by row."""
        found = [] if table_in(self.output).version is None else self.rows()
        have, want = sorted(map(as_row, found), key=str), sorted(self.oracle.rows, key=str)
        if have != want:
            only = [row for row in have if row not in want]
            lacks = [row for row in want if row not in have]
            raise AssertionError(f"too many: {only[:5]}\nmissing: {lacks[:5]}\n{self.recent_history()}")

    def rows(self) -> list[dict[str, Any]]:
        """Returns all rows of the table."""
        table: pa.Table = table_in(self.output).dataset().to_table()
        return list(table.to_pylist())

    def recent_history(self) -> str:
        """Returns what happened on the last days, for the message of a failure."""
        return "\n".join(self.history[-12:])
