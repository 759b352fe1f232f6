"""Certificates as an authority would issue them, and as it would not."""

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
DAY = timedelta(days=1)


def new_key(kind: str = "P-256") -> PrivateKey:
    """`P-256`, `P-192`, `rsa-2048`, `ed25519`."""
    if kind.startswith("rsa-"):
        return _rsa(int(kind.removeprefix("rsa-")))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"P-256": ec.SECP256R1, "P-192": ec.SECP192R1, "P-384": ec.SECP384R1}[kind]())


@cache
def _rsa(bits: int) -> rsa.RSAPrivateKey:
    # The library makes none that is smaller: this one is for refusals alone.
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def key_pem(key: PrivateKey, passphrase: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


class Authority:
    """A root and an intermediate. Certificates are the intermediate's: a chain without it verifies nowhere."""

    def __init__(
        self,
        *,
        starts: timedelta = -400 * DAY,
        ends: timedelta = 3650 * DAY,
        may_issue: bool = True,
        root_ends: timedelta = 3650 * DAY,
    ) -> None:
        """`starts` and `ends` are the intermediate's, from now; `may_issue`: whether it says that it may."""
        self._root_key, self._key = new_key(), new_key()
        now = datetime.now(UTC)
        self.root = _authority(
            "test root", self._root_key, "test root", self._root_key, now - 400 * DAY, 400 * DAY + root_ends
        )
        self.intermediate = _authority(
            "test intermediate", self._key, "test root", self._root_key, now + starts, ends - starts, may_issue
        )

    @property
    def root_pem(self) -> str:
        return self.root.public_bytes(serialization.Encoding.PEM).decode()

    def issue(
        self, *names: str, key: PrivateKey, starts: timedelta = -DAY, ends: timedelta = 90 * DAY, usage: str = "server"
    ) -> bytes:
        """The certificate and the intermediate's, as PEM. `starts` and `ends` are from now."""
        now = datetime.now(UTC)
        purpose = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}[usage]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name("test"))
            .issuer_name(self.intermediate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + starts)
            .not_valid_after(now + ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (certificate, self.intermediate))


def _authority(
    name: str,
    key: PrivateKey,
    issuer: str,
    issuer_key: PrivateKey,
    begins: datetime,
    lifetime: timedelta = 4050 * DAY,
    may_issue: bool = True,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + lifetime)
        .add_extension(x509.BasicConstraints(ca=may_issue, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())  # type: ignore[arg-type]
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
