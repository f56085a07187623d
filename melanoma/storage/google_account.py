"""Google Cloud Storage: what the environment says about it, as fsspec and as Delta Lake want to be told.

`GOOGLE_APPLICATION_CREDENTIALS` names a key file; without it both libraries look where `gcloud auth
application-default login` writes, and then ask the machine. `STORAGE_EMULATOR_HOST` leads to another server.
"""

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from melanoma.errors import UsageError

_CREDENTIALS, _EMULATOR = "GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"
_READ_BY_DELTA = ("service_account", "authorized_user")


@dataclass(frozen=True)
class GoogleAccount:
    """Where Google Cloud Storage is, and who asks.

    Attributes:
        endpoint: Address of another server; empty for Google's own.
        credentials: Path of the file with credentials; empty where the environment names none.
        kind: Type that the file states; empty without a file.
    """

    endpoint: str = ""
    credentials: str = ""
    kind: str = ""

    @classmethod
    def from_environment(cls) -> "GoogleAccount":
        """Reads the settings from the environment.

        Raises:
            UsageError: The file with credentials is not there, or is not one.
        """
        host = os.environ.get(_EMULATOR, "").rstrip("/")
        endpoint = "" if host in ("", "default") else host if "://" in host else f"http://{host}"
        path = os.environ.get(_CREDENTIALS, "")
        return cls(endpoint, path, _kind_of(path) if path else "")

    def fsspec_options(self) -> dict[str, Any]:
        """Returns the options for fsspec's file system."""
        options: dict[str, Any] = {"session_kwargs": {"trust_env": True}}  # the proxies of the environment
        return options | ({"token": "anon"} if self.endpoint and not self.credentials else {})

    def delta_options(self) -> dict[str, str]:
        """Returns the options for Delta Lake.

        Raises:
            UsageError: The file holds credentials that Delta Lake cannot use.
        """
        if self.kind and self.kind not in _READ_BY_DELTA:
            raise UsageError(
                f"gs://: {_CREDENTIALS} names credentials of type {self.kind!r}, with which photographs can be read, "
                "but no score table; use the key file of a service account, or run where the machine has one"
            )
        if not self.endpoint:
            return {}
        options = {"allow_http": "true"} if self.endpoint.startswith("http://") else {}
        if self.credentials:
            return options | {"google_base_url": self.endpoint}
        # Its option to sign nothing holds for reading only: for writing it would ask the machine for a token.
        nobody = dict.fromkeys(("private_key", "private_key_id", "client_email"), "")
        unsigned = {**nobody, "gcs_base_url": self.endpoint, "disable_oauth": True}
        return options | {"google_service_account_key": json.dumps(unsigned)}


@lru_cache(maxsize=4)  # asked for every photograph
def _kind_of(path: str) -> str:
    """Returns the type of a file with credentials."""
    try:
        kind = json.loads(Path(path).read_bytes())["type"]
    except OSError as error:
        found = f"names {path}, which cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError):
        found = f"names {path}, which is not a file with credentials: it is not JSON with a type"
    else:
        return str(kind)
    raise UsageError(f"gs://: {_CREDENTIALS} {found}; check the path, or download the key file again") from None
