"""What a run says at its end."""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from jobs.nightly.options import NightlyOptions
from melanoma.disclaimer import NO_DIAGNOSIS

if TYPE_CHECKING:
    from jobs.nightly.plan import RunPlan
    from melanoma.runs.records import Counts, RunRecord
    from melanoma.runs.run import ModelRun

_OUTCOMES = {
    "committed": "committed",
    "nothing_new": "nothing new, nothing committed",
    "store_down": "the store gave no photograph, nothing committed; try again",
}


def night(model: "ModelRun", record: "RunRecord", seconds: float) -> str:
    """Sums a run up, counts that add up first."""
    counts = record.counts
    tried = counts.scored + counts.failed
    lines = [
        f"Run {record.run_id}: {_OUTCOMES[record.outcome]} in {seconds:.1f} s",
        f"  counts    {_sum(counts)}",
        f"  rate      {tried / seconds:.0f} images/s, start-up included" if tried else "",
        f"  adopted   {record.adopted:,} rows that an earlier run had staged" if record.adopted else "",
        f"  deferred  {counts.deferred:,} were not begun; they come first on the next night" if counts.deferred else "",
        f"  ignored   {_listing(record.ignored)}" if record.ignored else "",
        f"  failed    {_listing(record.failures)}" if record.failures else "",
        f"  classes   {_listing(record.classes)}" if record.classes else "",
        f"  table     {model.run.layout.root}" + (f", version {record.table_version}" if record.table_version else ""),
        f"  model     {record.model_id}",
        f"  licence   {_one_line(model.bundle.files['LICENSE'])}",
        f"  {NO_DIAGNOSIS}",
    ]
    return "\n".join(line for line in lines if line)


def settings(options: NightlyOptions) -> str:
    """Shows every flag of a night with the value that it has, as a file for `--config` would say it."""
    values = {name.replace("_", "-"): value for name, value in asdict(options).items() if name != "dry_run"}
    said = {name: value for name, value in values.items() if value not in (None, False, ())}
    return "\n".join(["Settings", *(f"  {name} = {_as_toml(value)}" for name, value in sorted(said.items()))])


def _as_toml(value: object) -> str:
    if isinstance(value, datetime.timedelta):
        return f'"{int(value.total_seconds())}s"'
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)


def dry_run(plan: "RunPlan", counts: Sequence["Counts"]) -> str:
    """Says what a run of each model would do."""
    lines = [
        f"Would score {of_model.scored:,} of {of_model.listed:,} listed photographs with {run.model_id}: "
        f"{of_model.skipped:,} are in the table or not due, {of_model.duplicates:,} are listed twice."
        for run, of_model in zip(plan.runs, counts, strict=True)
    ]
    return "\n".join([*lines, "Nothing was read or written."])


def _sum(counts: "Counts") -> str:
    return (
        f"{counts.listed:,} listed = {counts.scored:,} scored + {counts.failed:,} failed + {counts.skipped:,} skipped"
        f" + {counts.duplicates:,} duplicates + {counts.deferred:,} deferred"
    )


def _listing(figures: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(figures.items(), key=lambda item: -item[1]))


def _one_line(text: bytes, most: int = 300) -> str:
    words = " ".join(text.decode("utf-8", "replace").split())
    return words if len(words) <= most else words[:most].rsplit(" ", 1)[0] + " …"
