"""Exceptions of store libraries become error kinds by type and status; their texts are never quoted."""

import errno
import json
import os
import socket
import ssl
import tarfile
import zipfile

import aiohttp
import azure.core.exceptions
import azure.identity
import botocore.exceptions
import gcsfs.retry
import google.auth.exceptions
import pytest
from azure.storage.blob import StorageErrorCode

from melanoma.errors import ErrorKind, ReadError
from melanoma.storage.errors import MEANING, detail_of, is_refused, kind_of, reason_of, with_advice

_CHECK_ADDRESS = "check host, port and proxy"
_CHECK_SCHEME = "check host and port, and the http:// or https:// of its address"
_UNREACHED = f"nothing answers at its address as expected; {_CHECK_SCHEME}, and the proxy"
_CLOSED = f"it closed the connection; {_CHECK_SCHEME}"
_WITHOUT_TLS = "it does not speak HTTPS with a trusted certificate; check the http:// or https:// of its address"


class StatusError(Exception):
    """An exception that carries an HTTP status, as those of several libraries do."""

    def __init__(self, **attributes: object) -> None:
        super().__init__("GET https://store/DOE_JANE.jpg?signature=SECRET")
        vars(self).update(attributes)


class ReadTimeoutError(Exception):
    """Has the name of urllib3's exception, which is not a TimeoutError."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ssl.SSLCertVerificationError("certificate of a proxy"), ErrorKind.STORE_UNAVAILABLE),
        (json.JSONDecodeError("a proxy's page", "<html>", 0), ErrorKind.STORE_UNAVAILABLE),
        (ValueError("embedded null byte"), ErrorKind.BAD_NAME),
        (tarfile.ReadError("truncated header"), ErrorKind.CORRUPT),
        (zipfile.BadZipFile("no directory"), ErrorKind.CORRUPT),
        (NotImplementedError("compression type 99"), ErrorKind.CORRUPT),
        (PermissionError(13, "Permission denied"), ErrorKind.FORBIDDEN),
        (OSError(errno.EROFS, "Read-only file system"), ErrorKind.FORBIDDEN),
        (OSError(errno.ENAMETOOLONG, "File name too long"), ErrorKind.BAD_NAME),
        (FileExistsError(errno.EEXIST, "File exists"), ErrorKind.BAD_NAME),
        (FileExistsError("key"), ErrorKind.BAD_NAME),
        (FileNotFoundError(2, "No such file"), ErrorKind.MISSING),
        (NotADirectoryError(20, "Not a directory"), ErrorKind.MISSING),
        (KeyError("member"), ErrorKind.MISSING),
        (TimeoutError(), ErrorKind.TIMEOUT),
        (ReadTimeoutError(), ErrorKind.TIMEOUT),
        (ConnectionResetError(), ErrorKind.STORE_UNAVAILABLE),
        (OSError(errno.EIO, "Input/output error"), ErrorKind.STORE_UNAVAILABLE),
        (OSError("Forbidden: https://store/x"), ErrorKind.FORBIDDEN),
        (StatusError(status_code=403), ErrorKind.FORBIDDEN),
        (StatusError(code=404), ErrorKind.MISSING),
        (StatusError(status=408), ErrorKind.TIMEOUT),
        (StatusError(code="AccessDenied", status=401), ErrorKind.FORBIDDEN),
        (StatusError(status=500), ErrorKind.STORE_UNAVAILABLE),
        (StatusError(), ErrorKind.STORE_UNAVAILABLE),
        (StatusError(response={"Error": {"Code": "XAdminUserNotFound"}}), ErrorKind.FORBIDDEN),
        (botocore.exceptions.ParamValidationError(report="Invalid bucket name"), ErrorKind.BAD_NAME),
        (StatusError(error_code=StorageErrorCode.INVALID_RESOURCE_NAME, status_code=400), ErrorKind.BAD_NAME),
        (ReadError(ErrorKind.CHANGED, "overwritten"), ErrorKind.CHANGED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.value,
)
def test_errors_are_classified_by_type_and_status(error: Exception, kind: ErrorKind) -> None:
    assert kind_of(error) is kind


CREDENTIALS = [
    (botocore.exceptions.NoCredentialsError(), "no AWS credentials found"),
    (
        botocore.exceptions.PartialCredentialsError(provider="env", cred_var="SECRET"),
        "the AWS credentials are incomplete",
    ),
    (google.auth.exceptions.DefaultCredentialsError("SECRET"), "no Google Cloud credentials found"),
    (
        gcsfs.retry.HttpError({"code": 401, "message": "SECRET"}),
        "no valid Google Cloud credentials found",
    ),
    (azure.identity.CredentialUnavailableError("SECRET"), "no Azure credentials found"),
]


@pytest.mark.parametrize(("error", "reason"), CREDENTIALS, ids=lambda value: type(value).__name__)
def test_missing_credentials_of_each_cloud_are_named_plainly(error: Exception, reason: str) -> None:
    assert kind_of(error) is ErrorKind.FORBIDDEN
    assert reason_of(error) == detail_of(error) == reason


def test_a_refusal_with_google_credentials_is_not_reported_as_missing_ones() -> None:
    refused = gcsfs.retry.HttpError({"code": 403, "message": "jane@example.org has no access"})
    assert detail_of(refused) == f"{MEANING[ErrorKind.FORBIDDEN]} (HttpError)"


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (PermissionError(errno.EACCES, "DOE"), True),
        (OSError("Generic LocalFileSystem error: DOE: Permission denied (os error 13)"), True),
        (OSError("Generic LocalFileSystem error: DOE: Read-only file system (os error 30)"), True),
        (OSError("Generic S3 error: Client error with status 403 Forbidden: DOE"), True),
        (OSError("Kernel error: no credentials found in chain"), True),
        (OSError("Generic S3 error: GET DOE Server returned non-2xx status code 403 Forbidden"), True),
        (OSError("Generic S3 error: 400 Bad Request: <Code>ExpiredToken</Code>"), True),
        (OSError("Generic S3 error: 301 <Code>PermanentRedirect</Code>"), True),
        (OSError("Generic S3 error: 404 Not Found: <Code>XAdminUserNotFound</Code>"), True),
        (OSError("Generic GCS error: The operation lacked valid authentication credentials for path DOE"), True),
        (OSError("Generic S3 error: Server error with status 503: DOE-403"), False),
        (OSError("Generic LocalFileSystem error: No space left on device (os error 28)"), False),
        (TimeoutError("DOE"), False),
    ],
    ids=str,
)
def test_a_refusal_is_told_from_what_may_pass(error: Exception, is_final: bool) -> None:
    assert is_refused(error) is is_final


def test_missing_credentials_come_with_advice_and_refused_access_has_its_own() -> None:
    missing = ReadError(ErrorKind.FORBIDDEN, "no AWS credentials found")
    assert with_advice(missing).startswith("no AWS credentials found; set them in the environment: AWS_ACCESS_KEY_ID")
    refused = ReadError(ErrorKind.FORBIDDEN, f"{MEANING[ErrorKind.FORBIDDEN]} (Permission denied)")
    assert with_advice(refused) == refused.detail


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "DOE"), os.strerror(errno.ENOSPC)),
        (socket.gaierror(socket.EAI_NONAME, "DOE"), "its host name cannot be resolved"),
        (Exception("Generic error: DOE (os error 28)"), os.strerror(28)),
        (StatusError(status=500), "StatusError"),
        (OSError("DOE"), "OSError"),
        (OSError("DOE: no credentials found in chain"), "no credentials found"),
        (OSError("DOE: <Code>ExpiredToken</Code>"), "the credentials have expired"),
        (OSError("DOE: <Code>PermanentRedirect</Code>"), "the bucket lies in another region"),
        (botocore.exceptions.EndpointConnectionError(endpoint_url="http://SECRET"), _UNREACHED),
        (azure.core.exceptions.ServiceRequestError("SECRET"), _UNREACHED),
        (
            azure.core.exceptions.ServiceRequestError("SECRET", error=ConnectionRefusedError(111, "x")),
            f"{os.strerror(111)}; {_CHECK_ADDRESS}",
        ),
        (ConnectionResetError(errno.ECONNRESET, "SECRET"), f"{os.strerror(errno.ECONNRESET)}; {_CHECK_SCHEME}"),
        (aiohttp.ServerDisconnectedError("SECRET"), _CLOSED),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="http://SECRET"), _CLOSED),
        (azure.core.exceptions.ServiceResponseError("SECRET"), _CLOSED),
        (OSError("Generic error: DOE (os error 104)"), f"{os.strerror(104)}; {_CHECK_SCHEME}"),
        (OSError("DOE: client error: received corrupt message of type InvalidContentType"), _WITHOUT_TLS),
        (OSError("DOE: invalid peer certificate: UnknownIssuer"), _WITHOUT_TLS),
        (OSError("DOE: dns error: failed to lookup address information"), "its host name cannot be resolved"),
        (botocore.exceptions.SSLError(endpoint_url="https://SECRET", error="SECRET"), _WITHOUT_TLS),
        (ssl.SSLError(1, "SECRET"), _WITHOUT_TLS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_reason_quotes_the_system_or_the_type_and_never_the_error(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
    assert detail_of(error) == f"{MEANING[kind_of(error)]} ({reason})"
    assert "DOE" not in detail_of(error) and "SECRET" not in detail_of(error)


def test_every_kind_that_an_exception_can_have_has_a_meaning() -> None:
    kinds = {kind_of(error) for error in (KeyError(), PermissionError(), TimeoutError(), OSError(), ValueError())}
    assert kinds | {ErrorKind.CORRUPT, ErrorKind.CHANGED, ErrorKind.ARCHIVED} == MEANING.keys()
