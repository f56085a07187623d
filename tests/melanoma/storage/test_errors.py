"""What a store library raises, in our words: by type and status, whatever else the type may be."""

import json
import ssl
import tarfile
import zipfile

import pytest

from melanoma.errors import ErrorKind
from melanoma.storage.errors import kind_of


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ssl.SSLCertVerificationError("certificate of a proxy"), ErrorKind.STORE_UNAVAILABLE),
        (json.JSONDecodeError("a proxy's page", "<html>", 0), ErrorKind.STORE_UNAVAILABLE),
        (ValueError("embedded null byte"), ErrorKind.BAD_NAME),
        (tarfile.ReadError("truncated header"), ErrorKind.CORRUPT),
        (zipfile.BadZipFile("no directory"), ErrorKind.CORRUPT),
        (PermissionError(13, "Permission denied"), ErrorKind.FORBIDDEN),
        (ConnectionResetError(), ErrorKind.STORE_UNAVAILABLE),
    ],
)
def test_errors_are_told_apart(error: Exception, kind: ErrorKind) -> None:
    assert kind_of(error) is kind
