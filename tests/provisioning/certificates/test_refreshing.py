"""The edge serves what the sources have; operators hear in time of what is wrong or ends. A real nginx throughout."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from provisioning.certificates import services as certificates
from provisioning.certificates.choices import CertificateState
from provisioning.certificates.services import certificates_refresh
from provisioning.tasks import refresh_certificates
from tests.provisioning.certificates.making import DAY, key_pem, new_key
from tests.provisioning.certificates.refreshed import NAME, ZONE, Start, events, put, row, serve, served
from tests.provisioning.edge import tls
from tests.provisioning.edge.running import RunningEdge

pytestmark = pytest.mark.django_db


def set_clock(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    """The refreshes' own clock alone."""
    monkeypatch.setattr(certificates, "timezone", SimpleNamespace(now=lambda: timezone.now() + ahead))


def test_zone_without_a_certificate_gets_one_that_signs_itself(edge: RunningEdge, upstream: Start) -> None:
    certificates_refresh()
    serve(edge, upstream("live"), NAME)
    assert (row().source, row().state, row().names) == (
        "self-signed", CertificateState.VALID, [f"*.{ZONE}", f"*.test.{ZONE}"]
    )  # fmt: skip
    assert served(edge, NAME)
    assert events() == ["certificate.installed"]
    # Nothing new: nothing is written, and nobody is told.
    before = row().updated_at
    refresh_certificates()
    assert (row().updated_at, events()) == (before, ["certificate.installed"])


def test_operators_certificate_takes_its_place_and_its_renewal_too(
    edge: RunningEdge, upstream: Start, settings: Any
) -> None:
    certificates_refresh()
    serve(edge, upstream("live"), NAME)
    for _ in range(2):
        chain = put(settings)
        certificates_refresh()
        assert chain.startswith(served(edge, NAME))
        assert tls.get(edge, NAME).upstream == "live"
    assert (row().source, row().state, row().error) == ("files", CertificateState.VALID, "")
    assert events() == ["certificate.installed"] * 3
    # What is served is a copy: nothing happens to it when the operator's file is in the making.
    (settings.CERTIFICATES_HOME / ZONE / "fullchain.pem").write_bytes(b"")
    assert chain.startswith(served(edge, NAME))


@pytest.mark.parametrize("bad", ["expired", "other names", "no key", "readable key", "cut"])
def test_bad_one_never_replaces_what_is_served(edge: RunningEdge, upstream: Start, settings: Any, bad: str) -> None:
    good = put(settings)
    certificates_refresh()
    serve(edge, upstream("live"), NAME)
    directory = settings.CERTIFICATES_HOME / ZONE
    if bad == "expired":
        put(settings, starts=-9 * DAY, ends=-DAY)
    elif bad == "other names":
        put(settings, ZONE, "*.example.com")
    elif bad == "no key":
        (directory / "privkey.pem").unlink()
    elif bad == "readable key":
        (directory / "privkey.pem").chmod(0o644)
    else:
        (directory / "fullchain.pem").write_bytes(good[:-200])
    for _ in range(2):
        certificates_refresh()
        assert good.startswith(served(edge, NAME))
    assert row().state == CertificateState.VALID
    assert str(directory) in row().error
    # Once, however often it is looked at.
    assert events() == ["certificate.installed", "certificate.refused"]
    renewed = put(settings)
    certificates_refresh()
    assert renewed.startswith(served(edge, NAME))
    assert row().error == ""


def test_one_that_nginx_alone_refuses_is_not_used_either(
    edge: RunningEdge, upstream: Start, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own checks are looked away: the last word is nginx's."""
    good = put(settings)
    certificates_refresh()
    serve(edge, upstream("live"), NAME)
    looked = certificates.checked

    def careless(*args: Any, **options: Any) -> Any:
        found = looked(*args, **options)
        object.__setattr__(found, "key", key_pem(new_key()))
        return found

    monkeypatch.setattr(certificates, "checked", careless)
    put(settings)
    certificates_refresh()
    assert "nginx refuses the certificate: get another" in row().error
    assert "PRIVATE" not in row().error
    assert good.startswith(served(edge, NAME))
    assert not list(edge.home.glob(".candidate-*"))


def test_one_that_is_gone_is_served_until_it_ends_and_is_no_way_to_a_lesser_one(
    edge: RunningEdge, upstream: Start, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = put(settings)
    certificates_refresh()
    serve(edge, upstream("live"), NAME)
    (settings.CERTIFICATES_HOME / ZONE).rename(settings.CERTIFICATES_HOME / "elsewhere")
    certificates_refresh()
    assert good.startswith(served(edge, NAME))
    assert "files has it no more: put it back" in row().error
    set_clock(monkeypatch, 91 * DAY)
    certificates_refresh()
    assert row().source == "self-signed"


def test_operators_are_warned_once_at_each_mark_and_when_it_has_ended(
    edge: RunningEdge, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings, ends=90 * DAY)
    told = []
    for hours in (0, 59 * 24, 60 * 24, 61 * 24, 76 * 24, 80 * 24, 83 * 24, 89 * 24, 89 * 24 + 1, 90 * 24, 91 * 24):
        set_clock(monkeypatch, timedelta(hours=hours, minutes=1))
        certificates_refresh()
        certificates_refresh()
        told.append((hours / 24, events().count("certificate.expiring"), str(row().state)))
    assert [(day, count) for day, count, _state in told] == [
        (0, 0), (59, 0), (60, 1), (61, 1), (76, 2), (80, 2), (83, 3), (89, 4), (89 + 1 / 24, 4), (90, 4), (91, 4)
    ]  # fmt: skip
    assert [state for _day, _count, state in told] == ["valid"] * 2 + ["expiring"] * 7 + ["expired"] * 2
    assert events().count("certificate.expired") == 1
    monkeypatch.undo()
    # A new one is warned of anew.
    put(settings, ends=5 * DAY)
    certificates_refresh()
    assert (row().state, row().warned_days) == (CertificateState.EXPIRING, 7)
