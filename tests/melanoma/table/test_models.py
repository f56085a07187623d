"""What a table holds of each model, and which one counts."""

import pyarrow as pa

from melanoma.table.models import ModelFacts, models_in


def rows(*pairs: tuple[str, str]) -> pa.Table:
    return pa.Table.from_pylist([{"model_id": model, "run_id": run} for model, run in pairs])


def test_models_are_ordered_by_their_first_run_and_the_first_one_counts() -> None:
    found = models_in(rows(("m-b", "run-2"), ("m-a", "run-3"), ("m-b", "run-1"), ("m-a", "run-4")), None)
    assert found == [
        ModelFacts("m-b", rows=2, first="run-1", last="run-2", is_promoted=True, is_default=True),
        ModelFacts("m-a", rows=2, first="run-3", last="run-4", is_promoted=False),
    ]


def test_a_promoted_model_counts_wherever_it_stands() -> None:
    found = models_in(rows(("m-a", "run-1"), ("m-b", "run-2")), "m-b")
    assert [(model.model_id, model.is_promoted) for model in found] == [("m-a", False), ("m-b", True)]
    assert not any(model.is_default for model in found)


def test_a_promoted_model_without_rows_leaves_the_others_without_promotion() -> None:
    assert [model.is_promoted for model in models_in(rows(("m-a", "run-1")), "m-gone")] == [False]


def test_a_table_without_rows_has_no_models() -> None:
    empty = pa.table({"model_id": pa.array([], pa.string()), "run_id": pa.array([], pa.string())})
    assert models_in(empty, None) == []
