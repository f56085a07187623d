"""Which tasks a run scores, and their numbers."""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from pipelines.choosing import ChosenTasks, CountTasks, LimitTasks, within_limit

from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.tasks import Task


def task(name: str, *attempts: int, was_deferred: bool = False) -> Task:
    return Task(ImageRef(f"file:///{name}", "1", 1, "x"), attempts or (1,), was_deferred)


@pytest.mark.parametrize(("tasks", "limit", "expected"), [(5, None, 5), (5, 2, 2), (5, 5, 5), (5, 9, 5), (0, 3, 0)])
def test_a_limit_never_adds_tasks(tasks: int, limit: int | None, expected: int) -> None:
    assert within_limit(tasks, limit) == expected


def assert_limited(tasks: list[Task], limit: int, expected: list[str]) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        names = pipeline | beam.Create(tasks) | LimitTasks(limit) | beam.Map(lambda task: task.ref.uri[-1])
        assert_that(names, equal_to(expected))


@pytest.mark.parametrize("names", ["abcdefgh", "hgfedcba", "dbfhaceg"])
def test_the_same_tasks_are_chosen_in_whatever_order_they_come(names: str) -> None:
    expected = sorted(names, key=lambda name: digest_of(f"file:///{name}", "1"))[:3]
    assert_limited([task(name) for name in names], 3, expected)


def test_deferred_tasks_are_chosen_first() -> None:
    new = sorted("abdegh", key=lambda name: digest_of(f"file:///{name}", "1"))
    assert_limited([task(name, was_deferred=name in "cf") for name in "abcdefgh"], 3, ["c", "f", new[0]])


def test_a_limit_above_the_number_of_tasks_keeps_them_all() -> None:
    assert_limited([task("a"), task("b")], 5, ["a", "b"])


def test_tasks_are_counted_altogether_and_for_each_model() -> None:
    tasks = [task("a", 1, 0), task("b", 2, 3), task("c", 0, 1), task("d", 1, 0)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        counts = pipeline | beam.Create(tasks) | beam.CombineGlobally(CountTasks(2))
        assert_that(counts, equal_to([ChosenTasks(4, (3, 2))]))


def test_no_tasks_are_none_for_each_model() -> None:
    counter = CountTasks(3)
    nothing = counter.create_accumulator()
    assert counter.extract_output(counter.merge_accumulators([nothing, nothing])) == ChosenTasks(0, (0, 0, 0))
