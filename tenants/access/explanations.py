"""Why: what matched, and what did not."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from tenants.access.decisions import Decision, decide
from tenants.access.evaluation import CompiledPolicy, compare, jsonable, readers_of_rows
from tenants.access.in_force import policies_in_force
from tenants.access.subjects import Context, Subject
from tenants.policies.conditions import ALWAYS, NO_ROLE, Alternatives, Placeholder, Term
from tenants.policies.resources import ACTIONS, Kind, ResourceType


@dataclass(frozen=True)
class Failure:
    """The first term that failed of a policy's first alternative: `found` stood where `wanted` was asked for."""

    policy: str
    condition: str
    term: str
    wanted: Any
    found: Any


@dataclass(frozen=True)
class Explanation:
    """`matched` has every policy that matches, denies first; `failed` the first that does not."""

    decision: Decision
    matched: tuple[CompiledPolicy, ...]
    failed: Failure | None


def explain(subject: Subject, action: str, resource: Model, context: Context) -> Explanation:
    rules = policies_in_force().of_action(action)
    matched: list[CompiledPolicy] = []
    failed: Failure | None = None
    # An allow that failed says more about a refusal than a deny that did; after an allow it is the other way round.
    decision = decide(subject, action, resource, context)
    for policy, matches in (*rules.denies, *rules.allows):
        if matches(subject, resource, context):
            matched.append(policy)
        elif failed is None and policy.is_deny is decision.allowed:
            failed = _failure(policy, ACTIONS[action], subject, resource, context)
    return Explanation(decision, tuple(matched), failed)


def _failure(
    policy: CompiledPolicy, resource_type: ResourceType, subject: Subject, resource: Model, context: Context
) -> Failure | None:
    if policy.conditions is None:
        return Failure(policy.name, "policy", "", None, "the policy can't be evaluated: an operator must mend it")
    readers = readers_of_rows(resource_type)

    def of_subject(term: Term) -> Any:
        if term.attribute.name == "role":
            return subject.memberships.get(readers.organization(resource), NO_ROLE)
        return getattr(subject, term.attribute.name)

    def of_context(term: Term) -> Any:
        return getattr(context, "parsed_address" if term.attribute.kind is Kind.ADDRESS else term.attribute.name)

    sources = (
        ("subject", policy.conditions.subject, of_subject),
        ("resource", policy.conditions.resource, lambda term: readers.attribute(term.attribute)(resource)),
        ("context", policy.conditions.context, of_context),
    )
    for name, alternatives, read in sources:
        terms = _first_failing(alternatives, policy, read, subject, context)
        if terms is not None:
            term, wanted, found = terms
            return Failure(policy.name, name, str(term), _shown(wanted), _shown(found))
    return None


def _first_failing(
    alternatives: Alternatives, policy: CompiledPolicy, read: Any, subject: Subject, context: Context
) -> tuple[Term, Any, Any] | None:
    if alternatives == ALWAYS:
        return None
    first: tuple[Term, Any, Any] | None = None
    for terms in alternatives:
        failing = None
        for term in terms:
            found, wanted = read(term), _wanted(term, subject, context)
            if not compare(term.lookup, found, wanted, is_deny=policy.is_deny):
                failing = (term, wanted, found)
                break
        if failing is None:
            return None
        first = first or failing
    return first


def _wanted(term: Term, subject: Subject, context: Context) -> Any:
    if isinstance(term.value, Placeholder):
        return getattr(subject if term.value.source == "subject" else context, term.value.attribute)
    return term.value


def _shown(value: Any) -> Any:
    value = jsonable(value)
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value if isinstance(value, str | int | bool | list | None) else str(value)
