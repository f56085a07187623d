"""Decoding in child processes: what a crash, a hang or a lie costs, and what a child cannot do."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images import decoder_owner
from melanoma.images.decoder_pool import DecoderPool, decoders
from melanoma.images.decoder_process import decoder_mark
from melanoma.images.decoding import ImageSpec, decode
from melanoma.images.headers import read_header
from melanoma.images.pixels import Pixels
from tests.helpers.decoder_faults import MARKS, write_site
from tests.helpers.image_bytes import encode, photograph

SPECS = (ImageSpec(24, 32), ImageSpec(8, 8, 0.5))
JPEG = encode(photograph(), "JPEG")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecoderPool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(write_site(tmp_path_factory.mktemp("site"))))
        pool = DecoderPool(2, seconds=1)
    yield pool
    pool.close()


def results(pool: DecoderPool, data: bytes) -> list[Pixels | ImageError]:
    return pool.decode(data, read_header(data), SPECS).results


def check_pixels(found: list[Pixels | ImageError], data: bytes) -> None:
    for pixels, spec in zip(found, SPECS, strict=True):
        np.testing.assert_array_equal(pixels, decode(data, spec))  # type: ignore[arg-type]


def kinds(found: list[Pixels | ImageError]) -> set[ErrorKind]:
    assert all(isinstance(result, ImageError) for result in found)
    return {result.kind for result in found if isinstance(result, ImageError)}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pixels_are_those_of_the_decoder_itself(pool: DecoderPool, format: str) -> None:
    data = encode(photograph(seed=3), format)
    check_pixels(results(pool, data), data)


def test_threads_share_the_processes(pool: DecoderPool) -> None:
    files = [encode(photograph(60 + seed, 45, seed), "JPEG") for seed in range(24)]
    with ThreadPoolExecutor(6) as threads:
        for data, found in zip(files, threads.map(lambda data: results(pool, data), files), strict=True):
            check_pixels(found, data)


def test_an_error_is_the_one_of_the_decoder_itself(pool: DecoderPool) -> None:
    cut = JPEG[:-200] + b"\xff\xd9"
    with pytest.raises(ImageError) as caught:
        decode(cut, SPECS[0])
    for error in results(pool, cut):
        assert isinstance(error, ImageError) and str(error) == str(caught.value)


@pytest.mark.parametrize(("fault", "kind"), [
    ("segv", ErrorKind.DECODER_CRASH), ("exit", ErrorKind.DECODER_CRASH), ("hang", ErrorKind.DECODER_TIMEOUT),
    ("spin", ErrorKind.DECODER_TIMEOUT), ("limit", ErrorKind.DECODER_TIMEOUT), ("memory", ErrorKind.OUT_OF_MEMORY),
    ("killed-always", ErrorKind.OUT_OF_MEMORY), ("lie", ErrorKind.DECODER_CRASH),
])  # fmt: skip
def test_a_fault_of_the_decoder_is_an_error_of_its_photograph_alone(
    pool: DecoderPool, fault: str, kind: ErrorKind
) -> None:
    files = [JPEG, JPEG + MARKS[fault], JPEG]
    with ThreadPoolExecutor(3) as threads:
        before, faulty, after = threads.map(lambda data: results(pool, data), files)
    assert kinds(faulty) == {kind}
    check_pixels(before, JPEG)
    check_pixels(after, JPEG)
    if kind is not ErrorKind.OUT_OF_MEMORY:
        assert all(str(error).endswith(decoder_mark()) for error in faulty)


@pytest.mark.parametrize("fault", ["killed-once", "stopped-once"])
def test_a_process_that_something_else_ended_or_stopped_is_replaced_without_a_trace(
    pool: DecoderPool, fault: str
) -> None:
    check_pixels(results(pool, JPEG + MARKS[fault]), JPEG)


def test_a_larger_result_than_the_memory_was_made_for_is_delivered() -> None:
    pool = DecoderPool(1)
    try:
        for side in (16, 1200, 16):
            spec = ImageSpec(side, side)
            (pixels,) = pool.decode(JPEG, read_header(JPEG), [spec]).results
            np.testing.assert_array_equal(pixels, decode(JPEG, spec))  # type: ignore[arg-type]
    finally:
        pool.close()


def children_of(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.fixture
def single() -> Iterator[tuple[DecoderPool, int, int]]:
    """A pool with one process, that of its server, and that of its decoder."""
    before = set(children_of(os.getpid()))
    pool = DecoderPool(1)
    check_pixels(results(pool, JPEG), JPEG)
    (server,) = set(children_of(os.getpid())) - before
    (child,) = children_of(server)
    yield pool, server, child
    pool.close()


def test_children_get_no_secret_and_few_rights(
    single: tuple[DecoderPool, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "never-shown")
    pool = DecoderPool(1)
    pool.decode(JPEG, read_header(JPEG), SPECS)
    pool.close()
    _, _, child = single
    names = {entry.split("=")[0] for entry in Path(f"/proc/{child}/environ").read_text().split("\0") if entry}
    assert not {name for name in names if name.startswith(("AWS", "AZURE", "GOOGLE", "MELANOMA"))}
    limits = Path(f"/proc/{child}/limits").read_text()
    assert " ".join(str(3 * 2**30).split()) in limits
    status = Path(f"/proc/{child}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert Path(f"/proc/{child}/oom_score_adj").read_text().strip() == "1000"


def page_faults(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[7])


def test_a_decoder_keeps_its_memory_from_one_photograph_to_the_next(single: tuple[DecoderPool, int, int]) -> None:
    pool, _, child = single
    png = encode(photograph(600, 450), "PNG")
    results(pool, png)
    before = page_faults(child)
    for _ in range(5):
        results(pool, png)
    assert page_faults(child) - before < 5 * 350  # without that it is 700 for each


def test_signals_for_the_whole_group_do_not_end_a_decoder(single: tuple[DecoderPool, int, int]) -> None:
    pool, server, child = single
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(child, number)
        os.kill(server, number)
    check_pixels(results(pool, JPEG), JPEG)
    assert children_of(server) == [child]


def test_a_killed_decoder_is_replaced(single: tuple[DecoderPool, int, int]) -> None:
    pool, server, child = single
    os.kill(child, signal.SIGKILL)
    check_pixels(results(pool, JPEG), JPEG)
    assert children_of(server) != [child]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_does_not_answer_is_replaced_together_with_its_decoders(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(decoder_owner, "_ANSWER_SECONDS", 5.0)
    before, pool = set(children_of(os.getpid())), DecoderPool(1)
    check_pixels(results(pool, JPEG), JPEG)
    (server,) = set(children_of(os.getpid())) - before
    (child,) = children_of(server)
    os.kill(server, number)
    os.kill(child, signal.SIGKILL)
    check_pixels(results(pool, JPEG), JPEG)
    (new,) = set(children_of(os.getpid())) - before
    assert new != server
    pool.close()
    assert set(children_of(os.getpid())) == before


def test_a_fork_of_the_owner_starts_processes_of_its_own() -> None:
    pool = decoders()
    check_pixels(results(pool, JPEG), JPEG)
    if (fork := os.fork()) == 0:
        own = decoders()
        pixels, _ = results(own, JPEG)
        own.close()
        os._exit(0 if own is not pool and np.array_equal(pixels, decode(JPEG, SPECS[0])) else 1)  # type: ignore[arg-type]
    assert os.waitpid(fork, 0)[1] == 0
    assert decoders() is pool
    check_pixels(results(pool, JPEG), JPEG)


def test_all_processes_end_with_the_pool() -> None:
    before = set(children_of(os.getpid()))
    pool = DecoderPool(2)
    check_pixels(results(pool, JPEG), JPEG)
    pool.close()
    assert set(children_of(os.getpid())) == before
