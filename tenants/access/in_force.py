"""The policies in force, and what of them a request may remember.

Every process keeps the compiled policies with the stamp under which it read them. The stamp is asked for once for each
request (outside of one, for each decision), so that a change takes effect at once everywhere.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from tenants.access.evaluation import PolicySet, compiled
from tenants.access.facts import POLICIES
from tenants.access.prepared_queries import KeptQuery
from tenants.access.subjects import Context, Subject, subject_of
from tenants.audit.request_context import authentication
from tenants.policies.models.policy import AccessPolicy, AccessStamp

PEOPLE = "people"


@dataclass
class _Evaluation:
    """What one request remembers: the policies, its subjects, when and from where it came."""

    policies: PolicySet | None = None
    subjects: dict[Any, Subject | None] = field(default_factory=dict)
    contexts: dict[Any, Context] = field(default_factory=dict)


_STAMP = KeptQuery(lambda name: AccessStamp.objects.filter(name=name).order_by().values_list("stamp"), stand_in="")
_under_way: ContextVar[_Evaluation | None] = ContextVar("evaluation", default=None)
# The last set that this process compiled, and the stamp it was read under.
_compiled: tuple[uuid.UUID | None, PolicySet] | None = None


@contextmanager
def evaluation(policies: PolicySet | None = None) -> Iterator[None]:
    """Policies, memberships and time stand still inside: for one request, or for many decisions in a row.

    `policies` are then asked instead of those in force.
    """
    token = _under_way.set(_Evaluation(policies))
    try:
        yield
    finally:
        _under_way.reset(token)


def begin_evaluation() -> None:
    """As `evaluation`, for the rest of the present context: what a middleware does for each request."""
    _under_way.set(_Evaluation())


def end_evaluation() -> None:
    _under_way.set(None)


def policies_in_force(who: Subject | None = None) -> PolicySet:
    """Raises nothing for a policy that can't be evaluated: see `CompiledPolicy`.

    `who` is about to be asked what they belong to: the stamp is read along with that.
    """
    remembered = _under_way.get()
    if remembered is None:
        return _current(stamp_of(POLICIES))
    if remembered.policies is None:
        is_of_now = any(who is known for known in remembered.subjects.values())
        remembered.policies = _current(who.stamp if who is not None and is_of_now else stamp_of(POLICIES))
    return remembered.policies


def known_subject(who: Any) -> Subject | None:
    """The subject of a user, the same one through a request."""
    remembered = _under_way.get()
    if remembered is None or isinstance(who, Subject) or getattr(who, "pk", None) is None:
        return subject_of(who)
    key = (who.pk, who.is_active, authentication.get())
    if key not in remembered.subjects:
        remembered.subjects[key] = subject_of(who)
    return remembered.subjects[key]


def known_context() -> Context:
    remembered = _under_way.get()
    if remembered is None:
        return Context()
    key = authentication.get()
    if key not in remembered.contexts:
        remembered.contexts[key] = Context()
    return remembered.contexts[key]


def policies_changed() -> None:
    """To be called in the transaction that changed a policy or a freeze. Open log streams are asked again, too."""
    _renew(POLICIES)
    _renew(PEOPLE)


def people_changed() -> None:
    """To be called in the transaction that changed a membership, role, grant, token, or whether a user is active."""
    _renew(PEOPLE)


def look_again() -> None:
    """To be called by who has waited for a lock: what the request remembers of people and policies may be over."""
    _forget()


def changes_taken_back() -> None:
    """To be called after a rollback: what was read of the changes meanwhile is remembered no more."""
    _forget()


def stamp_of(name: str) -> uuid.UUID | None:
    """What `name` ("policies" or "people") stands at: another one means that decisions may be others."""
    rows = _STAMP.rows(name)
    # SQLite has no such type.
    return uuid.UUID(str(rows[0][0])) if rows else None


def _renew(name: str) -> None:
    AccessStamp.objects.update_or_create(name=name, defaults={"stamp": uuid.uuid4()})
    _forget()


def _forget() -> None:
    remembered = _under_way.get()
    if remembered is not None:
        remembered.policies = None
        remembered.subjects.clear()
        remembered.contexts.clear()


def _current(stamp: uuid.UUID | None) -> PolicySet:
    global _compiled
    # Read once: another thread may put its own set there meanwhile, of policies that are not committed even.
    known = _compiled
    if known is None or stamp is None or known[0] != stamp:
        rows = AccessPolicy.objects.filter(is_enabled=True).order_by("name")
        known = (stamp, PolicySet.of(policy for row in rows if (policy := compiled(row)) is not None))
        _compiled = known
    return known[1]
