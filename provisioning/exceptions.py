"""What a step raises, split by who must act. The message says who must do what."""


class ProvisioningError(Exception):
    code = "provisioning_failed"


class RetryableError(ProvisioningError):
    """Trying again can help: something outside is down, busy or full."""

    code = "retryable"


class ServiceUnavailable(RetryableError):
    """Something outside does not answer: the work waits until it is back."""

    code = "service_unavailable"


class RateLimited(RetryableError):
    """A vendor asks to wait for `retry_after_s`."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RecordsChanged(RetryableError):
    """The zone is not what it was when the change was planned: look again."""

    code = "records_changed"


class PermanentError(ProvisioningError):
    """Trying again cannot help: a person must act, and the message says who and how."""

    code = "permanent"


class DeveloperError(PermanentError):
    """The plugin's developer must act: the release itself cannot go live."""

    code = "developer_must_act"


class OperatorError(PermanentError):
    """The platform's operator must act."""

    code = "operator_must_act"


class CertificateRefused(OperatorError):
    """A certificate must not be served as it is; what was served before stays."""

    code = "certificate_refused"


class RefNotFound(DeveloperError):
    code = "ref_not_found"


class ReleaseRefused(DeveloperError):
    """The tree of the commit must not be deployed."""

    code = "release_refused"


class ReleaseUnhealthy(DeveloperError):
    """The plugin did not answer its health check, crashed at start or ate its memory."""

    code = "release_unhealthy"


class DigestChanged(PermanentError):
    """What would be deployed is not what was approved."""

    code = "digest_changed"


class PortsExhausted(OperatorError):
    code = "ports_exhausted"


class SubnetsExhausted(OperatorError):
    code = "subnets_exhausted"


class UidsExhausted(OperatorError):
    code = "uids_exhausted"


class LeaseLost(Exception):
    """Another worker holds the operation now: stop without recording anything."""
