"""What is known about the request under way: its id, how whoever acts came in, and what was decided about it.

Context variables, so that they follow a request from the event loop into its threads. Outside a request the platform
itself acts.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")


@dataclass(frozen=True, slots=True)
class Authentication:
    """How whoever acts came in. `scopes` None: no token limits what they may do.

    `method` is one of `choices.AuthenticationMethod`. `address` is the peer's IP address. A token may be for one
    organization or for one app: then nothing outside it exists.
    """

    method: str = "platform"
    address: str | None = None
    has_second_factor: bool = False
    token_id: int | None = None
    scopes: frozenset[str] | None = None
    organization_id: int | None = None
    app_id: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """A decision with all that it rests on, so that the trail can tell and a draft policy can be tried on it.

    `policy` is the name of the policy or grant that decided, empty where none matched. `subject`, `resource` and
    `context` hold attribute values as JSON, never a secret.
    """

    is_allowed: bool
    action: str
    policy: str
    reason: str
    actor_id: int | None
    resource_type: str
    resource_id: str
    organization_id: int | None
    app_id: int | None
    subject: dict[str, Any] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)


authentication: ContextVar[Authentication] = ContextVar("authentication", default=Authentication())  # noqa: B039 - frozen
# The last decision that allowed something in the unit of work under way (see `services.unit`).
decision: ContextVar[RecordedDecision | None] = ContextVar("decision", default=None)
