from django.db import models


class OperationKind(models.TextChoices):
    PROVISION_APP = "provision_app"
    CHECK_RELEASE = "check_release"
    DEPLOY_RELEASE = "deploy_release"
    RETIRE_APP = "retire_app"


class OperationState(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (OperationState.PENDING, OperationState.RUNNING)
FINISHED = (OperationState.SUCCEEDED, OperationState.FAILED, OperationState.CANCELLED)


class StepState(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


# What a step that was not done is called once its operation has ended. Never stored.
NOT_REACHED = "not_reached"
STEP_STATES_SHOWN = (*StepState.choices, (NOT_REACHED, "Not reached"), ("cancelled", "Cancelled"))


class Transport(models.TextChoices):
    LOCAL = "local"
    SSH = "ssh"


class CertificateState(models.TextChoices):
    """Of what is served: good, near its end, past it; or nothing is, for want of one or of a good one."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    MISSING = "missing"
    REFUSED = "refused"


class WorkloadRole(models.TextChoices):
    LIVE = "live"
    STANDBY = "standby"
    # No containers: the edge's own machine serves the release.
    FALLBACK = "fallback"


class WorkloadState(models.TextChoices):
    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    REMOVED = "removed"


class DriftPolicy(models.TextChoices):
    REPAIR = "repair"
    REPORT = "report"


class DnsRecordState(models.TextChoices):
    PENDING = "pending"
    APPLIED = "applied"
    REMOVING = "removing"
    CONFLICT = "conflict"


class GitTokens(models.TextChoices):
    """The tokens for git over HTTP that somebody was given."""

    NONE = "none"
    GIVEN = "given"
    # The account has ended since; they are still to be revoked at the forge.
    ENDING = "ending"


class UidUse(models.TextChoices):
    """Whom a user id is for: one that may not do what the other may."""

    PLUGIN = "plugin"
    SIDECAR = "sidecar"
