"""The S3 server of these tests is a process of its own: Delta Lake holds Python's lock while it reads its log."""

from collections.abc import Iterator

import pytest

from tests.helpers.s3_process import s3_process, s3_variables
from tests.helpers.store_servers import is_required
from tests.helpers.stores import STORES, Store, variables


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A real S3 server on the loopback, with its credentials in the usual environment."""
    with s3_process() as endpoint, s3_variables(endpoint):
        yield endpoint


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in STORES])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Each store in turn, with nothing in the environment but what its user sets."""
    if not is_required():
        pytest.skip("make test-stores runs this: it installs and starts the servers of all stores")
    with STORES[request.param](tmp_path_factory.mktemp(request.param)) as found, variables(found.environment):
        yield found
