"""Certificates that sign themselves, for zones: HTTPS works at once, and browsers warn until the operator has a better.

One a zone, kept and renewed before it ends. Chain and key are one file, so that they change together.
"""

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioning.certificates import checks
from provisioning.certificates.protocol import CertificateFiles
from provisioning.exceptions import CertificateRefused, OperatorError

# As long as browsers take one for.
LIFETIME = timedelta(days=397)
# Earlier than anybody is warned.
RENEWED_BEFORE = timedelta(days=45)
# Clocks differ.
_STARTS_BEFORE = timedelta(hours=1)


class SelfSignedSource:
    name = "self-signed"

    def __init__(self, home: Path) -> None:
        self.home = home

    def certificate_for(self, names: Sequence[str]) -> CertificateFiles | None:
        """None for anything but a zone. Raises `OperatorError` where the certificate can't be written."""
        if not names[0].startswith("*."):
            return None
        path = self.home / f"{names[0].removeprefix('*.')}.pem"
        files = CertificateFiles(path, path)
        if not self._is_good(files, names):
            try:
                self._make(path, names)
            except OSError as exc:
                raise OperatorError(
                    f"a certificate can't be written to {path} ({exc.strerror}): make the directory writable for the "
                    "user that Berth runs as"
                ) from exc
        return files

    def _is_good(self, files: CertificateFiles, names: Sequence[str]) -> bool:
        if not files.chain.exists():
            return False
        try:
            found = checks.checked(files, names=names, now=datetime.now(UTC))
        except CertificateRefused:
            return False
        return found.not_after - datetime.now(UTC) > RENEWED_BEFORE

    def _make(self, path: Path, names: Sequence[str]) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home.chmod(0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        pem = _certificate(key, names).public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        beside = path.with_name(f".{secrets.token_hex(8)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def _certificate(key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Berth, self-signed")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _STARTS_BEFORE)
        .not_valid_after(now - _STARTS_BEFORE + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
