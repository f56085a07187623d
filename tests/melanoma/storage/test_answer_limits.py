"""Answers without an end, in each protocol: a body is read to its limit, and not until the memory is full."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError
from melanoma.storage.answer_limits import MOST_BYTES
from tests.helpers.small_answers import CONTENT, Answer, Request, SmallStore

pytestmark = pytest.mark.usefixtures("one_try")
_PART = b"<a>" * 2**15
_BUFFERS = 2**24  # bytes that may wait in the network of this machine


class Endless:
    """A fault that lets answers go on for ever, and counts what was sent of them."""

    def __init__(self, concerned: Callable[[Request], bool], status: int = 200) -> None:
        self._concerned, self._status, self.sent = concerned, status, 0

    def __call__(self, request: Request, answer: Answer) -> Answer:
        """Returns an answer of any length, or the right one."""
        if not self._concerned(request):
            return answer
        return replace(answer, status=answer.status if self._status == 200 else self._status, rest=self._parts)

    def _parts(self) -> Iterator[bytes]:
        while True:
            self.sent += len(_PART)
            yield _PART


def _error_of(act: Callable[[], object]) -> ReadError:
    with pytest.raises(ReadError) as caught:
        act()
    return caught.value


def _listed(root: str) -> storage.StoredFile:
    return next(file for file in storage.list_files(root) if file.uri.endswith("a.jpg"))


def test_a_page_of_a_listing_has_a_limit(store: SmallStore, root: str) -> None:
    assert len(list(storage.list_files(root))) == 3
    store.fault = endless = Endless(lambda request: request.is_listing)
    error = _error_of(lambda: list(storage.list_files(root)))
    assert error.kind is ErrorKind.STORE_UNAVAILABLE and "does not end" in error.detail
    assert endless.sent <= 2 * MOST_BYTES + _BUFFERS  # one that describes the folder, and its first page


def test_a_photograph_is_read_to_its_listed_size(store: SmallStore, root: str) -> None:
    listed = _listed(root)
    assert storage.read_bytes(listed.uri, listed) == CONTENT
    store.fault = endless = Endless(lambda request: request.is_read)
    error = _error_of(lambda: storage.read_bytes(listed.uri, listed))
    assert error.kind is ErrorKind.STORE_UNAVAILABLE and "more or fewer bytes" in error.detail
    assert endless.sent <= _BUFFERS


@pytest.mark.parametrize("status", [403, 500])
def test_the_text_of_an_error_has_a_limit(store: SmallStore, root: str, status: int) -> None:
    listed = _listed(root)
    store.fault = endless = Endless(lambda request: request.is_read, status)
    _error_of(lambda: storage.read_bytes(listed.uri, listed))
    assert endless.sent <= MOST_BYTES + _BUFFERS


def test_words_in_an_error_decide_nothing(store: SmallStore, root: str) -> None:
    listed = _listed(root)
    body = b'{"error": {"message": "invalid answer from upstream"}}'
    store.fault = lambda request, answer: Answer(503, {"Content-Type": "application/json"}, body)
    acts = (lambda: storage.stat(listed.uri), lambda: list(storage.list_files(root)), lambda: storage.exists(root))
    assert {_error_of(act).kind for act in acts} == {ErrorKind.STORE_UNAVAILABLE}
