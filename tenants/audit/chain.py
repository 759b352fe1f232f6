"""What an audit event's hash covers, and how: the same bytes when it is recorded and when it is read again."""

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tenants.canonical import canonical_json

if TYPE_CHECKING:
    from tenants.audit.models import AuditEvent

# What the first event of a chain has for `previous_hash`.
GENESIS = "0" * 64
PLATFORM = "platform"


def chain_name(organization_id: int | None) -> str:
    return PLATFORM if organization_id is None else f"organization-{organization_id}"


def text(value: Any) -> str:
    """`value` as both databases keep it: PostgreSQL takes no NUL, UTF-8 no lone surrogate."""
    spelled = str(value).replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return spelled.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def normalised(value: Any) -> Any:
    """`value` as JSON that is the same after a round trip through either database.

    Whole floats become integers, since jsonb keeps 1e22 as one; what JSON has no word for becomes text.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return int(value) if value.is_integer() else float(value)
    if isinstance(value, Mapping):
        return {text(key): normalised(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [normalised(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted((normalised(inner) for inner in value), key=str)
    if isinstance(value, datetime):
        return time(value)
    return text(value)


def time(moment: datetime) -> str:
    """UTC with microseconds, always six digits."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def content(event: "AuditEvent", *, chain: str) -> dict[str, Any]:
    """Everything that `event` says, with its place in `chain`. Names that may change are left to the ids."""
    return {
        "chain": chain,
        "sequence": event.sequence,
        "previous_hash": event.previous_hash,
        "time": time(event.created_at),
        "actor": event.actor_id,
        "authentication_method": event.authentication_method,
        "source_address": event.source_address,
        "token": event.token_id,
        "action": event.action,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "message": event.message,
        "before": event.before,
        "after": event.after,
        "data": event.data,
        "policy": event.policy,
        "decision": event.decision,
        "organization": event.organization_id,
        "app": event.app_id,
        "environment": event.environment,
        "release": event.release_id,
        "request_id": event.request_id,
    }


def hash_of(content: dict[str, Any]) -> str:
    """SHA-256 over the content as JSON with sorted keys and no spaces, as 64 hex digits."""
    return hashlib.sha256(canonical_json(content)).hexdigest()
