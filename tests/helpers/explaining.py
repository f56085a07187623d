"""What is known about one photograph of a test."""

import datetime

from melanoma.queries.explain import Explanation, explain_all
from melanoma.table.score_table import ScoreTable


def explain(table: ScoreTable, name: str, date: datetime.date, check_store: bool = True) -> Explanation:
    """Explains the only photograph of a name."""
    (found,) = explain_all(table, name, date, check_store)
    return found
