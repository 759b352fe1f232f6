"""An installation of the first release is upgraded: nothing is lost, and everybody can do what they could before.

Going back to it and upgrading again works, too, and lets nobody do more than they could.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from rest_framework.test import APIClient

from provisioning.dns.services.plans import names_ensure
from provisioning.dns.services.zones import hosted_zone_register
from provisioning.dns.workflow.sync import sync
from provisioning.models import DnsRecord, HostedZone, Operation, WorkloadRepair
from provisioning.operations.choices import OperationKind
from provisioning.operations.services import operation_ensure
from tenants.apps.services.apps import app_create
from tenants.models import (
    AccessPolicy,
    AuditEvent,
    Environment,
    Organization,
    PluginApp,
    ReleaseContributor,
    Subdomain,
    User,
)
from tenants.names.services import domains
from tests import factories
from tests.paas.upgrade.before import (
    DIGEST,
    GRANTED,
    PEOPLE,
    ROLES,
    STATES,
    Rows,
    fill,
    migrate_to_first,
    snapshot,
    text_of,
)
from tests.provisioning.dns.memory import MemoryProvider

API = "/api/v1"
STAFF = ("rita", "otto", "root")
# Columns whose values have rows of their own since.
MOVED = {"provisioning.workload": {"restarts", "last_restart_at"}}


@pytest.fixture
def new_installation(transactional_db: None) -> set[str]:
    """The policies that somebody has who installs today."""
    return built_in_policies()


@pytest.fixture
def first(new_installation: set[str]) -> Iterator[Any]:
    """The models of the first release, with rows; afterwards everything is as it is today again."""
    models = migrate_to_first()
    fill(models)
    yield models
    call_command("migrate", verbosity=0)


def built_in_policies() -> set[str]:
    return set(AccessPolicy.objects.filter(is_built_in=True, is_enabled=True).values_list("name", flat=True))


def upgrade() -> None:
    """What bin/up does, as far as rows go."""
    call_command("migrate", verbosity=0)
    register_names()


def register_names() -> HostedZone:
    hosted = hosted_zone_register(
        zone_name=settings.APPS_DOMAIN,
        account_name="embedded",
        provider="memory",
        settings={},
        secrets={"key": "s3cret-key"},
        nameservers=["127.0.0.1:5300"],
    )
    names_ensure(hosted=hosted)
    sync(hosted.pk)
    return hosted


@pytest.fixture(autouse=True)
def name_server(memory: type[MemoryProvider]) -> type[MemoryProvider]:
    memory.reset(settings.APPS_DOMAIN)
    return memory


def client(name: str) -> APIClient:
    """Somebody who has nothing but the token of old."""
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text_of(name)}")
    return client


def status(name: str, method: str, path: str, body: Any = None) -> int:
    return int(getattr(client(name), method)(f"{API}{path}", body, format="json").status_code)


def test_nothing_is_lost_and_everybody_can_do_what_they_could(
    first: Any, new_installation: set[str], name_server: type[MemoryProvider], capsys: pytest.CaptureFixture[str]
) -> None:
    kept = snapshot(first)
    upgrade()
    assert_kept(kept)
    assert built_in_policies() == new_installation
    assert_subjects(kept)
    assert_access()
    assert_names(name_server)
    assert_chained(capsys)
    fallbacks = set(Environment.objects.values_list("name", "fallback"))
    assert fallbacks == {("production", "standby"), ("test", "none")}, "what ran goes on as it ran"
    mark, acme = User.objects.get(username="mark"), Organization.objects.get(slug="acme")
    app = app_create(organization=acme, name="Fresh", slug="fresh", stack="php", actor=mark)
    assert app.number == max(PluginApp.objects.exclude(pk=app.pk).values_list("number", flat=True)) + 1


def test_going_back_and_upgrading_again_gives_nobody_more_and_loses_no_name(
    first: Any, new_installation: set[str], name_server: type[MemoryProvider], capsys: pytest.CaptureFixture[str]
) -> None:
    kept = snapshot(first)
    upgrade()
    narrow = use_what_is_new()
    owner = HostedZone.objects.get().owner
    written = name_server.records(settings.APPS_DOMAIN)
    models = migrate_to_first()
    assert_kept(kept, models)
    assert_granted_again(models)
    operations = models.get_model("provisioning", "Operation").objects
    assert operations.count() == len(kept["provisioning.Operation"]), "an older Berth knows no operation on a zone"
    tokens = models.get_model("tenants", "ApiToken").objects
    usable = set(tokens.filter(revoked_at=None).values_list("user__username", flat=True))
    assert usable == set(PEOPLE), "a token that may do less would come to do everything its user may"
    assert tokens.exclude(revoked_at=None).count() == len(narrow)
    models.get_model("tenants", "AuditEvent").objects.create(action="test", message="written by the first release")
    upgrade()
    assert_kept(kept)
    assert_subjects(kept)
    assert HostedZone.objects.get().owner == owner
    assert name_server.records(settings.APPS_DOMAIN) == written
    assert not DnsRecord.objects.exclude(state="applied").exists(), "what Berth made it would now take for another's"
    assert built_in_policies() == new_installation
    assert_access()
    assert all(APIClient(HTTP_AUTHORIZATION=f"Bearer {text}").get(f"{API}/me/").status_code == 401 for text in narrow)
    assert_chained(capsys)


def use_what_is_new() -> list[str]:
    """Rows of what came since. Gives tokens that may do less than their user."""
    olga, acme = User.objects.get(username="olga"), Organization.objects.get(slug="acme")
    environment = Environment.objects.get(app__state="active", name="production")
    factories.make_held_name(acme, "plugin.customer.test")
    domains.domain_add(environment=environment, hostname="two.customer.test", actor=olga)
    factories.make_invitation(acme, User.objects.get(username="sid"))
    robot = factories.make_service_account(acme)
    operation_ensure(kind=OperationKind.RETIRE_APP, zone=HostedZone.objects.get().zone)
    return [
        factories.make_token(robot, actor=olga),
        factories.make_token(olga, scopes={"read"}),
        factories.make_token(olga, organization=acme),
        factories.make_token(olga, app=environment.app),
    ]


def assert_kept(kept: Rows, models: Any = apps) -> None:
    """Every value of every row is what it was. What was added since is left out."""
    for label, rows in kept.items():
        if label.lower() == "tenants.release_variable_editors" and models is apps:
            editors = {(row["release_id"], row["user_id"]) for row in rows}
            found = ReleaseContributor.objects.filter(part="set_variable").values_list("release", "user")
            assert editors <= set(found)
        elif rows:
            found = models.get_model(label)._base_manager.filter(pk__in=[row["id"] for row in rows]).order_by("pk")
            there = {field.attname for field in found.model._meta.concrete_fields}
            assert rows[0].keys() - there <= MOVED.get(label.lower(), set()), label
            stay = [name for name in rows[0] if name in there]
            assert list(found.values(*stay)) == [{name: row[name] for name in stay} for row in rows], label
    if models is apps:
        assert_repairs_kept(kept)


def assert_repairs_kept(kept: Rows) -> None:
    """The counts of repairs became rows with a cause."""
    workloads = [row for label, rows in kept.items() if label.lower() == "provisioning.workload" for row in rows]
    counted = {(row["id"], row["restarts"]) for row in workloads if row["last_restart_at"] is not None}
    assert set(WorkloadRepair.objects.values_list("workload", "tries")) == counted


def assert_subjects(kept: Rows) -> None:
    """Each operation of before is on the app that it was on, and on nothing else."""
    before = {(row["id"], row["app_id"], None, None, None) for row in kept["provisioning.Operation"]}
    assert before
    assert set(Operation.objects.values_list("pk", "app", "domain", "zone", "host")) == before


def assert_access() -> None:
    """Everybody's old token opens what it opened, and no more."""
    assert {name: status(name, "get", "/me/") for name in PEOPLE} == dict.fromkeys(PEOPLE, 200)
    seen = {name: len(client(name).get(f"{API}/apps/").json()["results"]) for name in PEOPLE}
    assert seen == dict.fromkeys((*ROLES, *STAFF), len(STATES)) | {"sid": 0}
    renamed = {name: status(name, "patch", "/apps/app1000001/", {"name": "Renamed"}) for name in PEOPLE}
    assert renamed == {name: 404 if name == "sid" else 403 for name in PEOPLE} | {"olga": 200, "mark": 200}
    PluginApp.objects.filter(number=1000001).update(name="active")
    policies = {name: status(name, "get", "/policies/") for name in PEOPLE}
    assert policies == dict.fromkeys(PEOPLE, 404) | {"otto": 200, "root": 200}
    release = PluginApp.objects.get(number=1000001).releases.get(state="awaiting_review")
    path = f"/releases/{release.pk}/reject/"
    decided = {name: status(name, "post", path, {"digest": "e" * 64, "comment": "no"}) for name in PEOPLE}
    # Who may decide is told that this is not the digest; nobody has decided.
    assert decided == dict.fromkeys(PEOPLE, 403) | {"sid": 404, "rita": 409, "root": 409}
    assert release.digest == DIGEST


def assert_granted_again(models: Any) -> None:
    """The first release asks django-guardian: what roles allow is said there again."""
    grants = models.get_model("guardian", "UserObjectPermission").objects.filter(content_type__model="organization")
    for name, role in ROLES.items():
        given = grants.filter(user_id=User.objects.values_list("pk").get(username=name))
        assert set(given.values_list("permission__codename", flat=True)) == GRANTED[role]


def assert_names(name_server: type[MemoryProvider]) -> None:
    """All hostnames are in the zone, and those of apps that are not going are answered for, beside their owner."""
    assert set(Subdomain.objects.values_list("zone__name", flat=True)) == {settings.APPS_DOMAIN}
    served = Subdomain.objects.filter(environment__app__state__in=["active", "provisioning"])
    records = name_server.records(settings.APPS_DOMAIN)
    wanted = {(name, "A"): ("127.0.0.1",) for name in served.values_list("hostname", flat=True)}
    assert {key: values for key, values in records.items() if key[1] == "A"} == wanted
    assert {name for name, type_ in records if type_ == "TXT"} == {f"_berth-owner.a.{name}" for name, _ in wanted}
    AuditEvent.objects.get(action="dns.asked_for")
    register_names()
    AuditEvent.objects.get(action="dns.asked_for")


def assert_chained(capsys: pytest.CaptureFixture[str]) -> None:
    """The trail holds from its first event on."""
    capsys.readouterr()
    call_command("verify_audit")
    heads = capsys.readouterr().out.splitlines()
    organizations = [f"organization-{pk}" for pk in Organization.objects.order_by("pk").values_list("pk", flat=True)]
    assert [head.split(":")[0] for head in heads] == ["platform", *organizations]
    assert not AuditEvent.objects.filter(hash="").exists()
