"""Checks who signed a bundle, with the package model-signing, before anything of the bundle is loaded.

The signature lies beside the bundle, as `<bundle>.sig`: so the bundle and its digest stay as they were before.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from melanoma import storage
from melanoma.errors import BundleError, ErrorKind, ReadError, UsageError
from melanoma.extras import install_command, missing_modules
from melanoma.model.description import DESCRIPTION
from melanoma.storage.temporary import temporary_folder

_SUFFIX = ".sig"
_EXTRA = "signing"
_MAX_BYTES = 1 << 20  # of a signature, a key or a certificate; real ones have a few KiB


@dataclass(frozen=True)
class Signer:
    """Who must have signed a bundle: the owner of a key, or of a certificate by an authority.

    Attributes:
        key: File of the public key (PEM); None where a certificate counts.
        authority: File of the authority's certificates (PEM); None where a key counts.
    """

    key: str | None
    authority: str | None

    @property
    def flag(self) -> str:
        """The flag that names the signer."""
        return "--bundle-key" if self.key else "--bundle-authority"

    @property
    def file(self) -> str:
        """The file that says who the signer is."""
        return self.key or self.authority or ""


def check_signature(uri: str, files: Mapping[str, bytes], signer: Signer) -> None:
    """Checks that the signer has signed exactly these files.

    Args:
        uri: URI of the bundle; the signature lies beside it.
        files: Content of all files of the bundle by name, `bundle.json` included.
        signer: Who must have signed them.

    Raises:
        UsageError: The package is not installed, or the key or the certificates cannot be read.
        BundleError: There is no signature, it is by somebody else or damaged, or the files are not those that were
            signed.
        ReadError: The store does not answer.
    """
    if missing_modules(_EXTRA):
        raise UsageError(f"{signer.flag} needs packages that are not installed; run: {install_command(_EXTRA)}")
    signature = _signature_of(uri)
    with temporary_folder() as folder:
        verifier = _verifier(signer, folder / "signer.pem")
        sealed = folder / "bundle.sig"
        sealed.write_bytes(signature)
        for name, data in files.items():
            _write(folder / "bundle", name, data)
        try:
            verifier.verify(folder / "bundle", sealed)
            covered = _names_signed(signature)
        except Exception as error:  # noqa: BLE001 - a hostile signature may raise anything in the libraries that read it
            raise BundleError(f"{_reason(error, signer)}, so nothing of it was loaded") from None
    if DESCRIPTION not in covered:
        raise BundleError(f"the signature leaves {DESCRIPTION} out, so it proves nothing; sign the whole folder")


def _signature_of(uri: str) -> bytes:
    place = storage.canonical(uri).rstrip("/") + _SUFFIX
    try:
        return storage.read_small(place, _MAX_BYTES)
    except ReadError as error:
        if error.kind is not ErrorKind.MISSING:
            raise
        name = storage.name_of(place)
        raise BundleError(f"it is not signed: there is no {name} beside it, so nothing of it was loaded") from None


def _verifier(signer: Signer, path: Path) -> Any:
    """Returns what verifies signatures of the signer."""
    from model_signing import verifying

    try:
        path.write_bytes(storage.read_small(storage.canonical(signer.file), _MAX_BYTES))
        if signer.key:
            return verifying.Config().use_elliptic_key_verifier(public_key=path)
        return verifying.Config().use_certificate_verifier(certificate_chain=[path])
    except ReadError as error:
        raise UsageError(f"{signer.flag} {signer.file}: {error.detail}") from None
    except Exception as error:  # noqa: BLE001 - each kind of wrong key raises another exception
        expected = "a public key of an elliptic curve" if signer.key else "certificates"
        raise UsageError(
            f"{signer.flag} {signer.file}: cannot be used ({type(error).__name__}), expected a PEM file with {expected}"
        ) from None


def _write(folder: Path, name: str, data: bytes) -> None:
    """Writes one file of the bundle where the package can read it.

    Raises:
        BundleError: Its name leads out of the bundle.
    """
    parts = PurePosixPath(name).parts
    if ".." in parts or PurePosixPath(name).is_absolute() or not parts:
        raise BundleError(f"{name!r:.60} is not the name of a file in a bundle")
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _names_signed(signature: bytes) -> set[str]:
    """Returns the names of the files that a signature covers, once it has been verified."""
    statement = json.loads(base64.b64decode(json.loads(signature)["dsseEnvelope"]["payload"]))
    return {signed["name"] for signed in statement["predicate"]["resources"]}


def _reason(error: Exception, signer: Signer) -> str:
    if str(error).startswith("Signature mismatch"):
        return "its files are not those that were signed"
    return f"its signature is damaged, or by somebody else than {signer.flag} says"
