"""The edge serves what the sources have; operators hear in time of what is wrong or ends. A real nginx throughout."""

import json
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from provisioning.certificates import services as certificates
from provisioning.certificates.choices import CertificateState
from provisioning.certificates.selectors import installed_certificates, wanted_certificates
from provisioning.certificates.services import certificates_refresh
from provisioning.edge import edge_command, edge_from_settings
from provisioning.edge.rendering.sites import render_edge_site
from provisioning.exceptions import OperatorError
from provisioning.models import Certificate
from provisioning.releases.workflow import switchover
from provisioning.rendering.specs import SiteSpec, UpstreamServer
from provisioning.tasks import refresh_certificates
from tenants.models import AuditEvent, CustomDomain, RegistrableDomain, Zone
from tests.factories import environment_of, make_app, make_operator, make_user
from tests.provisioning.certificates.making import DAY, key_pem, new_key
from tests.provisioning.certificates.test_checks import write
from tests.provisioning.edge import tls
from tests.provisioning.edge.running import RunningEdge, Upstream, free_port, wait_until

pytestmark = pytest.mark.django_db

ZONE = "apps.localhost"
CUSTOM = "plugin.customer.example"
NAME = f"app1000001.{ZONE}"
Start = Callable[..., Upstream]


@pytest.fixture
def edge(settings: Any, tmp_path: Path) -> Iterator[RunningEdge]:
    """The installation's own edge."""
    settings.EDGE_HOME, settings.EDGE_PORT, settings.EDGE_TLS_PORT = tmp_path / "edge", free_port(), free_port()
    settings.CERTIFICATES_HOME, settings.SELF_SIGNED_HOME = tmp_path / "certificates", tmp_path / "self-signed"
    settings.EDGE_USER, settings.APPS_DOMAIN = "root" if os.geteuid() == 0 else "", ZONE
    driver = edge_from_settings()
    driver.ensure_main()
    process = subprocess.Popen(edge_command(driver.spec))
    try:
        wait_until(driver.is_healthy, "the edge answers")
        yield RunningEdge(driver, process)
    finally:
        process.terminate()
        process.wait(timeout=20)


def put(settings: Any, name: str = ZONE, *names: str, **validity: Any) -> bytes:
    """A certificate of the test authority's, in the operator's directory; returns its chain."""
    key = new_key()
    chain = tls.authority().issue(*(names or (f"*.{name}", f"*.test.{name}")), key=key, **validity)
    write(settings.CERTIFICATES_HOME, chain, key_pem(key), name)
    return chain


def serve(edge: RunningEdge, upstream: Upstream, *hostnames: str) -> None:
    spec = SiteSpec(
        app_id="app1000001",
        environment="production",
        hostnames=hostnames,
        servers=(UpstreamServer(address="127.0.0.1", port=upstream.port),),
        certificates=installed_certificates().of(hostnames),
    )
    edge.edge.apply({spec.name: render_edge_site(spec)})


def served(edge: RunningEdge, name: str) -> bytes:
    """The certificate that a visitor gets, as PEM."""
    careless = tls.context(check_hostname=False, verify_mode=ssl.CERT_NONE)
    with tls.connect(edge, name, careless) as connection:
        return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"").encode()


def events() -> list[str]:
    found = AuditEvent.objects.filter(action__startswith="certificate.").order_by("pk")
    return list(found.values_list("action", flat=True))


def row(name: str = ZONE) -> Certificate:
    return Certificate.objects.get(name=name)


def set_clock(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    """The refreshes' own clock alone."""
    monkeypatch.setattr(certificates, "timezone", SimpleNamespace(now=lambda: timezone.now() + ahead))


def custom_domain(hostname: str = CUSTOM) -> CustomDomain:
    app = make_app()
    registrable, _ = RegistrableDomain.objects.get_or_create(name=hostname.partition(".")[2])
    return CustomDomain.objects.create(
        environment=app.environments.get(name="production"),
        hostname=hostname,
        registrable=registrable,
        state="active",
        proven_at=timezone.now(),
        created_by=make_user(),
    )


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


def test_customers_hostname_is_served_as_soon_as_its_certificate_is_there(
    edge: RunningEdge, upstream: Start, settings: Any
) -> None:
    domain, live = custom_domain(), upstream("live")
    certificates_refresh()
    assert (row(CUSTOM).state, row(CUSTOM).file) == (CertificateState.MISSING, "")
    serve(edge, live, NAME, CUSTOM)
    assert edge.get(CUSTOM).upstream == "live"
    with pytest.raises(ssl.SSLError, match="unrecognized name"):
        served(edge, CUSTOM)
    # One that is for another name is none.
    put(settings, CUSTOM, "other.example")
    certificates_refresh()
    assert row(CUSTOM).state == CertificateState.REFUSED
    chain = put(settings, CUSTOM, CUSTOM)
    certificates_refresh()
    serve(edge, live, NAME, CUSTOM)
    assert chain.startswith(served(edge, CUSTOM))
    assert tls.get(edge, CUSTOM).upstream == "live"
    # A name that is withdrawn takes its certificate along.
    CustomDomain.objects.filter(pk=domain.pk).update(state="withdrawn")
    certificates_refresh()
    assert not Certificate.objects.filter(name=CUSTOM).exists()
    assert events()[-1] == "certificate.removed"


def test_every_zone_has_one_and_every_name_in_none_another() -> None:
    Zone.objects.create(name="eu.example")
    custom_domain()
    wanted = wanted_certificates()
    assert wanted == {
        ZONE: (f"*.{ZONE}", f"*.test.{ZONE}"),
        "eu.example": ("*.eu.example", "*.test.eu.example"),
        CUSTOM: (CUSTOM,),
    }


def test_second_zone_is_served_under_its_own(edge: RunningEdge, upstream: Start) -> None:
    Zone.objects.create(name="eu.example")
    certificates_refresh()
    serve(edge, upstream("live"), NAME, "app1000001.eu.example")
    assert served(edge, NAME) != served(edge, "app1000001.eu.example")


def test_edge_that_lost_its_copies_gets_them_back(edge: RunningEdge, upstream: Start, settings: Any) -> None:
    put(settings)
    certificates_refresh()
    serve(edge, upstream("live"), NAME)
    for path in (edge.home / "tls").iterdir():
        path.unlink()
    certificates_refresh()
    edge.edge.ensure_main()
    assert tls.get(edge, NAME).upstream == "live"


def test_command_lists_what_is_served(edge: RunningEdge, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    put(settings)
    call_command("certificates")
    assert f"{ZONE}: valid (files, until " in capsys.readouterr().out
    (settings.CERTIFICATES_HOME / ZONE / "privkey.pem").chmod(0o644)
    call_command("certificates")
    assert "chmod 600" in capsys.readouterr().out


def test_hostname_is_known_to_be_reached_over_tls_when_it_is(edge: RunningEdge, settings: Any) -> None:
    custom_domain()
    certificates_refresh()
    installed = installed_certificates()
    assert installed.has(NAME)
    assert not installed.has(CUSTOM)
    settings.EDGE_TLS_PORT = 0
    assert not installed.has(NAME)


def test_where_visitors_are_sent_to_https_a_deployment_looks_there(
    edge: RunningEdge, upstream: Start, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EDGE_HTTPS_REDIRECT = True
    edge_from_settings().ensure_main()
    certificates_refresh()
    environment = environment_of(make_app())
    name = environment.subdomains.get().hostname
    release = SimpleNamespace(configuration={"health_check_path": "/"})
    monkeypatch.setattr(switchover, "subject_of", lambda _run: (release, environment))
    monkeypatch.setattr(switchover, "EDGE_PATIENCE_S", 0)
    notes: list[str] = []
    run: Any = SimpleNamespace(note=notes.append, lost=threading.Event(), write=lambda: None)
    live = upstream("live")
    serve(edge, live, name)
    assert edge.get(name).status == 308
    switchover.ensure_reachable(run)
    [note] = notes
    assert note.startswith(f"https://{name}:{edge.tls_port}/")
    assert note.endswith(": 200 OK")
    # The control: that the edge sends visitors on says nothing of the page.
    live.end()
    assert edge.get(name).status == 308
    monkeypatch.setattr(switchover, "_unreachable", lambda _run, where, _name, said: OperatorError(f"{where}: {said}"))
    with pytest.raises(OperatorError, match=r"^https://.*: 502"):
        switchover.ensure_reachable(run)


def test_operators_see_the_list_and_no_key_is_in_it(edge: RunningEdge, settings: Any, client: Client) -> None:
    put(settings)
    certificates_refresh()
    client.force_login(make_operator())
    [shown] = client.get("/api/v1/certificates/").json()["results"]
    assert (shown["name"], shown["state"], shown["source"]) == (ZONE, "valid", "files")
    assert set(shown) == {
        "name", "names", "source", "fingerprint", "not_before", "not_after", "state", "error"
    }  # fmt: skip
    everything = json.dumps([shown, list(AuditEvent.objects.values("message", "before", "after", "data"))], default=str)
    assert "PRIVATE" not in everything
    client.force_login(make_user())
    assert client.get("/api/v1/certificates/").status_code == 404
