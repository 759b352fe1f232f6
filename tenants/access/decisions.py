"""May this subject do this to that, now, from here; and to which rows? Both from the same policies."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from tenants.access.constraints import Constraint, allowed_rows, both, within
from tenants.access.evaluation import CompiledPolicy, Rules, path_reader
from tenants.access.grants import granted_rows, is_granted
from tenants.access.in_force import known_context, known_subject, policies_in_force
from tenants.access.querying import narrowed
from tenants.access.recording import recorded
from tenants.access.subjects import Context, Subject
from tenants.audit import request_context
from tenants.exceptions import InsufficientScope, NotPermitted
from tenants.policies.resources import ACTIONS, ResourceType

Row = TypeVar("Row", bound=Model)
GRANT = "explicit grant"


@dataclass(frozen=True, slots=True)
class Decision:
    """`policy` names what decided: a policy, `explicit grant`, or nothing where none allowed it. People read `reason`.

    `code` is what clients get with a refusal; `missing_scope` the scope that the token lacks.
    """

    allowed: bool
    policy: str
    reason: str
    code: str = ""
    missing_scope: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def decide(subject: Any, action: str, resource: Model, context: Context | None = None) -> Decision:
    """Whether `subject` (a user or `Subject`) may do `action` to `resource`, as the instance at hand has it.

    The row need not be saved: creation is checked against the values it would have. Asks the database for nothing that
    is loaded already. Raises `KeyError` for an unknown action, `TypeError` for a row of another type.
    """
    resource_type = _type_of(action, type(resource))
    who = known_subject(subject)
    if who is None:
        return Decision(False, "", "nobody is signed in, or the account is not active", "not_authenticated")
    refusal = _refused_by_token(who, action, resource_type, resource)
    if refusal is not None:
        return refusal
    context = context or known_context()
    rules = policies_in_force(who).of_action(action)
    if any(matches(who, resource, context) for _policy, matches in rules.denies):
        return _denied(rules, who, resource, context)
    for policy, matches in rules.allows:
        if matches(who, resource, context):
            return Decision(True, policy.name, policy.description)
    if is_granted(resource_type, who, action, resource):
        return Decision(True, GRANT, "it was granted explicitly")
    return Decision(False, "", _remedy(action, rules, resource_type, resource), "permission_denied")


def restrict(queryset: QuerySet[Row], subject: Any, action: str, context: Context | None = None) -> QuerySet[Row]:
    """The rows of `queryset` on which `subject` may do `action`; none for who is anonymous or inactive.

    Raises `InsufficientScope` for a token that is not for such actions, `KeyError` for an unknown action, `TypeError`
    for rows of another type.
    """
    resource_type = _type_of(action, queryset.model)
    require_scope(subject, action)
    who = known_subject(subject)
    constraint = False if who is None else _constraint(who, action, resource_type, context or known_context())
    if isinstance(constraint, bool):
        return queryset if constraint else queryset.none()
    return narrowed(queryset, constraint, resource_type.organization)


def may(subject: Any, action: str, resource: Model) -> bool:
    return decide(subject, action, resource).allowed


def may_ever(subject: Any, action: str) -> bool:
    """Whether there could be a row to which `subject` may do `action`: what navigation and whole lists ask."""
    resource_type = ACTIONS[action]
    who = known_subject(subject)
    return who is not None and _constraint(who, action, resource_type, known_context()) is not False


def require(subject: Any, action: str, resource: Model) -> None:
    """Raises `NotPermitted` with the reason, or `InsufficientScope`. A saved row is judged as the database has it now.

    What allowed it is noted for the audit trail.
    """
    if resource.pk is not None and not resource._state.adding:
        fresh = _related(type(resource), ACTIONS[action]).filter(pk=resource.pk).first()
        if fresh is None:
            raise NotPermitted("it is gone: look again")
        resource = fresh
    context = known_context()
    decision = decide(subject, action, resource, context)
    who = known_subject(subject)
    entry = recorded(decision, action, ACTIONS[action], resource, who, context)
    if decision:
        request_context.decision.set(entry)
        return
    if decision.missing_scope:
        raise InsufficientScope(decision.reason, decision=entry)
    raise NotPermitted(decision.reason, code=decision.code, decision=entry)


def require_scope(subject: Any, action: str) -> None:
    """Raises `InsufficientScope` where a token is not for such actions, whatever the row."""
    who = known_subject(subject)
    # A refusal is a decision, and so is false.
    if who is not None and (refusal := _refused_by_scope(who, action)) is not None:
        raise InsufficientScope(refusal.reason)


@contextmanager
def changing(actor: Any, action: str, resource: Model) -> Iterator[None]:
    """Around a change, in its transaction: it must be allowed on the row as it is, and on the row as it has become."""
    require(actor, action, resource)
    yield
    require(actor, action, resource)


def _denied(rules: Rules, who: Subject, resource: Model, context: Context) -> Decision:
    """Named after the first deny that matches; the reason has all of them, so that nobody clears them one by one."""
    denies = [policy for policy, matches in rules.denies if matches(who, resource, context)]
    reasons = "; ".join(dict.fromkeys(_told(policy, who, resource) for policy in denies))
    return Decision(False, denies[0].name, reasons, denies[0].code or "permission_denied")


def _told(policy: CompiledPolicy, who: Subject, resource: Model) -> str:
    """The policy's own words, after what the row says of this person."""
    terms = [] if policy.conditions is None else [term for part in policy.conditions.resource for term in part]
    tell = (term.attribute.reason for term in terms if term.attribute.reason is not None)
    said = [text for reason in dict.fromkeys(tell) if (text := reason(resource, who.id))]
    return f"{' and '.join(said)}: {policy.description}" if said else policy.description


def _constraint(who: Subject, action: str, resource_type: ResourceType, context: Context) -> Constraint:
    if _refused_by_scope(who, action) is not None:
        return False
    limits: list[Constraint] = []
    if who.only_organization is not None:
        limits.append(within(resource_type.organization, [who.only_organization]))
    if who.only_app is not None:
        limits.append(within(resource_type.app, [who.only_app]))
    rules = policies_in_force(who).of_action(action)
    granted = granted_rows(resource_type, who, action)
    return both([*limits, allowed_rows(rules, resource_type, who, context, granted)])


def _refused_by_scope(who: Subject, action: str) -> Decision | None:
    scope = ACTIONS[action].actions[action]
    if who.has_scope(scope):
        return None
    reason = f"the token lacks the scope {scope}, which {action} takes: use a token that has it"
    return Decision(False, "", reason, "insufficient_scope", scope)


def _refused_by_token(who: Subject, action: str, resource_type: ResourceType, resource: Model) -> Decision | None:
    refusal = _refused_by_scope(who, action)
    if refusal is not None:
        return refusal
    if who.only_organization is not None:
        own = path_reader(resource_type.model, resource_type.organization)(resource)
        if own != who.only_organization:
            return Decision(False, "", "the token is for another organization alone", "permission_denied")
    if who.only_app is not None:
        own = path_reader(resource_type.model, resource_type.app)(resource)
        if own != who.only_app:
            return Decision(False, "", "the token is for another app alone", "permission_denied")
    return None


def _type_of(action: str, model: type[Model]) -> ResourceType:
    resource_type = ACTIONS[action]
    if not issubclass(model, resource_type.model):
        raise TypeError(f"{action} is done to {resource_type.name} rows, not to {model.__name__}")
    return resource_type


def _remedy(action: str, rules: Rules, resource_type: ResourceType, resource: Any) -> str:
    """What somebody can do for whom no policy speaks: whom to ask, as far as the policies of the action tell."""
    terms = [term for policy, _ in rules.allows for term in policy.subject_terms]
    organization = resource
    for name in resource_type.organization.split("__") if resource_type.organization not in ("", "pk") else ():
        organization = getattr(organization, name, None)
    if resource_type.organization and organization and any(term.attribute.name == "role" for term in terms):
        return f"no policy allows you {action} here: ask an owner of {organization}"
    held = sorted({role for term in terms if term.attribute.name == "platform_roles" for role in _listed(term.value)})
    if held:
        return f"no policy allows you {action} here: it takes the platform role {' or '.join(held)}, ask an operator"
    return f"no policy allows you {action} here: ask an operator"


def _listed(value: Any) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset([value])


def _related(model: type[Any], resource_type: ResourceType) -> QuerySet[Any]:
    """The rows with the relations that attributes and the remedy walk through."""
    paths = {attribute.orm_path for attribute in resource_type.attributes if attribute.matches is None}
    paths |= {resource_type.organization, resource_type.app}
    walks = {path.rpartition("__")[0] for path in paths if "__" in path}
    queryset = model._base_manager.all()
    return queryset.select_related(*sorted(walks)) if walks else queryset


__all__ = [
    "GRANT",
    "Decision",
    "changing",
    "decide",
    "may",
    "may_ever",
    "require",
    "require_scope",
    "restrict",
]
