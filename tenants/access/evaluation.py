"""Policies as functions: whether one of them matches a subject, a row and the circumstances."""

import logging
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import ForeignKey, Model

from tenants.exceptions import InvalidInput
from tenants.policies.choices import PolicyEffect
from tenants.policies.conditions import ALWAYS, NO_ROLE, Alternatives, Conditions, Placeholder, Term, check_policy
from tenants.policies.resources import ACTIONS, RESOURCE_TYPES, Attribute, Kind, ResourceType

logger = logging.getLogger(__name__)
Reader = Callable[[Any], Any]
# (subject, row, context) -> does it hold
Check = Callable[[Any, Any, Any], bool]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "exact": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "in": lambda value, wanted: value in wanted,
    "not_in": lambda value, wanted: value not in wanted,
    "startswith": lambda value, wanted: value.startswith(wanted),
    "contains": lambda value, wanted: wanted in value,
    "excludes": lambda value, wanted: wanted not in value,
    "overlaps": lambda value, wanted: not wanted.isdisjoint(value),
    "disjoint": lambda value, wanted: wanted.isdisjoint(value),
    "within": lambda moment, window: window.holds(moment),
    "outside": lambda moment, window: not window.holds(moment),
    "in_network": lambda address, networks: any(address in network for network in networks),
    "not_in_network": lambda address, networks: not any(address in network for network in networks),
}


def compare(lookup: str, value: Any, wanted: Any, *, is_deny: bool) -> bool:
    """Whether `value` satisfies the lookup. A missing value satisfies none of an allow, and each of a deny."""
    if lookup == "isnull":
        return (value is None) is wanted
    if value is None:
        return is_deny
    return _COMPARE[lookup](value, wanted)


@dataclass(frozen=True)
class Readers:
    """How attribute values are read: of rows, or of what the trail kept of them."""

    attribute: Callable[[Attribute], Reader]
    organization: Reader


@dataclass(frozen=True)
class CompiledPolicy:
    """A policy that is ready to be asked. One that can't be read any more denies if it was a deny; no other allows."""

    id: int | None
    name: str
    description: str
    code: str
    is_deny: bool
    actions: tuple[str, ...]
    resource_type: ResourceType
    conditions: Conditions | None

    @property
    def subject_terms(self) -> tuple[Term, ...]:
        """All of the subject condition, whichever alternative they stand in."""
        return () if self.conditions is None else tuple(term for part in self.conditions.subject for term in part)

    def checks(self, readers: Readers) -> tuple[Check, Check, Check]:
        """Subject, resource and context conditions, each as a function."""
        if self.conditions is None:
            broken = _constant(self.is_deny)
            return broken, broken, broken
        return (
            _check(self.conditions.subject, lambda term: self._of_subject(term, readers)),
            _check(self.conditions.resource, lambda term: self._of_resource(term, readers)),
            _check(self.conditions.context, self._of_context),
        )

    def matcher(self, readers: Readers) -> Check:
        parts = [check for check in self.checks(readers) if check is not _always]
        return _all(parts)

    def _of_subject(self, term: Term, readers: Readers) -> Check:
        value, is_deny, lookup = term.value, self.is_deny, term.lookup
        if term.attribute.name == "role":
            organization = readers.organization
            return lambda subject, row, _context: compare(
                lookup, subject.memberships.get(organization(row), NO_ROLE), value, is_deny=is_deny
            )
        read = operator.attrgetter(term.attribute.name)
        # No attribute of a subject is ever missing.
        test = _COMPARE[lookup]
        return lambda subject, _row, _context: test(read(subject), value)

    def _of_resource(self, term: Term, readers: Readers) -> Check:
        read, is_deny, lookup = readers.attribute(term.attribute), self.is_deny, term.lookup
        if isinstance(term.value, Placeholder):
            wanted = operator.attrgetter(term.value.attribute)
            if term.value.source == "subject":
                return lambda subject, row, _context: compare(lookup, read(row), wanted(subject), is_deny=is_deny)
            return lambda _subject, row, context: compare(lookup, read(row), wanted(context), is_deny=is_deny)
        value = term.value
        return lambda _subject, row, _context: compare(lookup, read(row), value, is_deny=is_deny)

    def _of_context(self, term: Term) -> Check:
        name = "parsed_address" if term.attribute.kind is Kind.ADDRESS else term.attribute.name
        read, value, is_deny, lookup = operator.attrgetter(name), term.value, self.is_deny, term.lookup
        return lambda _subject, _row, context: compare(lookup, read(context), value, is_deny=is_deny)


def condition_holds(resource_type: ResourceType, condition: Alternatives, row: Model) -> bool:
    """Whether a resource condition without placeholders holds for one row, as that of an allow."""
    asked = CompiledPolicy(
        id=None,
        name="",
        description="",
        code="",
        is_deny=False,
        actions=(),
        resource_type=resource_type,
        conditions=Conditions(subject=ALWAYS, resource=condition, context=ALWAYS),
    )
    return asked.matcher(readers_of_rows(resource_type))(None, row, None)


def compiled(policy: Any) -> CompiledPolicy | None:
    """From a model's row or a draft. None where neither its resource type nor its actions are known: nothing asks for
    it any more.
    """
    conditions: Conditions | None = None
    resource_type = RESOURCE_TYPES.get(policy.resource_type)
    actions = tuple(policy.actions) if isinstance(policy.actions, list) else ()
    try:
        conditions = check_policy(policy)
    except InvalidInput as error:
        logger.error("policy %s can't be evaluated, an operator must mend it: %s", policy.name, error)
        # What it was for must still be denied: the actions that are known, or all of the type.
        actions = tuple(action for action in actions if isinstance(action, str) and action in ACTIONS)
        resource_type = resource_type or (ACTIONS[actions[0]] if actions else None)
    if resource_type is None:
        return None
    return CompiledPolicy(
        id=policy.pk,
        name=policy.name,
        description=policy.description,
        code=policy.code,
        is_deny=policy.effect == PolicyEffect.DENY,
        actions=actions or tuple(resource_type.actions),
        resource_type=resource_type,
        conditions=conditions,
    )


@dataclass(frozen=True)
class Rules:
    """What decides about one action: its denies and its allows, each with its check over rows."""

    denies: tuple[tuple[CompiledPolicy, Check], ...] = ()
    allows: tuple[tuple[CompiledPolicy, Check], ...] = ()


@dataclass(frozen=True)
class PolicySet:
    """All policies in force, by action."""

    rules: dict[str, Rules] = field(default_factory=dict)

    @classmethod
    def of(
        cls, policies: Iterable[CompiledPolicy], readers: Callable[[ResourceType], Readers] | None = None
    ) -> "PolicySet":
        readers = readers or readers_of_rows
        denies: dict[str, list[tuple[CompiledPolicy, Check]]] = {}
        allows: dict[str, list[tuple[CompiledPolicy, Check]]] = {}
        for policy in policies:
            matcher = policy.matcher(readers(policy.resource_type))
            for action in policy.actions:
                (denies if policy.is_deny else allows).setdefault(action, []).append((policy, matcher))
        return cls(
            {
                action: Rules(tuple(denies.get(action, ())), tuple(allows.get(action, ())))
                for action in denies.keys() | allows.keys()
            }
        )

    def of_action(self, action: str) -> Rules:
        return self.rules.get(action, _NO_RULES)


_NO_RULES = Rules()


def _always(_subject: Any, _row: Any, _context: Any) -> bool:
    return True


def _never(_subject: Any, _row: Any, _context: Any) -> bool:
    return False


def _constant(value: bool) -> Check:
    return _always if value else _never


def _all(checks: Sequence[Check]) -> Check:
    if not checks:
        return _always
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda subject, row, context: first(subject, row, context) and second(subject, row, context)
    return lambda subject, row, context: all(check(subject, row, context) for check in checks)


def _check(alternatives: Alternatives, make: Callable[[Term], Check]) -> Check:
    if alternatives == ALWAYS:
        return _always
    parts = [_all([make(term) for term in terms]) for terms in alternatives]
    if len(parts) == 1:
        return parts[0]
    return lambda subject, row, context: any(part(subject, row, context) for part in parts)


_ROW_READERS: dict[str, Readers] = {}


def readers_of_rows(resource_type: ResourceType) -> Readers:
    found = _ROW_READERS.get(resource_type.name)
    if found is None:
        model = resource_type.model
        found = _ROW_READERS[resource_type.name] = Readers(
            attribute=lambda attribute: attribute.read or path_reader(model, attribute.orm_path),
            organization=path_reader(model, resource_type.organization),
        )
    return found


@cache
def path_reader(model: type[Model], path: str) -> Reader:
    """Reads what an ORM path names: of a relation at its end the id, so that nothing is fetched for it. Empty: None."""
    if not path:
        return lambda _row: None
    names = []
    for name in path.split("__"):
        names.append(name)
        if name == "pk":
            break
        field_ = model._meta.get_field(name)
        if isinstance(field_, ForeignKey):
            model = field_.related_model
            last = field_.attname
        else:
            last = name
    else:
        names[-1] = last
    if len(names) == 1:
        return operator.attrgetter(names[0])
    *walk, end = names

    def read(row: Any) -> Any:
        for step in walk:
            # A row that is not saved yet may lack what a saved one must have: a related one that is not there is None.
            row = getattr(row, step, None)
            if row is None:
                return None
        return getattr(row, end)

    return read


def jsonable(value: Any) -> Any:
    """An attribute's value for the trail."""
    if isinstance(value, frozenset | set):
        return sorted(value, key=str)
    return value.isoformat() if isinstance(value, datetime) else value
