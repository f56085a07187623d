"""Checks that every shard of the photographs is scored by some machine."""

import datetime

from melanoma.model.bundle import Bundle
from melanoma.operations.checks import Check, Result
from melanoma.runs import absent_shards
from melanoma.runs.run_history import read_series
from melanoma.shards import Shard
from melanoma.table.layout import OutputLayout


def check_shards(layout: OutputLayout, bundle: Bundle, shard: Shard) -> Check:
    """Looks which other shards have stayed away since the previous run of this one.

    Args:
        layout: Layout of the output folder.
        bundle: The model that scores.
        shard: The shard of this machine.
    """
    runs = [run for run in read_series(layout) if run["model_id"] == bundle.model_id]
    absent = absent_shards.absent_shards(runs, shard, datetime.datetime.now(datetime.UTC))
    if absent:
        remedy = "look at the machines of these shards; each needs the same --output, --images and number of shards"
        return Check("shards", Result.WARN, absent_shards.in_words(absent), remedy)
    return Check("shards", Result.PASS, f"this machine scores shard {shard}; no other shard has missed its turn")
