"""Tasks and chunks: which model scores which photograph."""

from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.tasks import Chunk, Task


def ref(name: str, image_id: str = "x") -> ImageRef:
    return ImageRef(f"file:///{name}", "1", 1, image_id)


def test_a_model_gets_its_own_attempt_or_nothing() -> None:
    task = Task(ref("a"), attempts=(3, 0))
    assert task.ref_for(0) == ref("a")._replace(attempt=3)
    assert task.ref_for(1) is None


def test_a_chunk_gives_each_photograph_once_in_an_order_of_its_own() -> None:
    tasks = [Task(ref("b")), Task(ref("a")), Task(ref("b")), Task(ref("b", "y"))]
    for order in (tasks, tasks[::-1]):
        chunk = Chunk(1, tuple(order))
        assert [task.ref for task in chunk.distinct()] == [ref("a"), ref("b", "y")]


def test_duplicates_are_counted_for_each_model_that_has_the_photograph() -> None:
    chunk = Chunk(1, (Task(ref("a"), (1, 0)), Task(ref("a"), (1, 0)), Task(ref("b"), (2, 1))))
    assert [found.uri for found in chunk.refs_for(0)] == ["file:///a", "file:///b"]
    assert [(found.uri, found.attempt) for found in chunk.refs_for(1)] == [("file:///b", 1)]
    assert (chunk.duplicates_for(0), chunk.duplicates_for(1)) == (1, 0)
