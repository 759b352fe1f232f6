"""The trail can't be rewritten unseen: every way to tamper is tried for real, past Django, and is named."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import IntegrityError

from tenants.audit.chain import GENESIS, content, hash_of
from tenants.audit.services.record import audit_record
from tenants.models import AuditChain, AuditEvent, Organization
from tests.factories import make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(db: None) -> AuditChain:
    """An organization's chain of seven events, beside the platform's."""
    audit_record(action="test", message="of nobody")
    organization = make_organization()
    for number in range(2, 8):
        audit_record(action="test", message=f"event {number}", organization=organization, data={"number": number})
    return AuditChain.objects.get(organization=organization)


@contextmanager
def unguarded() -> Iterator[None]:
    """What a superuser of the database can do: take the guard away."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE tenants_auditevent DISABLE TRIGGER tenants_auditevent_append_only")
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE tenants_auditevent ENABLE TRIGGER tenants_auditevent_append_only")


def sql(statement: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def findings(*expected: str) -> list[str]:
    """What `verify_audit` finds, one line a chain."""
    errors = io.StringIO()
    arguments = [f"--expect={head}" for head in expected]
    broken = CommandError(returncode=0)
    try:
        call_command("verify_audit", *arguments, stdout=io.StringIO(), stderr=errors)
    except CommandError as error:
        broken = error
    assert broken.returncode == (1 if errors.getvalue() else 0)
    return errors.getvalue().splitlines()


def heads() -> list[str]:
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    return out.getvalue().splitlines()


def change(chain: AuditChain, place: int) -> None:
    sql("UPDATE tenants_auditevent SET message = 'nothing' WHERE chain_id = %s AND sequence = %s", chain.pk, place)


def rehash(chain: AuditChain, place: int) -> None:
    """Gives the event the hash that what it says now has: what an attacker does who has read this repository."""
    event = AuditEvent.objects.get(chain=chain, sequence=place)
    new = hash_of(content(event, chain=chain.name))
    sql("UPDATE tenants_auditevent SET hash = %s WHERE id = %s", new, event.pk)


def remove(chain: AuditChain, place: int) -> None:
    sql("DELETE FROM tenants_auditevent WHERE chain_id = %s AND sequence = %s", chain.pk, place)


def shift(chain: AuditChain, first: int, by: int) -> None:
    """Moves the events from `first` on, and the head with them, as if nothing had been there, or something."""
    for offset in (1_000_000, by - 1_000_000):
        sql(
            "UPDATE tenants_auditevent SET sequence = sequence + %s WHERE chain_id = %s AND sequence >= %s",
            offset,
            chain.pk,
            first,
        )
    sql("UPDATE tenants_auditchain SET sequence = sequence + %s WHERE id = %s", by, chain.pk)


def forge(chain: AuditChain, place: int, *, with_hash: bool = True) -> None:
    """An event that nobody recorded, as good as it can be made."""
    model = AuditEvent.objects.filter(chain=chain).order_by("sequence")[0]
    before = AuditEvent.objects.filter(chain=chain, sequence=place - 1).first()
    model.pk = None
    model.sequence, model.message = place, "forged"
    model.previous_hash = before.hash if before else GENESIS
    model.hash = hash_of(content(model, chain=chain.name)) if with_hash else "f" * 64
    model.save(force_insert=True)


def exchange(chain: AuditChain, first: int, second: int) -> None:
    for place, to in ((first, 1_000_000), (second, first), (1_000_000, second)):
        sql("UPDATE tenants_auditevent SET sequence = %s WHERE chain_id = %s AND sequence = %s", to, chain.pk, place)


def point_head(chain: AuditChain, place: int) -> None:
    event = AuditEvent.objects.get(chain=chain, sequence=place)
    sql("UPDATE tenants_auditchain SET sequence = %s, hash = %s WHERE id = %s", place, event.hash, chain.pk)


def steps(*acts: Callable[[AuditChain], None]) -> Callable[[AuditChain], None]:
    def do(chain: AuditChain) -> None:
        for act in acts:
            act(chain)

    return do


TAMPERINGS: dict[str, tuple[Callable[[AuditChain], None], str]] = {
    "change": (lambda c: change(c, 4), "event 4 was changed"),
    "change the first": (lambda c: change(c, 1), "event 1 was changed"),
    "change the last": (lambda c: change(c, 7), "event 7 was changed"),
    "change and hash again": (steps(lambda c: change(c, 4), lambda c: rehash(c, 4)), "event 4 was changed or inserted"),
    "change the last and hash again": (
        steps(lambda c: change(c, 7), lambda c: rehash(c, 7)),
        "event 7 was changed or inserted",
    ),
    "remove": (lambda c: remove(c, 3), "event 3 was removed"),
    "remove the first": (lambda c: remove(c, 1), "event 1 was removed"),
    "remove and close the gap": (steps(lambda c: remove(c, 3), lambda c: shift(c, 4, -1)), "event 3 was removed"),
    "remove the last but one and close the gap": (
        steps(lambda c: remove(c, 6), lambda c: shift(c, 7, -1)),
        "event 6 was removed",
    ),
    "remove the tail": (steps(lambda c: remove(c, 6), lambda c: remove(c, 7)), "event 6 was removed"),
    "remove everything": (steps(*(lambda c, n=n: remove(c, n) for n in range(1, 8))), "event 1 was removed"),
    "insert": (steps(lambda c: shift(c, 5, 1), lambda c: forge(c, 5)), "event 5 was inserted"),
    "insert before all": (steps(lambda c: shift(c, 1, 1), lambda c: forge(c, 1)), "event 1 was inserted"),
    "insert with any hash": (
        steps(lambda c: shift(c, 5, 1), lambda c: forge(c, 5, with_hash=False)),
        "event 5 was inserted",
    ),
    "insert at the end": (lambda c: forge(c, 8), "event 8 was inserted"),
    "exchange neighbours": (lambda c: exchange(c, 3, 4), "event 3 was exchanged"),
    "exchange two": (lambda c: exchange(c, 2, 6), "event 2 was exchanged"),
    "set the head back": (lambda c: point_head(c, 5), "event 6 was inserted"),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_the_first_event_that_was_tampered_with_is_named(chain: AuditChain, tampering: str) -> None:
    act, named = TAMPERINGS[tampering]
    assert findings() == []
    with unguarded():
        act(chain)
    (found,) = findings()
    assert found.startswith(f"{chain.name}: {named}")


def test_other_chains_are_as_they_were(chain: AuditChain) -> None:
    other = make_organization()
    with unguarded():
        change(chain, 2)
        change(AuditChain.objects.get(organization=other), 1)
    assert [line.split(" was ")[0] for line in findings()] == [
        f"{chain.name}: event 2",
        f"organization-{other.pk}: event 1",
    ]


def test_only_a_noted_head_shows_that_the_tail_went_together_with_the_head(chain: AuditChain) -> None:
    noted = heads()
    with unguarded():
        remove(chain, 7)
        point_head(chain, 6)
    assert findings() == []
    assert findings(*noted) == [f"{chain.name}: event 7 was removed: event 7 was noted"]


def test_only_a_noted_head_shows_a_chain_that_was_made_anew(chain: AuditChain) -> None:
    noted = heads()
    with unguarded():
        change(chain, 5)
        for place in (5, 6, 7):
            before = AuditEvent.objects.get(chain=chain, sequence=place - 1)
            sql(
                "UPDATE tenants_auditevent SET previous_hash = %s WHERE chain_id = %s AND sequence = %s",
                before.hash,
                chain.pk,
                place,
            )
            rehash(chain, place)
        point_head(chain, 7)
    assert findings() == []
    (found,) = findings(*noted)
    assert found.startswith(f"{chain.name}: event 7 is not the one that was noted")


def test_a_head_noted_earlier_holds_for_ever(chain: AuditChain) -> None:
    noted = heads()
    audit_record(action="test", message="one more", organization=chain.organization)
    assert findings(*noted) == []


def test_a_chain_that_is_gone_with_its_head_is_missed(chain: AuditChain) -> None:
    with unguarded():
        sql("DELETE FROM tenants_auditevent WHERE chain_id = %s", chain.pk)
        sql("DELETE FROM tenants_auditchain WHERE id = %s", chain.pk)
    assert findings() == [f"{chain.name}: event 1 was removed, with its whole chain"]


@pytest.mark.parametrize("head", ["platform", "platform:-1:" + "0" * 64, "nobody:1:" + "0" * 64, "platform:1:abc"])
def test_a_head_that_is_none_is_refused(head: str) -> None:
    with pytest.raises(CommandError, match="CHAIN:SEQUENCE:HASH") as refused:
        call_command("verify_audit", f"--expect={head}")
    assert refused.value.returncode == 2


@pytest.mark.parametrize("statement", ["UPDATE tenants_auditevent SET message = 'x'", "DELETE FROM tenants_auditevent"])
def test_postgresql_refuses_to_change_what_is_written_and_sqlite_is_found_out(
    chain: AuditChain, statement: str
) -> None:
    if connection.vendor == "postgresql":
        with pytest.raises(IntegrityError, match="audit events are append-only"), transaction.atomic():
            sql(statement)
        assert findings() == []
    else:
        sql(statement)
        assert len(findings()) == 2


def test_emptying_the_table_is_not_refused_and_found_out(chain: AuditChain) -> None:
    """PostgreSQL's trigger is for rows: TRUNCATE passes it, and the heads stay behind."""
    if connection.vendor == "postgresql":
        sql("SET CONSTRAINTS ALL IMMEDIATE")
        sql("TRUNCATE tenants_auditevent")
    else:
        sql("DELETE FROM tenants_auditevent")
    assert findings() == ["platform: event 1 was removed", f"{chain.name}: event 1 was removed"]


HARD_TO_KEEP = [
    {
        "float": 1.5,
        "whole": 3.0,
        "large": 1e22,
        "small": 1e-7,
        "minus": -0.0,
        "not": float("nan"),
        "no end": float("inf"),
    },
    {"nul": "a\x00b", "surrogate": "\ud800", "emoji": "🚢", "escape": "\\u0000", "\x00": 1},
    {"b": 1, "a": {"z": [1, {"y": None}], "ä": True}, "10": 0, "9": 0, "": 0},
    {"huge": 10**40, "minus": -(2**63), "set": {"b", "a"}, "tuple": (1, 2), 5: 6},
    {"time": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)},
]


@pytest.mark.parametrize("data", HARD_TO_KEEP)
def test_what_json_and_databases_spell_differently_is_hashed_as_it_is_read_again(
    chain: AuditChain, data: dict[str, object]
) -> None:
    audit_record(
        action="x" * 100,
        message="a\x00b \ud800",
        organization=chain.organization,
        before=data,
        after={"nested": [data]},
        data=data,
    )
    assert findings() == []


def test_each_organization_has_a_chain_and_the_platform_one(chain: AuditChain) -> None:
    other = make_organization()
    assert [head.split(":")[:2] for head in heads()] == [
        ["platform", str(AuditEvent.objects.filter(organization=None).count())],
        [chain.name, "7"],
        [f"organization-{other.pk}", "1"],
    ]
    assert Organization.objects.count() == 2
