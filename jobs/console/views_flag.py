"""The flag that says how many views of a photograph a bundle averages."""

from typing import Any

from melanoma.model.view_counts import VIEW_COUNTS

VIEWS: dict[str, Any] = {
    "type": int,
    "choices": VIEW_COUNTS,
    "help": "how many views of a photograph, turned and mirrored, are scored and averaged; each costs as much time as "
    "the first (default: 1)",
}
