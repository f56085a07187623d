"""Signs bundles with real keys and certificates, by the program that the documentation names."""

import datetime
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_BEGIN, _END = datetime.datetime(2020, 1, 1), datetime.datetime(2099, 1, 1)


class KeyPair(NamedTuple):
    """Files of a signer.

    Attributes:
        private: Private key.
        public: Public key.
        certificate: Certificate of the public key by an authority.
        authority: Certificate of that authority.
    """

    private: Path
    public: Path
    certificate: Path
    authority: Path


def write_keys(folder: Path, name: str) -> KeyPair:
    """Writes the keys and certificates of a new signer."""
    key, authority_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pair = KeyPair(*(folder / f"{name}{suffix}" for suffix in (".key", ".pub", ".crt", ".ca")))
    pem = serialization.Encoding.PEM
    pair.private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    pair.public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    pair.certificate.write_bytes(_certificate(name, key, f"{name} ca", authority_key).public_bytes(pem))
    pair.authority.write_bytes(_certificate(f"{name} ca", authority_key, f"{name} ca", authority_key).public_bytes(pem))
    return pair


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    subject, by = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, issuer))
    is_authority = name == issuer
    usage = x509.KeyUsage(not is_authority, False, False, False, False, is_authority, is_authority, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def sign(bundle: Path, keys: KeyPair, *more: str, with_certificate: bool = False) -> Path:
    """Signs a bundle as the documentation says, and returns the signature's file."""
    chain = ["--signing_certificate", str(keys.certificate), "--certificate_chain", str(keys.authority)]
    how = ["certificate", *chain] if with_certificate else ["key"]
    signature = bundle.with_name(f"{bundle.name}.sig")
    words = [*how, "--private_key", str(keys.private), "--signature", str(signature), *more, str(bundle)]
    subprocess.run([sys.executable, "-m", "model_signing", "sign", *words], check=True, capture_output=True)
    return signature
