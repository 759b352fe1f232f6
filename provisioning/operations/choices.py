"""Kinds and states of operations and of their steps."""

from django.db import models


class OperationKind(models.TextChoices):
    PROVISION_APP = "provision_app"
    CHECK_RELEASE = "check_release"
    DEPLOY_RELEASE = "deploy_release"
    RETIRE_APP = "retire_app"


class RoundKind(models.TextChoices):
    RECONCILE_HOST = "reconcile_host"
    RECONCILE_EDGE = "reconcile_edge"
    COMPARE_ZONE = "compare_zone"
    RENEW_CERTIFICATES = "renew_certificates"


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
