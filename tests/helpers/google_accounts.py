"""Service accounts of Google Cloud with a key of their own, as their owners download them."""

import json
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_PEM = serialization.Encoding.PEM


class GoogleAccount(NamedTuple):
    """A service account.

    Attributes:
        email: Its name.
        key: Private key, PEM.
        certificate: Public key, PEM.
    """

    email: str
    key: str
    certificate: str


def new_account(email: str = "melanoma@hospital.iam.gserviceaccount.com") -> GoogleAccount:
    """Creates an account with a new key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(_PEM, form, serialization.NoEncryption()).decode()
    public = key.public_key().public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    return GoogleAccount(email, private, public)


def write_credentials(path: Path, account: GoogleAccount, token_uri: str) -> Path:
    """Writes the file that `GOOGLE_APPLICATION_CREDENTIALS` names."""
    found = {
        "type": "service_account",
        "project_id": "hospital",
        "private_key_id": "1",
        "private_key": account.key,
        "client_email": account.email,
        "client_id": "1",
        "token_uri": token_uri,
    }
    path.write_text(json.dumps(found))
    return path
