"""What the trail keeps of a decision, and how a draft policy is asked about it afterwards."""

from types import SimpleNamespace
from typing import Any

from django.db.models import Model
from django.utils.dateparse import parse_datetime

from tenants.access.evaluation import Readers, jsonable, path_reader, readers_of_rows
from tenants.access.subjects import Context, Subject
from tenants.audit.request_context import RecordedDecision
from tenants.policies.conditions import SUBJECT_ATTRIBUTES
from tenants.policies.resources import Attribute, Kind, ResourceType

_EMPTY: dict[Kind, Any] = {Kind.ID: 0, Kind.TEXT: "", Kind.FLAG: False, Kind.ID_SET: (), Kind.TEXT_SET: ()}


def recorded(
    decision: Any, action: str, resource_type: ResourceType, resource: Model, who: Subject | None, context: Context
) -> RecordedDecision:
    """`decision` with the attribute values that it could rest on."""
    readers = readers_of_rows(resource_type)
    organization = readers.organization(resource)
    values = {
        attribute.name: jsonable(readers.attribute(attribute)(resource)) for attribute in resource_type.attributes
    }
    return RecordedDecision(
        is_allowed=decision.allowed,
        action=action,
        policy=decision.policy,
        reason=decision.reason,
        actor_id=who.id if who else None,
        resource_type=resource_type.name,
        resource_id=resource_type.reference(resource) if resource.pk else "",
        organization_id=organization,
        app_id=path_reader(resource_type.model, resource_type.app)(resource),
        subject=_subject(who, organization) if who else {},
        resource=values,
        context={
            "time": context.time.isoformat(),
            "address": context.address,
            "authentication_method": context.authentication_method,
            "freeze": context.freeze,
        },
    )


def _subject(who: Subject, organization: int | None) -> dict[str, Any]:
    values = {
        attribute.name: jsonable(getattr(who, attribute.name))
        for attribute in SUBJECT_ATTRIBUTES
        if attribute.name != "role"
    }
    role = who.memberships.get(organization) if organization is not None else None
    return values | {"memberships": {str(organization): role} if role else {}}


def replayed_subject(values: dict[str, Any]) -> SimpleNamespace:
    """The subject as it was then, for a policy's check; what was no attribute yet is empty."""
    plain = {attribute.name: _EMPTY[attribute.kind] for attribute in SUBJECT_ATTRIBUTES} | values
    sets = {attribute.name for attribute in SUBJECT_ATTRIBUTES if attribute.kind in (Kind.ID_SET, Kind.TEXT_SET)}
    plain |= {name: frozenset(plain[name]) for name in sets}
    plain["memberships"] = {int(pk): role for pk, role in values.get("memberships", {}).items()}
    return SimpleNamespace(**plain)


def replayed_context(values: dict[str, Any]) -> Context:
    context = Context(
        time=parse_datetime(values["time"]) or Context().time,
        address=values["address"],
        authentication_method=values["authentication_method"],
    )
    context.__dict__["freeze"] = values["freeze"]
    return context


def readers_of_records(resource_type: ResourceType) -> Readers:
    """Reads what `recorded` kept of a row: a pair of attribute values and organization id."""
    return Readers(attribute=_record_reader, organization=lambda record: record[1])


def _record_reader(attribute: Attribute) -> Any:
    name = attribute.name
    if attribute.kind in (Kind.ID_SET, Kind.TEXT_SET):
        return lambda record: frozenset(record[0].get(name) or ())
    if attribute.kind is Kind.TIME:
        return lambda record: parse_datetime(record[0][name]) if record[0].get(name) else None
    return lambda record: record[0].get(name)
