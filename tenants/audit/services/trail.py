"""Audit events as they are made and written: chained, so that none can be changed, removed or inserted unseen."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from tenants.audit import chain, request_context
from tenants.audit.models import AuditChain, AuditEvent
from tenants.audit.request_context import RecordedDecision
from tenants.policies.resources import RESOURCE_TYPES


def event(*, obj: Model | None = None, decision: RecordedDecision | None = None, **content: Any) -> AuditEvent:
    """An unsaved event with `content`, time, and what is known about the request under way.

    `obj` is what it was done to; `decision` is what allowed or refused it. Text that is too long is cut.
    """
    authentication = request_context.authentication.get()
    object_type, object_id = reference(obj) if obj is not None else ("", "")
    values: dict[str, Any] = {
        "created_at": timezone.now(),
        "request_id": request_context.request_id.get(),
        "authentication_method": authentication.method,
        "source_address": authentication.address or "",
        "token_id": authentication.token_id,
        "object_type": object_type,
        "object_id": object_id,
        "policy": decision.policy if decision else "",
        "decision": asdict(decision) if decision else {},
    } | content
    for field in AuditEvent._meta.concrete_fields:
        match field.get_internal_type():
            case "CharField" | "TextField" if field.name in values:
                values[field.name] = chain.text(values[field.name])[: field.max_length]
            case "JSONField" if field.name in values:
                values[field.name] = chain.normalised(values[field.name])
    return AuditEvent(**values)


def refusal(decision: RecordedDecision, *, message: str) -> AuditEvent:
    """The event of an attempt that was refused."""
    return event(
        action="access.denied",
        message=message,
        decision=decision,
        actor_id=decision.actor_id,
        organization_id=decision.organization_id,
        app_id=decision.app_id,
        object_type=decision.resource_type,
        object_id=decision.resource_id,
        data={"action": decision.action, "reason": decision.reason},
    )


def reference(row: Model) -> tuple[str, str]:
    """A row's resource type and its name as people use it; the model's name and the key where none is declared."""
    model = row._meta.concrete_model
    for resource_type in RESOURCE_TYPES.values():
        if resource_type.model is model:
            return resource_type.name, resource_type.reference(row)
    return row._meta.model_name or "", str(row.pk)


# Where an event stands in its chain: known when the chain's head is held. Attributes and columns have the same names.
_PLACE = ("chain_id", "sequence", "previous_hash", "hash")
_Statement = tuple[str, list[Any]]
# In one statement; SQLite takes 32,766 values.
_ROWS = 1_000


@dataclass
class _Head:
    """Where a chain ends. Plain SQL keeps it: what is done while others wait takes a tenth of the ORM's time so."""

    pk: int
    name: str
    sequence: int
    hash: str


def append(events: list[AuditEvent]) -> None:
    """Writes `events` at the ends of their chains, and moves the heads. Call it last in a transaction.

    The heads are locked in one order, so that two callers never wait for each other, and stay locked until the
    transaction has ended (SQLite has one writer at a time).
    """
    if not events:
        return
    # All that can be done before others have to wait is.
    prepared = [_columns_of(row) for row in events]
    heads = _locked_heads({chain.chain_name(row.organization_id): row.organization_id for row in events})
    found = {name: (head.sequence, head.hash) for name, head in heads.items()}
    for row in events:
        head = heads[chain.chain_name(row.organization_id)]
        row.chain_id, row.sequence, row.previous_hash = head.pk, head.sequence + 1, head.hash
        row.hash = chain.hash_of(chain.content(row, chain=head.name))
        head.sequence, head.hash = row.sequence, row.hash
    insertions = _insertions(events, prepared)
    for name, head in heads.items():
        _move(head, *found[name], insertions)
    for insertion in insertions:
        with connection.cursor() as cursor:
            cursor.execute(*insertion)


def _columns_of(row: AuditEvent) -> dict[str, Any]:
    """What is written of an event, without its place in the chain, as the database takes it."""
    return {
        str(field.column): field.get_db_prep_save(getattr(row, field.attname), connection)
        for field in AuditEvent._meta.concrete_fields
        if not field.primary_key and field.attname not in _PLACE
    }


def _insertions(events: list[AuditEvent], prepared: list[dict[str, Any]]) -> list[_Statement]:
    """Plain SQL, too. In the order of `events`: ids follow the places in a chain."""
    rows = [
        values | {name: getattr(row, name) for name in _PLACE} for row, values in zip(events, prepared, strict=True)
    ]
    columns = list(rows[0])
    marks = f"({', '.join(['%s'] * len(columns))})"
    into = f"INSERT INTO {connection.ops.quote_name(AuditEvent._meta.db_table)} ({', '.join(columns)}) VALUES"
    return [
        (f"{into} {', '.join([marks] * len(part))}", [row[column] for row in part for column in columns])
        for part in (rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS))
    ]


def _move(head: _Head, sequence: int, digest: str, insertions: list[_Statement]) -> None:
    """By compare-and-set, from `sequence` and `digest`. Takes the first of `insertions` along where the database can:
    each way to it and back is time that others wait."""
    sql = "UPDATE tenants_auditchain SET sequence = %s, hash = %s WHERE id = %s AND sequence = %s AND hash = %s"
    values: list[Any] = [head.sequence, head.hash, head.pk, sequence, digest]
    if insertions and connection.vendor == "postgresql":
        insertion, inserted = insertions.pop(0)
        sql, values = f"WITH written AS ({insertion}) {sql}", [*inserted, *values]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        if cursor.rowcount != 1:
            raise RuntimeError(f"the audit chain {head.name} was moved by another transaction: nothing was written")


def _locked_heads(organizations: dict[str, int | None]) -> dict[str, _Head]:
    """The heads by their chains' names; one that is missing is made."""
    heads = _lock(list(organizations))
    missing = sorted(organizations.keys() - heads.keys())
    if missing:
        new = [AuditChain(name=name, organization_id=organizations[name]) for name in missing]
        AuditChain.objects.bulk_create(new, ignore_conflicts=True)
        heads |= _lock(missing)
    return heads


def _lock(names: list[str]) -> dict[str, _Head]:
    # No lock on keys: events refer to the head's row, and a reference must not wait for whoever appends.
    lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else ""
    marks = ", ".join(["%s"] * len(names))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, name, sequence, hash FROM tenants_auditchain WHERE name IN ({marks}) ORDER BY id{lock}",  # noqa: S608
            names,
        )
        return {row[1]: _Head(*row) for row in cursor.fetchall()}
