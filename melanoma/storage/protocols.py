"""The spellings of each store's protocol, and the options with which its file system is opened.

Only the job decides how often and how long something is tried: the retries of the stores' libraries are switched off.
"""

import asyncio
import contextlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from melanoma.errors import UsageError
from melanoma.redaction import has_login
from melanoma.storage import aws_account
from melanoma.storage.azure_account import AzureAccount
from melanoma.storage.credential_errors import advice_for
from melanoma.storage.gcs_requests import request_of_gcs
from melanoma.storage.google_account import GoogleAccount
from melanoma.storage.uris import ARCHIVES, archive_of, split

LOCAL = ("file", "local", "")
EXTRAS = {"s3": "s3", "gs": "gcs", "az": "azure"}
_CLOUDS = {"s3": "AWS", "gs": "Google Cloud", "az": "Azure"}
ALIASES = {"s3a": "s3", "gcs": "gs", "abfs": "az", "abfss": "az"}
_ALIAS = re.compile(rf"(^|::)({'|'.join(ALIASES)})://")
_CONNECT_SECONDS, _SILENT_SECONDS = 5, 20
_KIND_SECONDS = 5  # to learn the kind of a bucket
CONNECTIONS = 64  # to a store, of one process; as many threads read at once


def plain(uri: str) -> str:
    """Returns a canonical URI with each store's protocol as it is written today.

    Tables of earlier versions hold `s3a://`, `gcs://`, `abfs://` and `abfss://`, each of which is another name of a
    store.
    """
    return _ALIAS.sub(lambda found: f"{found[1]}{ALIASES[found[2]]}://", uri) if "://" in uri else uri


def spellings(uri: str) -> list[str]:
    """Returns a canonical URI as today's and earlier versions may have written it, today's first."""
    today = plain(uri)
    found = re.search(rf"(^|::)({'|'.join(EXTRAS)})://", today)
    if found is None:
        return [today]
    others = [alias for alias, protocol in ALIASES.items() if protocol == found[2]]
    return [today, *(f"{today[: found.start(2)]}{alias}{today[found.end(2) :]}" for alias in others)]


def has_spellings(uri: str) -> bool:
    """Tells whether a canonical URI lies in a store whose protocol has several names."""
    return len(spellings(uri)) > 1


@dataclass(frozen=True)
class Spelling:
    """How a score table writes the protocols of stores that have several names.

    A table that an earlier version began under `s3a://` goes on under it, so that a photograph has one name there.

    Attributes:
        names: Protocols as the table writes them, by today's names; without those that it writes as today.
    """

    names: Mapping[str, str] = field(default_factory=dict)

    def of(self, uri: str) -> str:
        """Returns a canonical URI as the table writes it."""
        for today, earlier in self.names.items():
            uri = re.sub(rf"(^|::){today}://", rf"\g<1>{earlier}://", uri)
        return uri


def spelling_of(protocols: Collection[str]) -> Spelling:
    """Returns the spelling of a table in which some protocols occur; today's wins where it has both."""
    earlier = (name for name in sorted(ALIASES) if name in protocols and ALIASES[name] not in protocols)
    return Spelling({ALIASES[name]: name for name in earlier})


def refuse_key(uri: str) -> None:
    """Refuses a URI with a key in it: it would stay in the score table, and is in the list of processes already.

    Raises:
        UsageError: There is a key or a user in front of the bucket of the URI, or of that of its archive.
    """
    place = archive_of(uri) if split(uri)[0] in ARCHIVES else uri
    if has_login(place):
        protocol = split(plain(place.lower()))[0]
        raise UsageError(
            f"{protocol}://***@: a URI must not hold keys, which others can read in logs and lists of processes; "
            f"take them out of the URI, and {advice_for(_CLOUDS[protocol])}"
        )


def options_of(protocol: str) -> dict[str, Any]:
    """Returns the options with which fsspec opens a file system.

    Raises:
        UsageError: The environment lacks something that the store needs.
    """
    options: dict[str, Any] = {"use_listings_cache": False}
    if protocol == "s3":
        options |= aws_account.fsspec_options()
        from melanoma.storage.aws_session import LimitedSession

        options["config_kwargs"] = {
            "http_session_cls": LimitedSession,
            "connect_timeout": _CONNECT_SECONDS,
            "read_timeout": _SILENT_SECONDS,
            "retries": {"total_max_attempts": 1},
            "max_pool_connections": CONNECTIONS,
        }
    elif protocol == "gs":
        import aiohttp  # comes with gcsfs

        options |= GoogleAccount.from_environment().fsspec_options()
        options["requests_timeout"] = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS
        )
    elif protocol == "az":
        import adlfs  # noqa: F401 - that it is missing is said before what the environment lacks

        options |= AzureAccount.from_environment().fsspec_options()
        options |= {"connection_timeout": _CONNECT_SECONDS, "read_timeout": _SILENT_SECONDS}
    return options


def without_retries(protocol: str, fs: Any) -> Any:
    """Switches off a library's retries, and limits its answers, where no option does; returns the file system."""
    if protocol == "s3":
        fs.retries = 1
    elif protocol == "gs":
        fs._request = request_of_gcs.__get__(fs)
        _ask_kinds_once(fs)
    elif protocol == "az":
        from melanoma.storage.azure_transport import LimitedTransport

        if not isinstance(fs.service_client._pipeline._transport, LimitedTransport):
            fs.service_client._pipeline._transport = LimitedTransport()
        for policy in fs.service_client._pipeline._impl_policies:
            if hasattr(policy, "total_retries"):
                policy.total_retries = 0
    return fs


def _ask_kinds_once(fs: Any) -> None:
    """Limits how often and how long gcsfs asks for the kind of a bucket, and takes a bucket without an answer as flat.

    gcsfs asks by gRPC, for which a key may lack the right and a firewall the way. It would wait for a minute, and ask
    again before every object. A server other than Google's has no such interface.
    """
    if not hasattr(fs, "_get_bucket_type"):  # switched off by GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT
        return
    from gcsfs.extended_gcsfs import BucketType

    ask, is_googles = type(fs)._get_bucket_type.__get__(fs), not GoogleAccount.from_environment().endpoint

    async def kind_of(bucket: str) -> Any:
        kind = BucketType.UNKNOWN
        if is_googles:
            with contextlib.suppress(TimeoutError):
                kind = await asyncio.wait_for(ask(bucket), _KIND_SECONDS)
        return BucketType.NON_HIERARCHICAL if kind is BucketType.UNKNOWN else kind

    fs._get_bucket_type = kind_of
