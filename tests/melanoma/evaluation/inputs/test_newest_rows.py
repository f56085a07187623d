"""One row per photograph: the newest of each URI, then the newest of each id with one content."""

import itertools

import numpy as np
import pyarrow as pa
import pytest

from melanoma.evaluation.inputs.newest_rows import newest_by_uri, one_row_each

A, B = "a" * 64, "b" * 64


def rows(*values: tuple[str, str, str | None, int]) -> pa.Table:
    names = ("image_id", "image_uri", "image_sha256", "scored_at")
    columns = zip(*values, strict=True)
    return pa.table({name: list(column) for name, column in zip(names, columns, strict=True)})


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_the_newest_row_of_each_photograph_remains_in_any_order(order: tuple[int, ...]) -> None:
    table = rows(("x", "u1", A, 1), ("x", "u1", A, 3), ("y", "u2", B, 2), ("x", "u1", A, 2)).take(list(order))
    found = newest_by_uri(table)
    assert list(zip(found["image_uri"].to_pylist(), found["scored_at"].to_pylist(), strict=True)) == [
        ("u1", 3),
        ("u2", 2),
    ]


def test_copies_of_one_photograph_are_one() -> None:
    found = one_row_each(rows(("x", "u1", A, 1), ("x", "u2", A, 2), ("y", "u3", B, 1)))
    assert found.ambiguous == frozenset()
    assert found.rows["image_id"].to_pylist() == ["x", "y"]
    assert found.rows["image_uri"].to_pylist() == ["u2", "u3"]


def test_an_id_of_two_contents_is_ambiguous() -> None:
    found = one_row_each(rows(("x", "u1", A, 1), ("x", "u2", B, 2), ("y", "u3", B, 1)))
    assert found.ambiguous == {"x"}
    assert found.rows["image_id"].to_pylist() == ["y"]


def test_without_a_hash_two_places_are_two_contents() -> None:
    found = one_row_each(rows(("x", "u1", None, 1), ("x", "u2", None, 2), ("y", "u3", None, 1)))
    assert (found.ambiguous, found.rows["image_id"].to_pylist()) == ({"x"}, ["y"])


def test_only_ambiguous_ids_leave_no_row() -> None:
    found = one_row_each(rows(("x", "u1", A, 1), ("x", "u2", B, 2)))
    assert (found.ambiguous, found.rows.num_rows) == ({"x"}, 0)


@pytest.mark.parametrize("seed", range(5))
def test_both_steps_agree_with_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = [
        (f"id{rng.integers(6)}", f"uri{rng.integers(9)}", (A, B, None)[rng.integers(3)], int(time))
        for time in rng.permutation(40)
    ]
    by_uri: dict[str, tuple[str, str, str | None, int]] = {}
    for row in sorted(values, key=lambda row: row[3]):
        by_uri[row[1]] = row
    by_id: dict[str, list[tuple[str, str, str | None, int]]] = {}
    for row in by_uri.values():
        by_id.setdefault(row[0], []).append(row)
    contents = {name: {sha256 or uri for _, uri, sha256, _ in found} for name, found in by_id.items()}
    expected = {name: max(row[3] for row in found) for name, found in by_id.items() if len(contents[name]) == 1}

    found = one_row_each(newest_by_uri(rows(*values)))
    assert found.ambiguous == {name for name in by_id if len(contents[name]) > 1}
    names, times = (found.rows[name].to_pylist() for name in ("image_id", "scored_at"))
    assert dict(zip(names, times, strict=True)) == expected
    assert names == sorted(names)
