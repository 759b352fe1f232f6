"""Roles and states of a workload."""

from django.db import models


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
