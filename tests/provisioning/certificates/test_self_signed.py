"""A zone has HTTPS before anybody has bought anything."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioning.certificates import self_signed
from provisioning.certificates.checks import checked
from provisioning.certificates.protocol import CertificateFiles
from provisioning.certificates.self_signed import SelfSignedSource
from provisioning.exceptions import OperatorError

NAMES = ("*.example.org", "*.test.example.org")


def made(home: Path) -> CertificateFiles:
    files = SelfSignedSource(home).certificate_for(NAMES)
    assert files is not None
    return files


def test_zone_gets_one_that_stays_what_it_is(tmp_path: Path) -> None:
    home = tmp_path / "self-signed"
    files = made(home)
    taken = checked(files, names=NAMES, now=datetime.now(UTC))
    assert taken.not_after - datetime.now(UTC) > timedelta(days=395)
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    before = files.chain.read_bytes()
    assert made(home).chain.read_bytes() == before
    assert [path.name for path in home.iterdir()] == ["example.org.pem"]


def test_it_is_renewed_before_anybody_is_warned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_signed, "LIFETIME", self_signed.RENEWED_BEFORE)
    old = made(tmp_path).chain.read_bytes()
    monkeypatch.undo()
    assert made(tmp_path).chain.read_bytes() != old


@pytest.mark.parametrize("harm", ["emptied", "cut", "readable", "for other names"])
def test_one_that_is_not_good_is_made_anew(tmp_path: Path, harm: str) -> None:
    path = made(tmp_path).chain
    content = path.read_bytes()
    if harm == "emptied":
        path.write_bytes(b"")
    elif harm == "cut":
        path.write_bytes(content[:400])
    elif harm == "readable":
        path.chmod(0o644)
    else:
        other = SelfSignedSource(tmp_path).certificate_for(["*.example.com"])
        assert other is not None
        path.write_bytes(other.chain.read_bytes())
    files = made(tmp_path)
    checked(files, names=NAMES, now=datetime.now(UTC))
    assert files.chain.read_bytes() != content


def test_customers_hostname_gets_none(tmp_path: Path) -> None:
    assert SelfSignedSource(tmp_path).certificate_for(["plugin.customer.example"]) is None


def test_home_that_can_not_be_written_is_the_operators(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match=r"can't be written .*make the directory writable"):
        made(tmp_path / "file")
