"""What a service refuses, and why. Each has a stable `code` that clients may rely on."""

from tenants.audit.request_context import RecordedDecision


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


class ReviewOutdated(TenantsError):
    """What is live is not what the difference was shown against."""

    code = "review_outdated"
    status = 409


class ReviewIncomplete(TenantsError):
    """Something that would be approved was neither shown to the reviewer nor acknowledged by name."""

    code = "review_incomplete"
    status = 409


class NotPermitted(TenantsError):
    """The actor may see the object but not do this to it. `decision` is what the trail keeps of it, where one was made.

    A policy that denies may give a `code` of its own.
    """

    code = "permission_denied"
    status = 403

    def __init__(self, detail: str, *, code: str = "", decision: RecordedDecision | None = None) -> None:
        super().__init__(detail)
        self.code = code or type(self).code
        self.decision = decision


class InsufficientScope(NotPermitted):
    """The token is not for such actions: its scopes lack the one that the text names."""

    code = "insufficient_scope"


class WouldLockOut(TenantsError):
    """After this change no operator could change policies any more."""

    code = "would_lock_out"
    status = 409


class AlreadyExists(TenantsError):
    code = "already_exists"
    status = 409


class QuotaExceeded(TenantsError):
    """The organization or the person has as much as they may have: `name` says of what, and an operator raises it."""

    code = "quota_exceeded"
    status = 409

    def __init__(self, detail: str, *, name: str, used: int, limit: int) -> None:
        super().__init__(detail)
        self.name, self.used, self.limit = name, used, limit


class NameTaken(TenantsError):
    """The hostname, or one above or below it, is proven by somebody else."""

    code = "name_taken"
    status = 409


class NameHeld(TenantsError):
    """The hostname, or one above or below it, was somebody else's not long ago and is held until a date."""

    code = "name_held"
    status = 409


class LastOwner(TenantsError):
    """An organization keeps at least one owner."""

    code = "last_owner"
    status = 409


class InvitationExpired(TenantsError):
    """Nobody answered in time: only a new invitation helps."""

    code = "invitation_expired"
    status = 409


class IdempotencyKeyReused(TenantsError):
    """The key belongs to another request of this user."""

    code = "idempotency_key_reused"
    status = 422


class IdempotencyInProgress(TenantsError):
    """The first request with this key has not ended."""

    code = "idempotency_in_progress"
    status = 409


class SignInRefused(TenantsError):
    """Whoever signs in has not shown who they are. Always before there is a session or a token."""

    code = "invalid_credentials"
    status = 401


class InvalidCredentials(SignInRefused):
    """The name is unknown or its user inactive, or the password is wrong: which of them, nobody learns."""


class SecondFactorRequired(SignInRefused):
    """The password is right; this person has a second factor, and no code was sent."""

    code = "second_factor_required"


class InvalidSecondFactor(SignInRefused):
    """The code is wrong, or was used before."""

    code = "invalid_second_factor"


class TooManyAttempts(TenantsError):
    """Too many wrong guesses, or too many questions. `wait_s` is how long it takes until another is looked at."""

    code = "throttled"
    status = 429

    def __init__(self, detail: str, *, wait_s: int) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class LockedOut(TooManyAttempts):
    """This name has had too many wrong passwords from this address; from elsewhere it is not locked."""

    code = "locked_out"


class SecondFactorThrottled(TooManyAttempts):
    """This person has had too many wrong codes. A recovery code is taken nevertheless."""

    code = "second_factor_throttled"


class CheckedTooOften(TooManyAttempts):
    """The domain was asked about a moment ago."""
