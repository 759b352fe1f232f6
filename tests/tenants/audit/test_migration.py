"""Events that were written before there were chains get their places, and the way back is open."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

BEFORE, CHAINED = ("tenants", "0002_policies_and_people"), ("tenants", "0003_audit_chain")


def migrate(target: tuple[str, str]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([target])
    return MigrationExecutor(connection).loader.project_state([target]).apps


@pytest.fixture
def before(transactional_db: None) -> Iterator[Any]:
    """The models as they were; afterwards everything is as it is again."""
    yield migrate(BEFORE)
    call_command("migrate", verbosity=0)


def write(models: Any, number: int, organization: Any = None) -> None:
    models.get_model("tenants", "AuditEvent").objects.create(
        action="test", message=f"{number} § 🚢", data={"b": number, "a": [1.5, None]}, organization=organization
    )


def test_old_events_are_chained_in_their_order_and_verified(before: Any, capsys: pytest.CaptureFixture[str]) -> None:
    organizations = [
        before.get_model("tenants", "Organization").objects.create(name=slug, slug=slug) for slug in ("a", "b", "c")
    ]
    for number in range(1100):
        write(before, number, [None, *organizations[:2]][number % 3])
    after = migrate(CHAINED)
    events = after.get_model("tenants", "AuditEvent").objects
    for organization, count in ((None, 367), (organizations[0].pk, 367), (organizations[1].pk, 366)):
        places = events.filter(organization_id=organization).order_by("id").values_list("sequence", flat=True)
        assert list(places) == list(range(1, count + 1))
    call_command("migrate", verbosity=0)
    capsys.readouterr()
    call_command("verify_audit")
    heads = [line.rsplit(":", 1)[0] for line in capsys.readouterr().out.splitlines()]
    a, b, c = (f"organization-{organization.pk}" for organization in organizations)
    assert heads == ["platform:367", f"{a}:367", f"{b}:366", f"{c}:0"]


def test_the_way_back_keeps_the_events_and_takes_the_guard_away(before: Any) -> None:
    write(before, 1)
    after = migrate(CHAINED)
    events = after.get_model("tenants", "AuditEvent").objects
    first = events.get()
    events.create(
        chain_id=first.chain_id,
        sequence=2,
        previous_hash=first.hash,
        hash="f" * 64,
        created_at=timezone.now(),
        action="test",
        message="2 § 🚢",
    )
    again = migrate(BEFORE).get_model("tenants", "AuditEvent").objects
    assert list(again.order_by("id").values_list("message", flat=True)) == ["1 § 🚢", "2 § 🚢"]
    assert again.update(message="changed") == 2
