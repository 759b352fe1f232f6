"""Every state and role that a row of this app may have, and which state may follow which."""

from django.db import models


class MemberRole(models.TextChoices):
    OWNER = "owner"
    MAINTAINER = "maintainer"
    DEVELOPER = "developer"


class PlatformRole(models.TextChoices):
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class TokenScope(models.TextChoices):
    """What a token may be used for. Each but `read` includes `read`."""

    READ = "read"
    DEPLOY = "deploy"
    REVIEW = "review"
    OPERATE = "operate"


class AuthenticationMethod(models.TextChoices):
    PLATFORM = "platform"
    ANONYMOUS = "anonymous"
    PASSWORD = "password"  # noqa: S105 - a method's name
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a method's name


class QuotaName(models.TextChoices):
    """The limits of an organization, and at the end those of a person."""

    APPS = "apps"
    MEMORY_MIB = "memory_mib"
    RELEASES_A_DAY = "releases_a_day"
    DOMAINS = "domains"
    VARIABLES = "variables"
    MEMBERS = "members"
    SERVICE_ACCOUNTS = "service_accounts"
    TOKENS = "tokens"
    ORGANIZATIONS = "organizations"
    PERSONAL_TOKENS = "personal_tokens"


class InvitationState(models.TextChoices):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"


class Part(models.TextChoices):
    """What an account did for a release, so that it may not decide on it."""

    SUBMITTED = "submitted"
    PUSHED = "pushed"
    # Of commits that are older than the record of pushes: a member of that time.
    MAY_HAVE_PUSHED = "may_have_pushed"
    SET_VARIABLE = "set_variable"


class AuthorsState(models.TextChoices):
    """Whether it is known who pushed each of a release's commits. Nobody can approve it before it is."""

    PENDING = "pending"
    KNOWN = "known"
    UNKNOWN = "unknown"


class PolicyEffect(models.TextChoices):
    ALLOW = "allow"
    DENY = "deny"


class Stack(models.TextChoices):
    PHP = "php"
    STATIC = "static"


# The version of each stack's template: part of a release's digest, so a changed stack asks for a new review.
STACK_VERSIONS: dict[str, int] = {Stack.PHP: 2, Stack.STATIC: 1}


class AppState(models.TextChoices):
    PROVISIONING = "provisioning"
    ACTIVE = "active"
    FAILED = "failed"
    RETIRING = "retiring"
    RETIRED = "retired"


class EnvironmentName(models.TextChoices):
    TEST = "test"
    PRODUCTION = "production"


class Fallback(models.TextChoices):
    """What answers for an environment while its live containers do not."""

    NONE = "none"
    # A second set of containers of the same release.
    STANDBY = "standby"
    # The host's own nginx and php-fpm, outside of any container.
    HOST = "host"


class ReleaseState(models.TextChoices):
    SUBMITTED = "submitted"
    CHECKING = "checking"
    AWAITING_REVIEW = "awaiting_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    DEPLOYING = "deploying"
    LIVE = "live"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


class DomainState(models.TextChoices):
    """Of a domain of the customer's own. `active` and `warned` are served."""

    PENDING = "pending"
    ACTIVE = "active"
    WARNED = "warned"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"


class Finding(models.TextChoices):
    """What a look at the DNS has shown of one thing. `unheard`: nobody who would know has answered."""

    YES = "yes"
    NO = "no"
    UNHEARD = "unheard"


class Actor(models.TextChoices):
    """Whose move it is after an error. `nobody`: Berth goes on by itself."""

    DEVELOPER = "developer"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    NOBODY = "nobody"


class ReviewDecision(models.TextChoices):
    APPROVE = "approve"
    REJECT = "reject"


# target state -> the states it may be entered from. Nothing else may happen to a row.
APP_SOURCES: dict[str, set[str]] = {
    AppState.ACTIVE: {AppState.PROVISIONING, AppState.FAILED},
    AppState.FAILED: {AppState.PROVISIONING, AppState.RETIRING},
    AppState.PROVISIONING: {AppState.FAILED},
    AppState.RETIRING: {AppState.PROVISIONING, AppState.ACTIVE, AppState.FAILED},
    AppState.RETIRED: {AppState.RETIRING},
}
INVITATION_SOURCES: dict[str, set[str]] = {
    InvitationState.ACCEPTED: {InvitationState.PENDING},
    InvitationState.DECLINED: {InvitationState.PENDING},
    InvitationState.REVOKED: {InvitationState.PENDING},
}
RELEASE_SOURCES: dict[str, set[str]] = {
    ReleaseState.CHECKING: {ReleaseState.SUBMITTED},
    ReleaseState.AWAITING_REVIEW: {ReleaseState.CHECKING},
    ReleaseState.APPROVED: {ReleaseState.AWAITING_REVIEW},
    ReleaseState.REJECTED: {ReleaseState.AWAITING_REVIEW},
    ReleaseState.CANCELLED: {
        ReleaseState.SUBMITTED,
        ReleaseState.CHECKING,
        ReleaseState.AWAITING_REVIEW,
        ReleaseState.APPROVED,
    },
    # An approved release deploys; one that was live, or failed after its approval, may be deployed again.
    ReleaseState.DEPLOYING: {
        ReleaseState.APPROVED,
        ReleaseState.SUPERSEDED,
        ReleaseState.ROLLED_BACK,
        ReleaseState.FAILED,
    },
    ReleaseState.LIVE: {ReleaseState.DEPLOYING},
    ReleaseState.SUPERSEDED: {ReleaseState.LIVE, ReleaseState.DEPLOYING},
    ReleaseState.ROLLED_BACK: {ReleaseState.LIVE, ReleaseState.DEPLOYING},
    ReleaseState.FAILED: {ReleaseState.SUBMITTED, ReleaseState.CHECKING, ReleaseState.DEPLOYING},
}
DOMAIN_SOURCES: dict[str, set[str]] = {
    DomainState.ACTIVE: {DomainState.PENDING, DomainState.WARNED},
    DomainState.WARNED: {DomainState.ACTIVE},
    DomainState.WITHDRAWN: {DomainState.ACTIVE, DomainState.WARNED},
    DomainState.REMOVED: {DomainState.PENDING, DomainState.ACTIVE, DomainState.WARNED, DomainState.WITHDRAWN},
}
SERVED_DOMAIN_STATES = (DomainState.ACTIVE, DomainState.WARNED)
OPEN_DOMAIN_STATES = (DomainState.PENDING, *SERVED_DOMAIN_STATES)
OPEN_RELEASE_STATES = (ReleaseState.SUBMITTED, ReleaseState.CHECKING, ReleaseState.AWAITING_REVIEW)
