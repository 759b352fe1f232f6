"""The certificate of each hostname, what operators see of it, and how a deployment finds it."""

import json
import ssl
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from provisioning.certificates.choices import CertificateState
from provisioning.certificates.selectors import installed_certificates, wanted_certificates
from provisioning.certificates.services import certificates_refresh
from provisioning.edge import edge_from_settings
from provisioning.exceptions import OperatorError
from provisioning.models import Certificate
from provisioning.releases.workflow import switchover
from tenants.models import AuditEvent, CustomDomain, RegistrableDomain, Zone
from tests.factories import environment_of, make_app, make_operator, make_user
from tests.provisioning.certificates.refreshed import NAME, ZONE, Start, events, put, row, serve, served
from tests.provisioning.edge import tls
from tests.provisioning.edge.running import RunningEdge

pytestmark = pytest.mark.django_db


CUSTOM = "plugin.customer.example"


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
