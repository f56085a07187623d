"""The patterns of ids, which are part of names of files: an id from a file of the output counts only if it matches."""

import datetime
import re

TIME_FORMAT = "%Y%m%dT%H%M%SZ"
RUN_ID = re.compile(r"([0-9]{8}T[0-9]{6}Z)-[0-9a-f]{8}")
WORK_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-z]{1,40}")  # of a run, or of maintenance of the table
_MODEL_ID = re.compile(r"m-[0-9a-f]{1,40}")


def is_run_id(value: object) -> bool:
    """Tells whether a value is the id of a run, which begins with a moment."""
    found = RUN_ID.fullmatch(value) if isinstance(value, str) else None
    try:
        return found is not None and bool(datetime.datetime.strptime(found[1], TIME_FORMAT))
    except ValueError:
        return False


def is_model_id(value: object) -> bool:
    """Tells whether a value is the id of a model."""
    return isinstance(value, str) and _MODEL_ID.fullmatch(value) is not None
