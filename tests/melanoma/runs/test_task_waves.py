"""Tasks become chunks wave by wave: none is lost, none comes twice, and a limit takes the same ones every time."""

import random
from collections import Counter

import pytest

from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.tasks import Chunk, Task
from melanoma.runs.chunk_queue import ChunkQueue
from melanoma.runs.chunking import ChunkSize
from melanoma.runs.task_waves import ChosenTasks, TaskWaves, WaveSettings


def task(name: str, *attempts: int, was_deferred: bool = False, version: str = "1") -> Task:
    return Task(ImageRef(f"file:///{name}", version, 1, "x"), attempts or (1,), was_deferred)


def cut(pages: list[list[Task]], settings: WaveSettings, models: int = 1) -> tuple[list[Chunk], ChosenTasks]:
    """Returns the chunks of some pages of a listing, and what was chosen."""
    queue = ChunkQueue()
    waves = TaskWaves(queue, settings, models)
    for page in pages:
        waves.add(page)
    chosen = waves.end()
    queue.end()
    return [chunk.unpacked() for chunk in queue.chunks()], chosen


def names_in(chunks: list[Chunk]) -> list[str]:
    return [task.ref.uri.removeprefix("file:///") for chunk in chunks for task in chunk.tasks]


@pytest.mark.parametrize("wave_size", [1, 7, 64, 65, 1000])
def test_every_task_is_in_one_chunk_whatever_the_size_of_a_wave(wave_size: int) -> None:
    tasks = [task(str(number), was_deferred=number % 5 == 0) for number in range(64)]
    chunks, chosen = cut([tasks[:40], [], tasks[40:]], WaveSettings(ChunkSize(4), wave_size=wave_size))
    assert Counter(names_in(chunks)) == Counter(map(str, range(64)))
    numbers = [chunk.number for chunk in chunks]
    assert numbers == sorted(set(numbers)) and chosen == ChosenTasks(64, (64,), (0,))
    were_deferred = [task.was_deferred for chunk in chunks for task in chunk.tasks]
    assert were_deferred == sorted(were_deferred, reverse=True)
    assert all(len({task.was_deferred for task in chunk.tasks}) == 1 for chunk in chunks)


def test_a_photograph_of_an_earlier_wave_is_counted_and_left_out() -> None:
    pages = [[task("a", 1, 0), task("b", 1, 1)], [task("a", 1, 0), task("b", 1, 1)], [task("b", 1, 1), task("c", 0, 1)]]
    chunks, chosen = cut(pages, WaveSettings(wave_size=2), models=2)
    assert sorted(names_in(chunks)) == ["a", "b", "c"]
    assert chosen == ChosenTasks(6, (5, 4), (3, 2))


def test_another_version_is_another_photograph() -> None:
    chunks, chosen = cut([[task("a"), task("a", version="2")]], WaveSettings(wave_size=1))
    assert names_in(chunks) == ["a", "a"] and chosen.repeated == (0,)


def test_duplicates_within_a_wave_meet_in_one_chunk() -> None:
    tasks = [task(str(number % 20)) for number in range(60)]
    chunks, chosen = cut([tasks], WaveSettings(ChunkSize(5)))
    assert len(names_in(chunks)) == 60 and chosen.repeated == (0,)
    assert sum(chunk.duplicates_for(0) for chunk in chunks) == 40


@pytest.mark.parametrize(("tasks", "limit", "expected"), [(5, None, 5), (5, 2, 2), (5, 5, 5), (5, 9, 5), (0, 3, 0)])
def test_a_limit_never_adds_tasks(tasks: int, limit: int | None, expected: int) -> None:
    chunks, chosen = cut([[task(str(number)) for number in range(tasks)]], WaveSettings(limit=limit))
    assert len(names_in(chunks)) == chosen.tasks == expected


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("wave_size", [2, 1000])
def test_the_same_tasks_are_chosen_in_whatever_order_they_come(seed: int, wave_size: int) -> None:
    names = [str(number) for number in range(200)]
    expected = sorted(names, key=lambda name: digest_of(f"file:///{name}", "1"))[:9]
    random.Random(seed).shuffle(names)
    pages = [[task(name) for name in names[start : start + 10]] for start in range(0, 200, 10)]
    chunks, _ = cut(pages, WaveSettings(limit=9, wave_size=wave_size))
    assert sorted(names_in(chunks)) == sorted(expected)


def test_a_limit_takes_deferred_tasks_first() -> None:
    new = sorted("abdegh", key=lambda name: digest_of(f"file:///{name}", "1"))
    chunks, chosen = cut([[task(name, was_deferred=name in "cf") for name in "abcdefgh"]], WaveSettings(limit=3))
    assert sorted(names_in(chunks)) == sorted(["c", "f", new[0]]) and chosen.tasks == 3


@pytest.mark.parametrize(
    "settings", [{"limit": 0}, {"wave_size": 0}, {"chunk_size": ChunkSize(0)}, {"chunk_size": ChunkSize(1, 0)}]
)
def test_impossible_numbers_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        WaveSettings(**settings)  # type: ignore[arg-type]
