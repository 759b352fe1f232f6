"""Policies as constraints: which rows of a queryset they let a subject act on, in SQL."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.db.models import F, Field, Model, Q
from django.db.models.functions import Left
from django.db.models.lookups import Exact

from tenants.access.evaluation import CompiledPolicy, Rules, compare
from tenants.access.lookups import AnyOf
from tenants.access.subjects import Context, Subject
from tenants.policies.conditions import ALWAYS, NO_ROLE, Alternatives, Placeholder, Term
from tenants.policies.resources import Kind, ResourceType

# True: every row; False: none; else a constraint that is never NULL for a row, so that it may be negated.
Constraint = bool | Q

_ORM_LOOKUPS = {"exact": "exact", "lt": "lt", "lte": "lte", "gt": "gt", "gte": "gte"}
_NEGATED = {"ne": "exact", "not_in": "in", "excludes": "contains", "disjoint": "overlaps"}


def allowed_rows(
    rules: Rules, resource_type: ResourceType, subject: Subject, context: Context, granted: Constraint
) -> Constraint:
    """Any allow or explicit grant, and no deny."""
    denied = either(constraint_of(policy, resource_type, subject, context) for policy, _ in rules.denies)
    if denied is True:
        return False
    allowed = either([*(constraint_of(policy, resource_type, subject, context) for policy, _ in rules.allows), granted])
    return both([allowed, negated(denied)])


def constraint_of(
    policy: CompiledPolicy, resource_type: ResourceType, subject: Subject, context: Context
) -> Constraint:
    """The rows that one policy matches."""
    if policy.conditions is None:
        return policy.is_deny
    circumstances = _of_alternatives(policy.conditions.context, lambda term: _of_context(term, context, policy.is_deny))
    if circumstances is False:
        return False
    who = _of_alternatives(
        policy.conditions.subject, lambda term: _of_subject(term, resource_type, subject, policy.is_deny)
    )
    if who is False:
        return False
    which = _of_alternatives(
        policy.conditions.resource,
        lambda term: _of_resource(term, resource_type.model, subject, context, policy.is_deny),
    )
    return both([who, which])


def both(parts: Iterable[Constraint]) -> Constraint:
    """All of `parts`."""
    whole: Constraint = True
    for part in parts:
        if part is False:
            return False
        if part is not True:
            whole = part if whole is True else whole & part  # type: ignore[operator]
    return whole


def either(parts: Iterable[Constraint]) -> Constraint:
    """Any of `parts`, each once."""
    different: list[Q] = []
    for part in parts:
        if part is True:
            return True
        if part is not False and part not in different:
            different.append(part)
    if not different:
        return False
    return different[0] if len(different) == 1 else Q(*different, _connector=Q.OR)


def negated(part: Constraint) -> Constraint:
    return ~part if isinstance(part, Q) else not part


def within(path: str, ids: Iterable[int]) -> Constraint:
    """The rows whose relation at `path` is one of `ids`."""
    found = frozenset(ids)
    if not found or not path:
        return False
    return Q((path, *found)) if len(found) == 1 else among(path, found)


def among(path: str, ids: Any) -> Q:
    """As `within`, for a frozenset or a subquery."""
    column = path if path == "pk" else f"{path}__pk"
    return Q((f"{column}__{AnyOf.lookup_name}", ids))


def _of_alternatives(alternatives: Alternatives, make: Callable[[Term], Constraint]) -> Constraint:
    if alternatives == ALWAYS:
        return True
    return either(both(make(term) for term in terms) for terms in alternatives)


def _of_context(term: Term, context: Context, is_deny: bool) -> Constraint:
    name = "parsed_address" if term.attribute.kind is Kind.ADDRESS else term.attribute.name
    return compare(term.lookup, getattr(context, name), term.value, is_deny=is_deny)


def _of_subject(term: Term, resource_type: ResourceType, subject: Subject, is_deny: bool) -> Constraint:
    if term.attribute.name != "role":
        return compare(term.lookup, getattr(subject, term.attribute.name), term.value, is_deny=is_deny)

    memberships = subject.memberships
    fitting = {
        role for role in {NO_ROLE, *memberships.values()} if compare(term.lookup, role, term.value, is_deny=is_deny)
    }
    if NO_ROLE not in fitting:
        return within(resource_type.organization, (pk for pk, role in memberships.items() if role in fitting))
    return negated(within(resource_type.organization, (pk for pk, role in memberships.items() if role not in fitting)))


def _of_resource(term: Term, model: type[Model], subject: Subject, context: Context, is_deny: bool) -> Constraint:
    attribute, value = term.attribute, term.value
    if isinstance(value, Placeholder):
        value = getattr(subject if value.source == "subject" else context, value.attribute)
    if term.lookup == "isnull":
        return Q((f"{attribute.orm_path}__isnull", value))
    lookup = _NEGATED.get(term.lookup, term.lookup)
    constraint = _positive(term, model, lookup, value)
    if lookup != term.lookup:
        constraint = negated(constraint)
    if not attribute.is_nullable:
        return constraint
    # NULL satisfies no lookup of an allow and each of a deny: said outright, so that the constraint is never NULL.
    missing = Q((f"{attribute.orm_path}__isnull", True))
    return either([constraint, missing]) if is_deny else both([constraint, ~missing])


def _positive(term: Term, model: type[Model], lookup: str, value: Any) -> Constraint:
    attribute = term.attribute
    if attribute.matches is not None:
        return either(attribute.matches(item) for item in (value if lookup == "overlaps" else [value]))
    if lookup == "startswith":
        # LIKE would not tell upper from lower case on SQLite.
        return Q(Exact(Left(F(attribute.orm_path), len(value)), value)) if value else True
    if lookup in ("exact", "in") and (named := _row_that_it_names(model, attribute.orm_path)):
        # Looked up once, instead of a join with each row.
        relation, related, name = named
        wanted = [value] if lookup == "exact" else sorted(value)
        return among(relation, related._base_manager.filter((f"{name}__in", wanted)).values("pk")) if wanted else False
    if lookup == "in":
        return within_values(attribute.orm_path, value)
    return Q((f"{attribute.orm_path}__{_ORM_LOOKUPS[lookup]}", value))


def within_values(path: str, values: Iterable[Any]) -> Constraint:
    listed = sorted(values)
    return Q((f"{path}__in", listed)) if listed else False


@cache
def _row_that_it_names(model: type[Model], path: str) -> tuple[str, type[Model], str] | None:
    """Where a path ends in a unique column of a related row: the path to that row, its model, and the column."""
    relation, _, name = path.rpartition("__")
    if not relation:
        return None
    for step in relation.split("__"):
        related = model._meta.get_field(step).related_model
        if not isinstance(related, type):
            return None
        model = related
    field = model._meta.get_field(name)
    return (relation, model, name) if isinstance(field, Field) and field.unique and not field.is_relation else None
