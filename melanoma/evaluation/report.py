"""The type of an evaluation or comparison report: JSON values, as they are written and as the pages read them."""

from collections.abc import Mapping
from typing import Any

# A report or a part of one, by the keys that docs/models/evaluation.md lists.
Report = Mapping[str, Any]
