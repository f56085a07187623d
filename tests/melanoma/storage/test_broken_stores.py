"""Answers that no sound store sends, in each protocol: listing and reading end, and say that the store failed."""

import base64
import gzip
import hashlib
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError
from tests.helpers.small_answers import BUCKET, CONTENT, TOKENS, Answer, Fault, Request, SmallStore

pytestmark = pytest.mark.usefixtures("one_try")
HTML = b"<!DOCTYPE html><html><head><title>Log in</title></head><body>Please log in</body></html>"
Change = Callable[[Answer], Answer]
ASKS_FOR_ONE = {"max-keys", "maxResults", "maxresults"}  # whether there is anything
_SECONDS, _SHORT = 3.0, 0.1  # for one object; the short one where the store hangs


def of_reads(change: Change) -> Fault:
    return lambda request, answer: change(answer) if request.is_read else answer


def of_listings(change: Change) -> Fault:
    return lambda request, answer: change(answer) if request.is_listing else answer


def first_of(root: str) -> storage.StoredFile:
    return next(file for file in storage.list_files(root) if file.uri.endswith("a.jpg"))


def error_of_reading(store: SmallStore, root: str, fault: Fault, seconds: float = _SECONDS) -> ReadError:
    listed = first_of(root)
    store.fault = fault
    storage.set_object_timeout(seconds)
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed.uri, listed)
    return caught.value


def error_of_listing(store: SmallStore, root: str, fault: Fault, seconds: float = _SECONDS) -> ReadError:
    assert len(list(storage.list_files(root))) == 3
    store.fault = fault
    storage.set_object_timeout(seconds)
    with pytest.raises(ReadError) as caught:
        list(itertools.islice(storage.list_files(root), 3000))
    return caught.value


def with_length(answer: Answer, body: bytes) -> Answer:
    """Returns an answer of another body that states its true length."""
    headers = {
        name: re.sub(r"-\d+/\d+", f"-{len(body) - 1}/{len(body)}", value) for name, value in answer.headers.items()
    }
    return replace(answer, headers=headers, body=body)


def cut_short(answer: Answer) -> Answer:
    return replace(answer, headers={**answer.headers, "Content-Length": str(len(answer.body))}, body=answer.body[:100])


def status(number: int, body: bytes = b"", **headers: str) -> Change:
    return lambda answer: Answer(number, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def page_of_login(answer: Answer) -> Answer:
    return Answer(200, {"Content-Type": "text/html"}, HTML)


@pytest.mark.parametrize(
    "change",
    [
        cut_short,
        lambda answer: with_length(answer, answer.body[:100]),
        lambda answer: with_length(answer, answer.body + b"more"),
        lambda answer: replace(answer, body=answer.body[:100], rest=lambda: iter(())),
        lambda answer: replace(answer, headers={**answer.headers, "Content-Length": "-5"}),
        lambda answer: replace(answer, headers={**answer.headers, "X-Long": "x" * 100_000}),
        page_of_login,
        status(204),
        status(304),
        status(416),
        status(429, Retry_After="3600"),
        status(503, b"invalid answer from upstream", Retry_After="3600"),
        status(307, Location="/"),
    ],
    ids=[*"cut shorter longer closed length headers login 204 304 416 429 503 redirect".split()],  # noqa: SIM905
)
def test_a_wrong_answer_to_a_read_is_a_failure_of_the_store(store: SmallStore, root: str, change: Change) -> None:
    assert error_of_reading(store, root, of_reads(change)).kind.is_transient


@pytest.mark.parametrize("change", [lambda answer: None, lambda answer: replace(answer, pause=0.05)])
def test_a_read_without_end_ends(store: SmallStore, root: str, change: Change) -> None:
    assert error_of_reading(store, root, of_reads(change), _SHORT).kind.is_transient


def test_a_packed_bomb_is_not_unpacked(store: SmallStore, root: str) -> None:
    packed = {"Content-Encoding": "gzip"}
    bomb = gzip.compress(bytes(10**8), 1)
    change = of_reads(lambda answer: replace(with_length(answer, bomb), headers={**answer.headers, **packed}))
    assert error_of_reading(store, root, change).kind.is_transient


def test_what_a_proxy_packed_is_unpacked(store: SmallStore, root: str) -> None:
    listed = first_of(root)
    store.fault = of_reads(
        lambda answer: replace(
            answer, headers={**answer.headers, "Content-Encoding": "gzip"}, body=gzip.compress(answer.body)
        )
    )
    assert storage.read_bytes(listed.uri, listed) == CONTENT


def test_an_object_that_is_stored_packed_comes_as_it_is_stored(store: SmallStore, root: str) -> None:
    store.files["in/a.jpg"] = gzip.compress(CONTENT)
    listed = first_of(root)
    store.fault = of_reads(lambda answer: replace(answer, headers={**answer.headers, "Content-Encoding": "gzip"}))
    assert storage.read_bytes(listed.uri, listed) == store.files["in/a.jpg"]


def test_bytes_that_do_not_match_the_checksum_are_not_believed(store: SmallStore) -> None:
    md5 = base64.b64encode(hashlib.md5(CONTENT, usedforsecurity=False).digest()).decode()
    stated = {"x-goog-hash": f"crc32c=AAAAAA==,md5={md5}", "x-ms-blob-content-md5": md5}
    for root in (f"gs://{BUCKET}/in", f"az://{BUCKET}/in"):
        store.fault = of_reads(lambda answer: replace(answer, headers={**answer.headers, **stated}))
        listed = first_of(root)
        assert storage.read_bytes(listed.uri, listed) == CONTENT
        changed = of_reads(
            lambda answer: replace(answer, headers={**answer.headers, **stated}, body=bytes(len(CONTENT)))
        )
        assert "checksum" in error_of_reading(store, root, changed).detail


def without_etags(answer: Answer) -> Answer:
    headers = {name: value for name, value in answer.headers.items() if name not in ("ETag", "x-goog-generation")}
    body = re.sub(rb"<(ETag|Etag)>.*?</\1>", b"", answer.body)
    body = re.sub(rb'"(etag|generation)": "[^"]*",? ?', b"", body) if body.startswith(b"{") else body
    return replace(answer, headers=headers, body=body)


def with_weak_etags(answer: Answer) -> Answer:
    headers = {name: f"W/{value}" if name == "ETag" else value for name, value in answer.headers.items()}
    body = re.sub(rb'<(ETag|Etag)>"?(.*?)"?</\1>', rb'<\1>W/"\2"</\1>', answer.body)
    return replace(answer, headers=headers, body=body)


def with_bare_etags(answer: Answer) -> Answer:
    headers = {name: value.strip('"') if name == "ETag" else value for name, value in answer.headers.items()}
    return replace(answer, headers=headers, body=re.sub(rb'<ETag>"(.*?)"</ETag>', rb"<ETag>\1</ETag>", answer.body))


@pytest.mark.parametrize("change", [without_etags, with_weak_etags, with_bare_etags])
def test_etags_of_other_spellings_and_none_refuse_no_photograph(store: SmallStore, root: str, change: Change) -> None:
    store.fault = lambda request, answer: change(answer)
    listed = first_of(root)._replace(modified=None)  # a run remembers the version only
    assert storage.read_bytes(listed.uri, listed) == CONTENT
    store.files["in/a.jpg"] = CONTENT[::-1] + b"longer"
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed.uri, listed)
    assert caught.value.kind is ErrorKind.CHANGED


def with_token(answer: Answer, token: str) -> Answer:
    body = answer.body
    if body.startswith(b"{"):
        body = json.dumps({**json.loads(body), "nextPageToken": token}).encode()
    body = body.replace(b"<NextMarker></NextMarker>", f"<NextMarker>{token}</NextMarker>".encode())
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
    return replace(answer, body=body.replace(b"<IsTruncated>false</IsTruncated>", more.encode()))


def without_entries(answer: Answer) -> Answer:
    body = re.sub(rb"<(Contents|CommonPrefixes|Blob|BlobPrefix)>.*?</\1>", b"", answer.body)
    if body.startswith(b"{"):
        body = json.dumps({**json.loads(body), "items": [], "prefixes": []}).encode()
    return replace(answer, body=body)


def test_a_listing_is_read_page_by_page(store: SmallStore, root: str) -> None:
    store.page = 10
    store.files = {f"in/{number:05}.jpg": b"x" for number in range(50)}
    listed = storage.list_files(root)
    for pages in (1, 2):
        for _ in range(10):
            next(listed)
        asked = [request for request in store.seen if request.is_listing and not ASKS_FOR_ONE & request.query.keys()]
        assert len(asked) == pages
    assert len(list(listed)) == 30


def test_a_token_that_comes_back_ends_the_listing(store: SmallStore, root: str) -> None:
    found = error_of_listing(store, root, of_listings(lambda answer: with_token(answer, "again")))
    assert found.kind is ErrorKind.STORE_UNAVAILABLE and "again and again" in found.detail


@pytest.mark.parametrize("change", [lambda answer: answer, without_entries], ids=["same", "empty"])
def test_pages_without_anything_new_share_a_deadline(store: SmallStore, root: str, change: Change) -> None:
    numbers = itertools.count()
    fault = of_listings(lambda answer: with_token(change(answer), f"t{next(numbers)}"))
    assert error_of_listing(store, root, fault, _SHORT).kind is ErrorKind.TIMEOUT


def test_empty_pages_in_between_are_passed_over(store: SmallStore, root: str) -> None:
    def empty_at_first(request: Request, answer: Answer) -> Answer:
        is_first = not {*TOKENS, *ASKS_FOR_ONE} & request.query.keys()
        return with_token(without_entries(answer), "in/a") if request.is_listing and is_first else answer

    listed = list(storage.list_files(f"{root}/c")), list(storage.list_files(root))
    store.fault = empty_at_first
    assert (list(storage.list_files(f"{root}/c")), list(storage.list_files(root))) == listed


ENTITIES = b"".join(b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 10))
BOMB = b'<!DOCTYPE l [<!ENTITY a0 "aaaaaaaaaa">%s]><ListBucketResult><Name>&a9;</Name></ListBucketResult>' % ENTITIES


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: replace(answer, body=HTML),
        lambda answer: replace(answer, body=b"<html><body>Log in</body></html>"),
        lambda answer: replace(answer, body=b"[]"),
        lambda answer: replace(answer, body=b"[" * 100_000),
        lambda answer: replace(answer, body=BOMB),
        lambda answer: replace(answer, body=answer.body[:-30]),
        lambda answer: replace(answer, body=answer.body.replace(b"in/c/", b"elsewhere/")),
        cut_short,
        status(204),
        status(304),
        status(429, Retry_After="3600"),
    ],
    ids=[*"html xhtml list deep bomb cut elsewhere short 204 304 429".split()],  # noqa: SIM905
)
def test_a_wrong_answer_to_a_listing_is_never_an_empty_folder(store: SmallStore, root: str, change: Change) -> None:
    assert error_of_listing(store, root, of_listings(change)).kind.is_transient


def test_a_login_page_in_place_of_everything_is_no_photograph(store: SmallStore, root: str) -> None:
    assert error_of_listing(store, root, lambda request, answer: page_of_login(answer)).kind.is_transient
    with pytest.raises(ReadError) as caught:
        storage.stat(f"{root}/a.jpg")
    assert caught.value.kind.is_transient


def test_a_folder_that_is_missing_is_missing(store: SmallStore, root: str) -> None:
    with pytest.raises(ReadError) as caught:
        list(storage.list_files(f"{root}/nothing"))
    assert caught.value.kind is ErrorKind.MISSING
