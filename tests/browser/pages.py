"""Shared by the tests of portal."""

import pytest
from django.db import transaction

from provisioning.models import Deployment, Operation, Step
from provisioning.operations.choices import OperationState
from provisioning.operations.services import deployment_create
from tenants.models import Release
from tenants.releases.choices import ReleaseState
from tests.factories import (
    make_release,
    owner_of,
)


@pytest.fixture
def waiting() -> Release:
    # In one transaction, so that no receiver looks for the commit in a repository that is not there.
    with transaction.atomic():
        return make_release(state=ReleaseState.AWAITING_REVIEW)


@pytest.fixture
def running(waiting: Release) -> Deployment:
    """A deployment under way, at its second step of two; the first has output."""
    with transaction.atomic():
        deployment = deployment_create(release=waiting, requested_by=owner_of(waiting.app.organization))
    assert deployment is not None
    Operation.objects.exclude(pk=deployment.pk).update(state=OperationState.SUCCEEDED)
    Operation.objects.filter(pk=deployment.pk).update(state=OperationState.RUNNING)
    Step.objects.create(operation=deployment, position=0, name="ensure_code", state="succeeded", output="twelve files")
    Step.objects.create(operation=deployment, position=1, name="ensure_health", state="running")
    return deployment
