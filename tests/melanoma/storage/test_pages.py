"""What a store says of one entry, where it refuses at first."""

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError
from tests.helpers.small_answers import BUCKET, CONTENT, Answer, Request, SmallStore

pytestmark = pytest.mark.usefixtures("one_try")
_XML = {"Content-Type": "application/xml"}
_MALFORMED = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>"
_ILLEGAL = b"<Error><Code>IllegalLocationConstraint</Code><Message>m</Message></Error>"


def test_the_library_learns_the_region_of_a_bucket_from_a_listing(store: SmallStore) -> None:
    def elsewhere(request: Request, answer: Answer) -> Answer:
        is_signed_for_it = "/eu-central-1/" in request.headers.get("authorization", "")
        return answer if is_signed_for_it else Answer(400, _XML, b"" if request.method == "HEAD" else _MALFORMED)

    store.fault = elsewhere
    assert storage.exists(f"s3://{BUCKET}/in/a.jpg")
    (listed,) = storage.list_files(f"s3://{BUCKET}/in/a.jpg")
    assert storage.read_bytes(listed.uri, listed) == CONTENT


@pytest.mark.parametrize(
    ("body", "named"), [(_MALFORMED, "another region, eu-central-1"), (_ILLEGAL, "another region")]
)
def test_a_wrong_region_is_a_refusal_that_names_the_right_one(store: SmallStore, body: bytes, named: str) -> None:
    store.fault = lambda request, answer: Answer(400, _XML, b"" if request.method == "HEAD" else body)
    for act in (storage.stat, storage.exists):
        with pytest.raises(ReadError) as caught:
            act(f"s3://{BUCKET}/in/b.jpg")
        assert caught.value.kind is ErrorKind.FORBIDDEN and caught.value.detail.endswith(named)
