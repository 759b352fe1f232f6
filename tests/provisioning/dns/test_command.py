"""The command manage.py dns."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from provisioning.dns.records import RecordSet
from provisioning.dns.services.zones import hosted_zone_set
from provisioning.exceptions import ServiceUnavailable
from tests.factories import make_app, make_operator
from tests.provisioning.dns.fixtures import ZONE, hosted_zone
from tests.provisioning.dns.memory import MemoryProvider
from tests.provisioning.dns.planned import addresses, apps_with_records
from tests.provisioning.dns.synchronised import expected, provision
from tests.provisioning.dns.test_sync_faults import at as fault_at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory")]


def dns(*arguments: str) -> str:
    out = StringIO()
    call_command("dns", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_shows_a_plan_and_applies_it() -> None:
    hosted, app = hosted_zone(), make_app()
    shown = dns("plan")
    assert f"zone {ZONE} at account-apps-example: 2 to create, 0 to update" in shown
    assert f"  + {app.public_id}.{ZONE} A 192.0.2.10 (TTL 300)" in shown
    assert MemoryProvider.records(ZONE) == {}
    with pytest.raises(CommandError, match="look at the new plan"):
        dns("apply", ZONE, "--plan", "0" * 64)
    digest = shown.split("plan ")[-1].strip()
    assert "written" in dns("apply", ZONE, "--plan", digest)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)
    assert "plan " not in dns("plan", ZONE)


def test_the_command_names_what_is_missing() -> None:
    hosted = hosted_zone()
    apps_with_records(3)
    hosted_zone_set(zone=hosted.zone, account=hosted.account, targets=["192.0.2.99"], actor=make_operator())
    with pytest.raises(CommandError, match="say why"):
        dns("apply")
    assert "50% of its records would change or be deleted: --override WHY is needed" in dns("plan")
    dns("apply", "--override", "new machines")
    assert addresses() == {("192.0.2.99",)}
    with pytest.raises(CommandError, match=f"other.example is not hosted: there are {ZONE}"):
        dns("plan", "other.example")


def test_the_command_shows_all_zones_though_one_can_not_be_read() -> None:
    MemoryProvider.reset("a.example", ZONE)
    hosted_zone("a.example")
    hosted_zone(ZONE, applies_to={"name": "test"}, priority=1)
    app = make_app()
    MemoryProvider.before_call = staticmethod(fault_at("list", 1, ServiceUnavailable("the vendor does not answer")))
    out = StringIO()
    with pytest.raises(CommandError, match=r"^zone a\.example: the vendor does not answer$"):
        call_command("dns", "plan", stdout=out)
    assert f"+ {app.public_id}.test.{ZONE} A 192.0.2.10" in out.getvalue()


def test_the_command_takes_a_record_over() -> None:
    hosted, app = hosted_zone(), make_app()
    name = f"{app.public_id}.{ZONE}"
    MemoryProvider.put(ZONE, RecordSet(name, "A", ("198.51.100.66",), 60))
    assert f"! {name} A 198.51.100.66 (TTL 60) is there, and Berth did not make it" in dns("plan")
    dns("adopt", ZONE, name, "a", "--reason", "made by hand")
    provision(app)
    assert MemoryProvider.records(ZONE) == expected(app, owner=hosted.owner)
