"""Whether a certificate may be served: read once, and all that is wrong is said before anybody uses it.

What comes out is what was read, written anew: whatever happens to the files afterwards changes nothing.
"""

import hashlib
import itertools
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from provisioning.certificates.names import covers
from provisioning.certificates.protocol import CertificateFiles
from provisioning.exceptions import CertificateRefused

MAX_BYTES = 256 * 1024
MAX_CHAIN = 10
LEAST_RSA_BITS = 2048
MOST_RSA_BITS = 8192
# What browsers take.
CURVES = ("secp256r1", "secp384r1", "secp521r1")
_BROKEN_HASHES = (hashes.MD5, hashes.SHA1)
# What the library raises for certificates that are none, whole or in parts.
_UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion)
_ODD_EXTENSIONS = (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


@dataclass(frozen=True, kw_only=True)
class CheckedCertificate:
    """`not_after` is when it is good no more: where one of its issuers ends earlier, then."""

    fingerprint: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    chain: bytes = field(repr=False)
    key: bytes = field(repr=False)


def checked(files: CertificateFiles, *, names: Sequence[str], now: datetime) -> CheckedCertificate:
    """The certificate in `files`, good for `names` now. Raises `CertificateRefused` with the fault and its remedy."""
    chain = _chain(files.chain)
    key = _key(files.key)
    leaf = chain[0]
    found = _names(leaf, files.chain)
    if missing := [name for name in names if not covers(found, name)]:
        raise CertificateRefused(
            f"{files.chain} is for {_listed(found)} and not for {_listed(missing)}: get one for all of these names"
        )
    if leaf.not_valid_before_utc > now:
        raise CertificateRefused(
            f"{files.chain} is valid from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on, which is not yet: wait, "
            "or set this machine's clock right"
        )
    if leaf.not_valid_after_utc <= now:
        raise CertificateRefused(
            f"{files.chain} has expired on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC: renew it"
        )
    if _public(leaf.public_key()) != _public(key.public_key()):
        raise CertificateRefused(f"{files.key} is not the key of {files.chain}: put the two that belong together there")
    _check_chain(chain, files.chain, now)
    return CheckedCertificate(
        fingerprint=hashlib.sha256(b"".join(one.public_bytes(serialization.Encoding.DER) for one in chain)).hexdigest(),
        names=found,
        not_before=leaf.not_valid_before_utc,
        not_after=min(one.not_valid_after_utc for one in chain if one is leaf or not _is_root(one)),
        chain=b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain),
        key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def _chain(path: Path) -> list[x509.Certificate]:
    content = _read(path)
    try:
        chain = x509.load_pem_x509_certificates(content)
        # The library leaves out a last one that is cut off, and clients would miss it.
        if len(chain) != content.count(b"-----BEGIN CERTIFICATE-----"):
            raise ValueError("one is not whole")
    except _UNREADABLE:
        raise CertificateRefused(
            f"{path} has no certificate that can be read: it must be PEM, and complete (copy it again)"
        ) from None
    if len(chain) > MAX_CHAIN:
        raise CertificateRefused(f"{path} has {len(chain)} certificates: a chain has at most {MAX_CHAIN}")
    for number, certificate in enumerate(chain, 1):
        try:
            _check_strength(certificate, f"certificate {number} in {path}")
        except (ValueError, UnsupportedAlgorithm):
            raise CertificateRefused(
                f"certificate {number} in {path} is of a kind that browsers don't take: use RSA or ECDSA"
            ) from None
    return chain


def _check_strength(certificate: x509.Certificate, which: str) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if not LEAST_RSA_BITS <= key.key_size <= MOST_RSA_BITS:
            raise CertificateRefused(
                f"{which} has an RSA key of {key.key_size} bits: use one of {LEAST_RSA_BITS} to {MOST_RSA_BITS}"
            )
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in CURVES:
            raise CertificateRefused(f"{which} has a key on {key.curve.name}: use one of {', '.join(CURVES)}")
    else:
        raise CertificateRefused(f"{which} has a key that browsers don't take: use RSA or ECDSA")
    # Nobody looks at how a root signed itself.
    if not _is_root(certificate) and isinstance(certificate.signature_hash_algorithm, _BROKEN_HASHES):
        raise CertificateRefused(f"{which} is signed with a broken hash: get one that is signed with SHA-256")


def _key(path: Path) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    content = _read(path, is_secret=True)
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except TypeError:
        raise CertificateRefused(
            f"{path} is locked with a passphrase, which nobody types when nginx starts: "
            f"unlock it (openssl pkey -in {path} -out UNLOCKED) and put that there, mode 600"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateRefused(
            f"{path} has no private key that can be read: it must be PEM, and complete (copy it again)"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise CertificateRefused(f"{path} has a key that browsers don't take: use RSA or ECDSA")
    return key


def _read(path: Path, *, is_secret: bool = False) -> bytes:
    """Links are followed; what is looked at is what is read. Never waits: a pipe is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise CertificateRefused(
            f"{path} can't be read ({exc.strerror}): put it there, readable for the user that Berth runs as"
        ) from exc
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise CertificateRefused(f"{path} is no file: put the file itself, or a link to it, there")
        if is_secret and found.st_mode & 0o077:
            raise CertificateRefused(
                f"{path} is a private key that others on this machine may read or write "
                f"(mode {stat.S_IMODE(found.st_mode):04o}): chmod 600 {path}, and get a new one if others have"
            )
        if is_secret and found.st_uid not in (0, os.geteuid()):
            raise CertificateRefused(
                f"{path} belongs to another user (uid {found.st_uid}): make it root's, or the user's that Berth runs as"
            )
        if not 0 < found.st_size <= MAX_BYTES:
            raise CertificateRefused(f"{path} has {found.st_size} bytes: put PEM of at most {MAX_BYTES} bytes there")
        return os.pread(descriptor, MAX_BYTES, 0)
    finally:
        os.close(descriptor)


def _names(leaf: x509.Certificate, path: Path) -> tuple[str, ...]:
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(usage):
            raise CertificateRefused(f"{path} is not for servers: get one for TLS server authentication")
    except x509.ExtensionNotFound:
        pass
    except _ODD_EXTENSIONS:
        raise CertificateRefused(f"{path} has extensions that can't be read: get another") from None
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise CertificateRefused(
            f"{path} names no hosts (subjectAltName), and browsers look nowhere else: get one that does"
        ) from None
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _check_chain(chain: list[x509.Certificate], path: Path, now: datetime) -> None:
    """Each is issued by the next, which may issue and is valid. Of roots clients have their own, whatever its dates."""
    for number, (certificate, issuer) in enumerate(itertools.pairwise(chain), 1):
        which = f"certificate {number + 1} in {path}"
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise CertificateRefused(
                f"{path} is no chain: certificate {number + 1} did not issue certificate {number} (the host's own "
                "comes first, then each one's issuer)"
            ) from None
        if not _may_issue(issuer, which):
            raise CertificateRefused(f"{which} is of nobody who may issue certificates: get the chain of the authority")
        if _is_root(issuer):
            continue
        if issuer.not_valid_after_utc <= now:
            raise CertificateRefused(
                f"{which} has expired on {issuer.not_valid_after_utc:%Y-%m-%d %H:%M} UTC: get the authority's present "
                "chain, or a new certificate"
            )
        if issuer.not_valid_before_utc > now:
            raise CertificateRefused(
                f"{which} is valid from {issuer.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on, which is not yet: wait, "
                "or set this machine's clock right"
            )


def _may_issue(certificate: x509.Certificate, which: str) -> bool:
    try:
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        # Roots from before there were extensions.
        return certificate.version is x509.Version.v1 and _is_root(certificate)
    except _ODD_EXTENSIONS:
        raise CertificateRefused(f"{which} has extensions that can't be read: get another") from None
    try:
        may_sign = extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        may_sign = True
    return constraints.ca and may_sign


def _is_root(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer


def _public(key: object) -> bytes:
    return key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) or "no host"
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
