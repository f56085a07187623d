"""The S3 server of these tests is a process of its own: Delta Lake holds Python's lock while it reads its log."""

from collections.abc import Iterator

import pytest

from tests.helpers.s3_process import s3_process, s3_variables


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A real S3 server on the loopback, with its credentials in the usual environment."""
    with s3_process() as endpoint, s3_variables(endpoint):
        yield endpoint
