"""What `melanoma score --dry-run` prints: every setting, and what a run would score."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict

from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan
from melanoma.ingest.image_refs import distinct
from melanoma.ingest.sources import list_images
from melanoma.runs import ledger
from melanoma.runs.planning import check_moved, plan_tasks
from melanoma.runs.records import Counts
from melanoma.shards import Shard
from melanoma.table.model_names import shown


def settings(options: NightlyOptions) -> str:
    """Returns every flag that has a value, as lines for a `--config` file under a heading."""
    values = {name.replace("_", "-"): value for name, value in asdict(options).items() if name != "dry_run"}
    present = {name: value for name, value in values.items() if value not in (None, False, ())}
    return "\n".join(["Settings", *(f"  {name} = {_as_toml(value)}" for name, value in sorted(present.items()))])


def _as_toml(value: object) -> str:
    if isinstance(value, datetime.timedelta):
        return f'"{_as_flag(value)}"'
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return json.dumps(str(value) if isinstance(value, Shard) else value, ensure_ascii=False)


def _as_flag(length: datetime.timedelta) -> str:
    """Returns a length of time as `--max-time` takes it, such as `5h` or `1h30m`."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def count(plan: RunPlan, limit: int | None) -> list[Counts]:
    """Lists the photographs and counts what a run of each model would do; reads no photograph and writes nothing.

    Args:
        plan: Plan of the nightly run.
        limit: Largest number of photographs to score; None for no limit.

    Returns:
        Counts of each model; `scored` are those that would be tried.

    Raises:
        ReadError: The store cannot be listed.
        UsageError: The store seems to have moved.
    """
    refs = [ref for source in plan.sources for ref in list_images(source)]
    unique = distinct(refs)
    _, listing = plan_tasks(ledger.load_ledgers(plan.runs), unique, plan.runs[0].shard)
    counts = []
    for model in check_moved(listing, plan.runs).by_model:
        due = len(unique) - model.skipped - model.other_shard
        tried = due if limit is None else min(due, limit + len(model.adopted))
        duplicates = len(refs) - len(unique)
        counts.append(
            Counts(
                len(refs),
                tried,
                skipped=model.skipped,
                duplicates=duplicates,
                deferred=due - tried,
                other_shard=model.other_shard,
            )
        )
    return counts


_NOTE = (
    "This was a dry run: no photograph was read and nothing was written. It has not tried whether --output can be "
    "written; melanoma doctor does."
)


def describe(plan: RunPlan, counts: Sequence[Counts]) -> str:
    """Returns what a run of each model would do, in sentences.

    Args:
        plan: Plan of the nightly run.
        counts: Counts of each model.
    """
    lines = [
        _sentence(shown(run.model_id, run.model_name), of_model)
        for run, of_model in zip(plan.runs, counts, strict=True)
    ]
    where = [f"The run would be distributed by {plan.cluster}."] if plan.cluster is not None else []
    return "\n".join([*lines, *where, _NOTE])


def _sentence(model: str, counts: Counts) -> str:
    parts = {
        "skipped: scored already, failed for good, waiting for a retry, or forgotten": counts.skipped,
        "listed twice": counts.duplicates,
        "above --limit": counts.deferred,
        "of other shards": counts.other_shard,
    }
    rest = "; ".join(f"{number:,} {what}" for what, number in parts.items() if number)
    return (
        f"Would score {counts.scored:,} of {counts.listed:,} listed photographs with {model}"
        f"{f' ({rest})' if rest else ''}."
    )
