"""What a service refuses, and why. Each has a stable `code` that clients may rely on."""


class TenantsError(Exception):
    """A refusal that the caller can read: `detail` says what is wrong and what to do; `errors` names fields."""

    code = "invalid"
    status = 400

    def __init__(self, detail: str, *, errors: dict[str, list[str]] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors or {}


class InvalidInput(TenantsError):
    """A field's value is refused; `errors` has the field, the value's fault and the remedy."""

    code = "invalid_input"

    @classmethod
    def field(cls, name: str, message: str) -> "InvalidInput":
        return cls(f"{name}: {message}", errors={name: [message]})


class InvalidTransition(TenantsError):
    """The row is not in a state from which this may happen; another actor may have been faster."""

    code = "invalid_transition"
    status = 409


class DigestMismatch(TenantsError):
    """The digest sent is not the release's: what was reviewed is not what would be decided on."""

    code = "digest_mismatch"
    status = 409


class NotPermitted(TenantsError):
    """The actor may see the object but not do this to it."""

    code = "permission_denied"
    status = 403


class OwnRelease(NotPermitted):
    """Who wrote, submitted or configured a release can't decide on it."""

    code = "own_release"


class AlreadyExists(TenantsError):
    code = "already_exists"
    status = 409


class LastOwner(TenantsError):
    """An organization keeps at least one owner."""

    code = "last_owner"
    status = 409


class IdempotencyKeyReused(TenantsError):
    """The key belongs to another request of this user."""

    code = "idempotency_key_reused"
    status = 422


class IdempotencyInProgress(TenantsError):
    """The first request with this key has not ended."""

    code = "idempotency_in_progress"
    status = 409
