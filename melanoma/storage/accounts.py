"""Azure storage accounts: which one the environment names, and which one a URI."""

import os
import re
from typing import Any

from melanoma.errors import UsageError

CONNECTION_STRING = "AZURE_STORAGE_CONNECTION_STRING"
_IN_URI = re.compile(r"[^/@]+@([^./]+)\.[^/]+")


def connection_settings(text: str) -> dict[str, str]:
    """Returns the settings of a connection string, by their names in lower case."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def refuse_other_account(protocol: str, rest: str, fs: Any) -> None:
    """Refuses a URI that names another account than the environment: its files would be looked for in the wrong one.

    Args:
        protocol: Of the URI.
        rest: What follows it, such as `container@account.dfs.core.windows.net/folder`.
        fs: File system that the environment's account is opened with.

    Raises:
        UsageError: The accounts differ.
    """
    found = _IN_URI.match(rest) if protocol == "az" else None
    if found is None:
        return
    settings = connection_settings(fs.connection_string or os.environ.get(CONNECTION_STRING, ""))
    known = settings.get("accountname") or fs.account_name
    if known != found[1]:
        raise UsageError(
            f"az://: the URI names the account {found[1]}, the environment {known}; set AZURE_STORAGE_ACCOUNT_NAME and "
            "its key, or the connection string, of that account"
        )
