"""Every event is told on every channel as the operator's page says: one real run for each event."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.nightly import execution
from melanoma.images import encoding
from melanoma.runs import heartbeats
from melanoma.samples import phantoms
from tests.helpers import ROOT, fill
from tests.helpers.outputs import layout_of
from tests.helpers.reports import Page

CHANNELS = ("standard error", "message", "metrics", "report", "page of all runs", "code")


def documented() -> dict[str, dict[str, str]]:
    page = (ROOT / "docs" / "use" / "operations.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| ") and line.count(" | ") == len(CHANNELS)]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0]: dict(zip(CHANNELS, row[1:], strict=True)) for row in rows[1:]}


DOCUMENTED = documented()


@dataclass
class Job:
    """A nightly job in a folder of its own."""

    folder: Path
    bundle: str

    @property
    def words(self) -> list[str]:
        note = self.folder / "note.py"
        note.write_text(f"import sys; open({str(self.folder / 'notes')!r}, 'a').write(sys.argv[-1] + chr(10))")
        return [
            *("score", "--images", str(self.folder / "in"), "--bundle", self.bundle),
            *("--output", str(self.folder / "out"), "--metrics-file", str(self.folder / "m.prom")),
            *("--notify-command", f"{sys.executable} {note}"),
        ]

    def run(self, *words: str) -> int:
        return main([*self.words, *words])

    def photographs(self, count: int = 12, first: int = 0) -> list[Path]:
        return fill(self.folder / "in", count, first)


def nothing_new(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs()
    return job.run() or job.run()


def warning(job: Job, _: pytest.MonkeyPatch) -> int:
    paths = job.photographs()
    job.run()
    for path in paths:
        path.unlink()
    return job.run()


def good(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs()
    return job.run()


def some_deferred(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs()
    return job.run("--limit", "5")


def all_deferred(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs()
    return job.run("--max-time", "0s")


def killed(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs(2)
    run_id = "20260102T030405Z-00000000"
    dead = "import sys,os; from melanoma.runs import heartbeats as h; from tests.helpers.outputs import layout_of\n"
    dead += f"with h.beating(layout_of(sys.argv[1]), {run_id!r}): os._exit(9)"
    subprocess.run([sys.executable, "-c", dead, str(job.folder / "out")], cwd=ROOT, check=False)
    return job.run()


def over_budget(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs()
    for number in range(12):
        (job.folder / "in" / f"broken-{number}.jpg").write_bytes(b"")
    return job.run()


def drift(job: Job, _: pytest.MonkeyPatch) -> int:
    (job.folder / "in").mkdir()
    for shade in (1, 8):
        picture = encoding.encode(phantoms.draw(0, 24, 32) // shade, "png")
        for number in range(200):
            (job.folder / "in" / f"{shade}-{number}.png").write_bytes(picture)
        code = job.run("--max-drift", "0.001")
    return code


def command_line(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs(1)
    job.run()
    return job.run("--max-failed", "5")


def settings(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs(1)
    job.run()
    (job.folder / "night.toml").write_text('max-tim = "5h"\n')
    return job.run("--config", str(job.folder / "night.toml"))


def bundle(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs(1)
    job.run()
    return job.run("--bundle", str(job.folder / "absent"))


def moved(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs(25)
    job.run()
    job.photographs(25, first=25)
    for number, path in enumerate(sorted((job.folder / "in").iterdir())[:25]):
        path.write_bytes((job.folder / "in" / f"lesion-{25:04d}.jpg").read_bytes() + b"\0" * number)
    return job.run()


def store_down(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs()
    return main([*job.words[:2], f"failing://{job.folder}/in", *job.words[3:]])


def another(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs(1)
    with heartbeats.beating(layout_of(job.folder / "out"), "20260102T030405Z-00000000"):
        return job.run()


def stopped(job: Job, _: pytest.MonkeyPatch) -> int:
    job.photographs(60)
    words = [sys.executable, "-m", "jobs.cli", *job.words, "--chunk-size", "1", "--batch-size", "1"]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 90
    while not list((job.folder / "out").rglob("*.arrow")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    sys.stderr.write(said)
    return process.returncode


def defect(job: Job, monkeypatch: pytest.MonkeyPatch) -> int:
    job.photographs(1)
    job.run()
    monkeypatch.setattr(execution, "prepare", lambda options: {}["DOE-JANE.jpg"])
    return job.run()


EVENTS: dict[str, Callable[[Job, pytest.MonkeyPatch], int]] = {
    "good": good,
    "nothing new": nothing_new,
    "warning": warning,
    "some deferred": some_deferred,
    "all deferred": all_deferred,
    "earlier run killed": killed,
    "over budget": over_budget,
    "drift": drift,
    "command line refused": command_line,
    "settings refused": settings,
    "bundle refused": bundle,
    "store has moved": moved,
    "store down": store_down,
    "another run active": another,
    "stopped by SIGTERM": stopped,
    "defect": defect,
}


def test_the_page_lists_these_events() -> None:
    assert list(DOCUMENTED) == list(EVENTS)


def told_by(folder: Path, error: str, code: int) -> dict[str, str]:
    """Returns what each channel says after the last run; of the pages the first lines and the first row."""
    reports = folder / "out" / "_reports"
    pages = sorted(reports.glob("2*.html"))
    report = Page(pages[-1].read_text()).text if pages else ""
    index = Page((reports / "index.html").read_text()).text if pages else ""
    return {
        "standard error": error,
        "message": (folder / "notes").read_text().splitlines()[-1],
        "metrics": re.sub(r'(?:model="[^"]*",?)', "", (folder / "m.prom").read_text()).replace("{}", ""),
        "report": report.partition("All runs")[0],
        "page of all runs": index.partition("Photographs per run")[0],
        "code": str(code),
    }


@pytest.mark.parametrize("event", EVENTS)
def test_each_channel_says_what_the_page_says(
    event: str, tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = EVENTS[event](Job(tmp_path, bundle_uri), monkeypatch)
    error = "\n".join(line for line in capsys.readouterr().err.splitlines() if not line.startswith("scored "))
    told = told_by(tmp_path, error, code)
    faults = []
    for channel, cell in DOCUMENTED[event].items():
        wanted = re.findall(r"`([^`]+)`", cell) or ([cell] if channel == "code" else [])
        faults += [
            f"{channel}: {text!r} not in {told[channel][:600]!r}" for text in wanted if text not in told[channel]
        ]
        if cell == "-" and told[channel].strip():
            faults.append(f"{channel}: {told[channel]!r}")
    assert faults == []
    assert "DOE" not in "".join(text for channel, text in told.items() if channel != "standard error")
    times = dict(re.findall(r"^melanoma_(end|success)_timestamp_seconds (\S+)$", told["metrics"], re.MULTILINE))
    assert (times.get("success") == times["end"]) is (code == 0)
