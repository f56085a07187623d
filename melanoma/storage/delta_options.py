"""Where Delta Lake finds the folder of a table, and what it has to be told that its own library does not find.

fsspec and Delta Lake read the environment by different rules. Whatever photographs are read with, the table is too.
"""

import re
import time

from melanoma.errors import UsageError
from melanoma.storage import aws_account
from melanoma.storage.azure_account import AzureAccount
from melanoma.storage.deadlines import end_of_call
from melanoma.storage.filesystems import locate
from melanoma.storage.google_account import GoogleAccount
from melanoma.storage.protocols import EXTRAS
from melanoma.storage.uris import split

_SHORTEST_SECONDS = 1.0
_UNFIT = re.compile(r"[\[\]|^\\`]|%[0-9A-Fa-f]{2}")  # Delta Lake would read some of these as parts of a URL


def delta_location(uri: str) -> tuple[str, dict[str, str]]:
    """Returns a folder's URI for Delta Lake, and the storage options that it needs beyond the environment.

    Raises:
        UsageError: Delta Lake cannot write to this kind of store, or under this name, or the environment lacks
            something.
    """
    place = locate(uri)
    protocol = split(place.uri)[0]
    if wrong := _UNFIT.search(place.path):
        raise UsageError(
            f"{uri}: the score table cannot lie under a path with {wrong.group()!r}; choose another --output"
        )
    if place.is_local:
        return place.path, {}
    if protocol not in EXTRAS:
        raise UsageError(f"{protocol}:// cannot hold the score table; use a local folder, s3://, gs:// or az://")
    limit = f"{max(end_of_call() - time.monotonic(), _SHORTEST_SECONDS):.0f} seconds"
    waiting = {"timeout": limit, "connect_timeout": "5 seconds", "retry_timeout": limit}
    return place.uri, waiting | _account_options(protocol, place.path.partition("/")[0])


def _account_options(protocol: str, bucket: str) -> dict[str, str]:
    if protocol == "s3":
        return aws_account.delta_options(bucket)
    account = AzureAccount.from_environment() if protocol == "az" else GoogleAccount.from_environment()
    return account.delta_options()
