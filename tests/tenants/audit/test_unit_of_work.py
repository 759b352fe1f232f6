"""Events are written with what they tell of, or not at all; and what was refused leaves a trace of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import F

from tenants.audit import request_context
from tenants.audit.chain import GENESIS
from tenants.audit.request_context import Authentication, RecordedDecision
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.exceptions import NotPermitted
from tenants.models import AuditChain, AuditEvent, Organization, User
from tests.factories import make_organization, make_user


def messages() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("message", flat=True))


def note(message: str, organization: Organization | None = None) -> None:
    audit_record(action="test", message=message, organization=organization)


@unit_of_work
def note_and_fail(message: str, failure: Exception | None = None) -> None:
    note(message)
    raise failure or ZeroDivisionError


def decision(**values: object) -> RecordedDecision:
    fields = {
        "is_allowed": False,
        "action": "app.change",
        "policy": "nobody on Fridays",
        "reason": "it is Friday: come back on Monday",
        "actor_id": None,
        "resource_type": "app",
        "resource_id": "app1000001",
        "organization_id": None,
        "app_id": None,
        "subject": {"platform_roles": []},
        "context": {"time": "2026-01-02T03:04:05+00:00"},
    }
    return RecordedDecision(**(fields | values))  # type: ignore[arg-type]


@pytest.mark.django_db
def test_events_are_written_when_the_outermost_unit_ends() -> None:
    @unit_of_work
    def service(message: str) -> str:
        """Says what it does."""
        note(message)
        return message

    with unit_of_work():
        assert service("first") == "first"
        service("second")
        assert messages() == []
    assert messages() == ["first", "second"]
    assert (service.__name__, service.__doc__) == ("service", "Says what it does.")


@pytest.mark.django_db
def test_an_event_outside_of_any_unit_is_written_at_once() -> None:
    note("alone")
    assert messages() == ["alone"]


@pytest.mark.django_db
def test_what_is_rolled_back_leaves_no_event() -> None:
    with unit_of_work():
        note("kept")
        with pytest.raises(ZeroDivisionError):
            note_and_fail("lost with its unit")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            _in_a_savepoint()
        note("kept too")
    with pytest.raises(ZeroDivisionError):
        note_and_fail("lost")
    assert messages() == ["kept", "kept too"]


def _in_a_savepoint() -> None:
    note("lost with its savepoint")
    raise ZeroDivisionError


@pytest.mark.django_db
def test_a_unit_that_was_set_to_roll_back_leaves_no_event() -> None:
    with unit_of_work():
        note("lost")
        transaction.set_rollback(True)
    note("kept")
    assert messages() == ["kept"]


@pytest.mark.django_db(transaction=True)
def test_hooks_run_after_the_events_are_committed_and_may_open_units() -> None:
    seen: list[list[str]] = []

    def hook() -> None:
        seen.append(messages())
        note("of the hook")

    with unit_of_work():
        note("first")
        transaction.on_commit(hook)
    assert seen == [["first"]]
    assert messages() == ["first", "of the hook"]


@pytest.mark.django_db
def test_an_event_says_who_did_what_to_what_from_where_and_why_it_was_allowed() -> None:
    user, organization = make_user("ada"), make_organization(slug="acme")
    came_in = Authentication(method="token", address="192.0.2.7", token_id=12)
    token = request_context.authentication.set(came_in)
    identity = request_context.request_id.set("request-1")
    allowed = decision(is_allowed=True, policy="owners manage")
    try:
        with unit_of_work():
            request_context.decision.set(allowed)
            audit_record(
                action="organization.renamed",
                message="renamed",
                actor=user,
                obj=organization,
                organization=organization,
                before={"name": "Acme"},
                after={"name": "ACME"},
            )
    finally:
        request_context.authentication.reset(token)
        request_context.request_id.reset(identity)
    event = AuditEvent.objects.get(action="organization.renamed")
    assert (event.actor, event.authentication_method, event.source_address, event.token_id) == (
        user,
        "token",
        "192.0.2.7",
        12,
    )
    assert (event.object_type, event.object_id) == ("organization", "acme")
    assert (event.before, event.after) == ({"name": "Acme"}, {"name": "ACME"})
    assert (event.policy, event.request_id) == ("owners manage", "request-1")
    assert event.decision["reason"] == allowed.reason
    assert event.decision["context"] == allowed.context


@pytest.mark.django_db
def test_a_decision_of_one_unit_is_not_told_of_the_next() -> None:
    with unit_of_work():
        request_context.decision.set(decision(is_allowed=True))
        note("first")
    with unit_of_work():
        note("second")
    assert list(AuditEvent.objects.order_by("pk").values_list("policy", flat=True)) == ["nobody on Fridays", ""]


@pytest.mark.django_db
def test_a_refusal_is_written_after_everything_else_is_rolled_back() -> None:
    user, organization = make_user(), make_organization()
    before = messages()
    refused = decision(actor_id=user.pk, organization_id=organization.pk)
    with pytest.raises(NotPermitted), unit_of_work():
        note_and_fail("lost", NotPermitted(refused.reason, decision=refused))
    assert messages() == [*before, "it is Friday: come back on Monday"]
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor, event.organization) == ("access.denied", user, organization)
    assert (event.object_type, event.object_id, event.policy) == ("app", "app1000001", "nobody on Fridays")
    assert event.decision["action"] == "app.change"


@pytest.mark.django_db
def test_a_refusal_without_a_decision_leaves_no_event() -> None:
    with pytest.raises(NotPermitted), unit_of_work():
        note_and_fail("lost", NotPermitted("no"))
    assert messages() == []


@pytest.mark.django_db(transaction=True)
def test_a_refusal_that_can_not_be_written_stays_a_refusal(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotPermitted), unit_of_work():
        note_and_fail("lost", NotPermitted("no", decision=decision(organization_id=999_999)))
    assert "could not be written to the trail" in caplog.text
    assert messages() == []


@unit_of_work
def rename(user: User, name: str) -> None:
    User.objects.filter(pk=user.pk).update(first_name=name)
    note("renamed")


@pytest.mark.django_db(transaction=True)
def test_events_that_can_not_be_chained_take_everything_with_them() -> None:
    user = make_user()
    note("first")
    with connection.execute_wrapper(somebody_moves_the_head), pytest.raises(RuntimeError, match="moved by another"):
        rename(user, "Ada")
    user.refresh_from_db()
    assert (user.first_name, messages()) == ("", ["first"])


def somebody_moves_the_head(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    """What could happen in a database that locks nothing: between the look at a head and its move it is another."""
    if "UPDATE tenants_auditchain" in sql:
        AuditChain.objects.update(sequence=F("sequence") + 1)
    return execute(sql, *rest)


CALLERS, EACH = 8, 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("shared", ["one chain", "several chains in every order", "new chains"])
def test_concurrent_writers_leave_chains_without_a_gap(shared: str) -> None:
    organizations = [make_organization() for _ in range(4)]
    if shared == "new chains":
        # As after a restore without them: the first event of each makes its head.
        organizations = [
            Organization.objects.create(name=f"bare {number}", slug=f"bare{number}") for number in range(4)
        ]
    barrier = threading.Barrier(CALLERS)

    def write(caller: int) -> None:
        try:
            barrier.wait(timeout=30)
            for number in range(EACH):
                chosen = organizations[:1] if shared == "one chain" else [*organizations, None]
                turn = (caller + number) % len(chosen)
                with unit_of_work():
                    for organization in chosen[turn:] + chosen[:turn]:
                        note(f"{caller} {number}", organization)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(write, range(CALLERS)))
    chains = {chain.organization_id: chain for chain in AuditChain.objects.all()}
    for organization in organizations[:1] if shared == "one chain" else [*organizations, None]:
        chain = chains[organization.pk if organization else None]
        events = list(chain.events.order_by("sequence"))
        assert len([event for event in events if event.action == "test"]) == CALLERS * EACH
        assert [event.sequence for event in events] == list(range(1, chain.sequence + 1))
        assert [event.previous_hash for event in events] == [GENESIS, *(event.hash for event in events[:-1])]
        assert chain.hash == events[-1].hash
