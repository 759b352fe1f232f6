"""The errors of steps, split by the person who must act. The message says the fault, the class says whose move it is.

`code` is stable, `actor` is who must act, `next_step` says in one sentence what that person does. An error whose actor
is `nobody` is tried again by Berth itself.
"""

from typing import ClassVar

from tenants.audit.choices import Actor


class ProvisioningError(Exception):
    code: ClassVar[str] = "provisioning_failed"
    actor: ClassVar[Actor] = Actor.OPERATOR
    next_step: ClassVar[str] = "Read the worker's log, and mend what it names."


class RetryableError(ProvisioningError):
    """Trying again can help: something outside is down, busy or full."""

    code = "retryable"
    actor = Actor.NOBODY
    next_step = "Wait: Berth tries again by itself, for an hour."


class ServiceUnavailable(RetryableError):
    """Something outside does not answer: the work waits until it is back."""

    code = "service_unavailable"
    next_step = "Wait: Berth goes on once the service answers, within three days."


class RateLimited(RetryableError):
    """A vendor asks to wait for `retry_after_s`."""

    code = "rate_limited"
    next_step = "Wait: Berth asks again at the time that the vendor named."

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RecordsChanged(RetryableError):
    """The zone is not what it was when the change was planned: look again."""

    code = "records_changed"
    next_step = "Wait: Berth plans the change again."


class PermanentError(ProvisioningError):
    """Trying again cannot help: a person must act. Only its subclasses are raised, since each of them names who."""

    code = "permanent"


class DeveloperError(PermanentError):
    """The plugin's developer must act: the release itself cannot go live."""

    code = "developer_must_act"
    actor = Actor.DEVELOPER
    next_step = "Change what the message names, push, and ask for a new release."


class ReviewerError(PermanentError):
    """A reviewer must act."""

    code = "reviewer_must_act"
    actor = Actor.REVIEWER
    next_step = "Review the release."


class OperatorError(PermanentError):
    """The platform's operator must act."""

    code = "operator_must_act"
    actor = Actor.OPERATOR
    next_step = "Mend what the message names, then deploy the release again."


class CertificateRefused(OperatorError):
    """A certificate must not be served as it is; the one of before stays."""

    code = "certificate_refused"
    next_step = "Replace the certificate's files by good ones."


class ConfigurationRefused(OperatorError):
    """nginx or php-fpm refuses what Berth wrote; the configuration of before stays."""

    code = "configuration_refused"
    next_step = "Read the program's message, mend the file or the setting that it names, then deploy the release again."


class StepCrashed(OperatorError):
    """A step ended its worker, or met something unexpected, several times."""

    code = "step_crashed"
    next_step = "Read the worker's log, report the fault, then deploy the release again."


class GivenUp(OperatorError):
    """Berth tried again for as long as it is patient, and the fault did not pass by itself."""

    code = "given_up"
    next_step = "Bring back what does not answer, then deploy the release again."


class ContainerNameTaken(OperatorError):
    """A container that is not Berth's has the name of one that is to be started."""

    code = "container_name_taken"
    next_step = "Remove or rename the container that the message names, then deploy the release again."


class ManagementRepositoryChanged(OperatorError):
    """The platform's own repository of the app does not say what Berth committed to it."""

    code = "management_repository_changed"
    next_step = "Find out who wrote to the management repository, then deploy the release again."


class RefNotFound(DeveloperError):
    """The repository has no such branch, tag or commit."""

    code = "ref_not_found"
    next_step = "Push the branch, tag or commit, then ask for the release again."


class AmbiguousRef(DeveloperError):
    """The release names a ref that two things have."""

    code = "ambiguous_ref"
    next_step = "Ask again with the whole name, refs/heads/NAME or refs/tags/NAME, or with the commit."


class ReleaseRefused(DeveloperError):
    """The tree of the commit must not be deployed."""

    code = "release_refused"
    next_step = "Mend every finding of the list, push, and ask for a new release."


class ReleaseUnhealthy(DeveloperError):
    """The plugin did not answer its health check, crashed at start or ate its memory."""

    code = "release_unhealthy"
    next_step = "Mend what the message shows of the plugin's log, push, and ask for a new release."


class PageUnhealthy(DeveloperError):
    """The plugin answers well in its container, and with an error at one of its hostnames."""

    code = "page_unhealthy"
    next_step = "Make the plugin answer 2xx or 3xx at each of its hostnames, push, and ask for a new release."


class DigestChanged(DeveloperError):
    """The release differs from the one that was approved."""

    code = "digest_changed"
    next_step = "Ask for a new release of the same commit, so that a reviewer sees what it is now."


class NotApproved(ReviewerError):
    """Nobody approved the release."""

    code = "not_approved"
    next_step = "Read the release and decide on it."


class PortsExhausted(OperatorError):
    """No port of the host's range is free."""

    code = "ports_exhausted"
    next_step = "Widen the range (BERTH_PORT_FIRST, BERTH_PORT_LAST), then deploy the release again."


class SubnetsExhausted(OperatorError):
    """No network of the pool is free."""

    code = "subnets_exhausted"
    next_step = "Widen the pool (BERTH_SUBNET_POOL), then deploy the release again."


class UidsExhausted(OperatorError):
    """No user id of the range is free."""

    code = "uids_exhausted"
    next_step = "Widen the range (BERTH_UID_FIRST, BERTH_UID_LAST), then provision the app again."


class LeaseLost(Exception):
    """Another worker holds the row now: stop without recording anything."""
