"""What a certificate must be before it is served, and what an operator is told about one that is not."""

import base64
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from provisioning.certificates.checks import MAX_BYTES, checked
from provisioning.certificates.files import FileSource
from provisioning.certificates.names import certificate_name, covers, names_of_zone, zone_of
from provisioning.certificates.protocol import CertificateFiles
from provisioning.exceptions import CertificateRefused
from tests.provisioning.certificates.making import DAY, Authority, key_pem, new_key

NAMES = ("*.example.org", "*.test.example.org")
authority = Authority()


def write(home: Path, chain: bytes, key: bytes, name: str = "example.org") -> Path:
    directory = home / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "fullchain.pem").write_bytes(chain)
    path = directory / "privkey.pem"
    path.write_bytes(key)
    path.chmod(0o600)
    return directory


def found(home: Path) -> CertificateFiles:
    files = FileSource(home).certificate_for(NAMES)
    assert files is not None
    return files


def refusal(home: Path) -> str:
    with pytest.raises(CertificateRefused) as refused:
        checked(found(home), names=NAMES, now=datetime.now(UTC))
    said = str(refused.value)
    assert "PRIVATE" not in said
    assert "BEGIN" not in said
    # An error says what to do.
    assert ": " in said
    return said


@pytest.mark.parametrize("kind", ["P-256", "P-384", "rsa-2048"])
def test_good_certificate_is_taken_with_its_chain(tmp_path: Path, kind: str) -> None:
    key = new_key(kind)
    chain = authority.issue(*NAMES, key=key)
    write(tmp_path, chain, key_pem(key))
    taken = checked(found(tmp_path), names=NAMES, now=datetime.now(UTC))
    assert (taken.names, taken.chain, taken.key) == (NAMES, chain, key_pem(key))
    assert 89 < (taken.not_after - datetime.now(UTC)).days + 1 <= 90
    assert "PRIVATE" not in repr(taken)


def test_text_beside_the_certificates_is_not_taken_over(tmp_path: Path) -> None:
    key = new_key()
    chain = authority.issue(*NAMES, key=key)
    write(tmp_path, b"subject=CN = test\n" + chain + b"\nthe end\n", key_pem(key))
    assert checked(found(tmp_path), names=NAMES, now=datetime.now(UTC)).chain == chain


def test_certificate_ends_with_the_first_of_its_chain_that_does(tmp_path: Path) -> None:
    key = new_key()
    write(tmp_path, Authority(ends=20 * DAY).issue(*NAMES, key=key), key_pem(key))
    taken = checked(found(tmp_path), names=NAMES, now=datetime.now(UTC))
    assert (taken.not_after - datetime.now(UTC)).days + 1 == 20


def test_root_beside_the_chain_is_taken_whatever_its_dates(tmp_path: Path) -> None:
    key = new_key()
    old = Authority(root_ends=-DAY)
    write(tmp_path, old.issue(*NAMES, key=key) + old.root_pem.encode(), key_pem(key))
    taken = checked(found(tmp_path), names=NAMES, now=datetime.now(UTC))
    assert taken.chain.count(b"BEGIN") == 3
    assert (taken.not_after - datetime.now(UTC)).days + 1 == 90


def with_bytes(chain: bytes, old: str, new: str) -> bytes:
    """The first certificate with other bytes in it, in hexadecimal: what no library would make."""
    der = x509.load_pem_x509_certificate(chain).public_bytes(serialization.Encoding.DER)
    assert bytes.fromhex(old) in der
    changed = base64.encodebytes(der.replace(bytes.fromhex(old), bytes.fromhex(new), 1))
    return b"-----BEGIN CERTIFICATE-----\n" + changed + b"-----END CERTIFICATE-----\n"


KEY, OTHER_KEY = new_key(), new_key()
GOOD = authority.issue(*NAMES, key=KEY)
ED25519 = new_key("ed25519")
WEAK, SMALL = new_key("rsa-1024"), new_key("P-192")
CASES: dict[str, tuple[bytes, bytes, str]] = {
    "expired": (authority.issue(*NAMES, key=KEY, starts=-9 * DAY, ends=-DAY), key_pem(KEY), "has expired on .* renew"),
    "not yet valid": (authority.issue(*NAMES, key=KEY, starts=DAY), key_pem(KEY), "which is not yet: wait"),
    "wrong name": (authority.issue("*.example.com", key=KEY), key_pem(KEY), r"for \*\.example\.com and not for"),
    "one name short": (authority.issue(NAMES[0], key=KEY), key_pem(KEY), r"not for \*\.test\.example\.org: get one"),
    "apex alone": (authority.issue("example.org", key=KEY), key_pem(KEY), "not for"),
    "for clients": (authority.issue(*NAMES, key=KEY, usage="client"), key_pem(KEY), "not for servers: get one"),
    "another key": (GOOD, key_pem(OTHER_KEY), "not the key of .* put the two that belong together"),
    "weak RSA key": (authority.issue(*NAMES, key=WEAK), key_pem(WEAK), "RSA key of 1024 bits: use one of 2048"),
    "small curve": (authority.issue(*NAMES, key=SMALL), key_pem(SMALL), "secp192r1: use one of secp256r1"),
    "Ed25519": (authority.issue(*NAMES, key=ED25519), key_pem(ED25519), "browsers don't take: use RSA or ECDSA"),
    "passphrase": (GOOD, key_pem(KEY, b"open sesame"), "locked with a passphrase.*: unlock it"),
    "empty certificate": (b"", key_pem(KEY), "fullchain.pem has 0 bytes"),
    "empty key": (GOOD, b"", "privkey.pem has 0 bytes"),
    "half a certificate": (GOOD[:300], key_pem(KEY), "no certificate that can be read"),
    "half a chain": (GOOD[:-300], key_pem(KEY), "no certificate that can be read"),
    "half a key": (GOOD, key_pem(KEY)[:120], "no private key that can be read"),
    "swapped files": (key_pem(KEY), GOOD, "no certificate that can be read"),
    "two keys": (key_pem(KEY), key_pem(KEY), "no certificate that can be read"),
    "no PEM": (b"\x30\x82" + b"\0" * 500, key_pem(KEY), "no certificate that can be read"),
    "issuer first": (GOOD[GOOD.index(b"-----BEGIN", 10) :] + GOOD, key_pem(KEY), "names no hosts|no chain"),
    "a stranger's issuer": (
        GOOD[: GOOD.index(b"-----BEGIN", 10)] + Authority().root_pem.encode(),
        key_pem(KEY),
        "certificate 2 did not issue",
    ),
    "expired issuer": (
        Authority(ends=-DAY).issue(*NAMES, key=KEY), key_pem(KEY), "certificate 2 .* has expired on .*: get the",
    ),
    "issuer not yet valid": (
        Authority(starts=DAY).issue(*NAMES, key=KEY), key_pem(KEY), "certificate 2 .* which is not yet: wait",
    ),
    "an issuer that may not": (
        Authority(may_issue=False).issue(*NAMES, key=KEY), key_pem(KEY), "certificate 2 .* nobody who may issue",
    ),
    # 2.5.29.37 (extended key usage) becomes a second 2.5.29.17 (subjectAltName).
    "two lists of names": (with_bytes(GOOD, "0603551d25", "0603551d11"), key_pem(KEY), "extensions that can't be read"),
    "no version": (with_bytes(GOOD, "a003020102", "a003020105"), key_pem(KEY), "no certificate that can be read"),
    "endless chain": (GOOD + GOOD * 10, key_pem(KEY), "a chain has at most 10"),
    "too large": (GOOD + b"#" * MAX_BYTES, key_pem(KEY), "bytes: put PEM of at most"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_certificate_is_refused_with_the_fault_and_the_remedy(tmp_path: Path, case: str) -> None:
    chain, key, said = CASES[case]
    write(tmp_path, chain, key)
    with pytest.raises(CertificateRefused, match=f"(?s){said}"):
        checked(found(tmp_path), names=NAMES, now=datetime.now(UTC))
    refusal(tmp_path)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o602, 0o644])
def test_key_that_others_may_read_is_refused_with_the_command_that_helps(tmp_path: Path, mode: int) -> None:
    directory = write(tmp_path, GOOD, key_pem(KEY))
    key = directory / "privkey.pem"
    key.chmod(mode)
    assert f"(mode {mode:04o}): chmod 600 {key}" in refusal(tmp_path)
    key.chmod(0o400)
    assert checked(found(tmp_path), names=NAMES, now=datetime.now(UTC)).names == NAMES


def test_key_of_another_user_is_refused(tmp_path: Path) -> None:
    directory = write(tmp_path, GOOD, key_pem(KEY))
    os.chown(directory / "privkey.pem", 65_534, 65_534)
    assert "belongs to another user (uid 65534): make it root's" in refusal(tmp_path)


def _missing(path: Path) -> None:
    path.unlink()


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.pem")


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    """Reading it would wait for ever."""
    path.unlink()
    os.mkfifo(path, 0o600)


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("harm", [_missing, _dangling, _loop, _directory, _pipe, _device])
@pytest.mark.parametrize("name", ["fullchain.pem", "privkey.pem"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, harm: Callable[[Path], None]) -> None:
    directory = write(tmp_path, GOOD, key_pem(KEY))
    harm(directory / name)
    said = refusal(tmp_path)
    assert name in said
    assert "can't be read" in said or "is no file" in said


def test_links_are_followed_as_certbot_lays_them(tmp_path: Path) -> None:
    archive = write(tmp_path, GOOD, key_pem(KEY), "archive")
    live = tmp_path / "example.org"
    live.mkdir()
    for name in ("fullchain.pem", "privkey.pem"):
        (live / name).symlink_to(f"../archive/{name}")
    assert checked(found(tmp_path), names=NAMES, now=datetime.now(UTC)).names == NAMES
    # What counts is the mode of the file, not that of the link.
    (archive / "privkey.pem").chmod(0o644)
    assert "mode 0644" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["other.example", "../archive", "/etc", ".", "", "..", "a/b", "a\n", "A.example"])
def test_nothing_is_found_for_a_name_without_a_directory_or_that_is_a_path(tmp_path: Path, name: str) -> None:
    write(tmp_path, GOOD, key_pem(KEY), "archive")
    assert FileSource(tmp_path / "live").certificate_for([name]) is None
    assert FileSource(tmp_path).certificate_for([name]) is None


def test_wildcard_stands_for_one_label() -> None:
    patterns = names_of_zone("example.org")
    assert patterns == NAMES
    assert covers(patterns, "app1000001.example.org")
    assert covers(patterns, "app1000001.test.example.org")
    for name in ("example.org", "a.b.example.org", "a.test.example.org.evil.example", "xexample.org"):
        assert not covers(patterns, name)


def test_hostname_belongs_to_the_longest_zone_that_covers_it() -> None:
    zones = ["example.org", "eu.example.org", "other.example"]
    assert zone_of("app1000001.eu.example.org", zones) == "eu.example.org"
    assert certificate_name("app1000001.test.eu.example.org", zones) == "eu.example.org"
    assert certificate_name("app1000001.test.example.org", zones) == "example.org"
    # What no wildcard of the zone's covers needs a certificate of its own.
    for name in ("example.org", "a.b.c.example.org", "plugin.customer.example"):
        assert certificate_name(name, zones) == name
    assert zone_of("badexample.org", zones) == ""
