"""Gives a requested app its place at the forge: group, repositories, credential, webhook, members; then its leases,
and its hostnames their records.

Does not make containers, networks or edge entries: those come with a release.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from provisioning.dns.workflow.names import ensure_dns_records, ensure_dns_records_asked_for
from provisioning.exceptions import OperatorError, PermanentError
from provisioning.forge.config import forge_from_settings
from provisioning.inventory.choices import UidUse
from provisioning.inventory.leases import subnet_lease, uid_lease
from provisioning.operations.engine import Cancelled, Run, Workflow, steps
from provisioning.repositories.models.repository import Repository
from provisioning.repositories.services.repositories import (
    MANAGEMENT_GROUP,
    group_path,
    organization_members_sync,
    repository_of,
)
from tenants.apps.choices import AppState
from tenants.apps.services import apps

READ_TOKEN_LIFETIME = timedelta(days=360)
READ_TOKEN_RENEW_BEFORE = timedelta(days=30)
WEBHOOK_PATH = "/hooks/forge/"


def _wanted(run: Run) -> Repository:
    """The app's repository row. Raises `Cancelled` where the app is no longer wanted."""
    app = run.app
    app.refresh_from_db()
    if app.state in {AppState.RETIRING, AppState.RETIRED}:
        raise Cancelled
    return repository_of(app)


def ensure_group(run: Run) -> None:
    """The organization's group at the forge, with the organization's members in it."""
    _wanted(run)
    organization = run.app.organization
    group_id = organization_members_sync(forge=forge_from_settings(), organization=organization)
    run.remember(group_id=group_id)
    run.note(f"group {group_path(organization)}")


def ensure_code_repository(run: Run) -> None:
    repository, app = _wanted(run), run.app
    project = forge_from_settings().ensure_project(
        group_id=run.operation.data["group_id"],
        group_path=group_path(app.organization),
        path=app.public_id,
        runs_pipelines=False,
    )
    repository.code_project_id = project.id
    repository.code_path = project.path
    repository.code_http_url = project.http_url
    repository.save(update_fields=["code_project_id", "code_path", "code_http_url"])
    apps.app_repository_recorded(app=app, http_url=project.http_url)
    run.note(project.http_url)


def ensure_management_repository(run: Run) -> None:
    repository, app = _wanted(run), run.app
    forge = forge_from_settings()
    group_id = forge.ensure_group(path=MANAGEMENT_GROUP, name="Berth management")
    forge.ensure_group_members(group_id, [])
    project = forge.ensure_project(
        group_id=group_id, group_path=MANAGEMENT_GROUP, path=app.public_id, runs_pipelines=True
    )
    repository.management_project_id = project.id
    repository.management_path = project.path
    repository.save(update_fields=["management_project_id", "management_path"])
    run.note(project.path)


def ensure_pipeline_credential(run: Run) -> None:
    """The pipeline reads the code repository with a token of its own, kept as a masked CI variable."""
    renew_pipeline_credential(_wanted(run))


def renew_pipeline_credential(repository: Repository) -> None:
    """Makes the read token where there is none, or it ends soon; the one before is revoked."""
    management, code = _project_ids(repository)
    ends, today = repository.code_read_token_expires_on, timezone.now().date()
    if ends is not None and ends - today > READ_TOKEN_RENEW_BEFORE:
        return
    forge = forge_from_settings()
    expires_on = today + READ_TOKEN_LIFETIME
    token_id, token = forge.create_project_token(code, name="berth-pipeline", expires_on=expires_on)
    forge.ensure_variable(management, "BERTH_CODE_TOKEN", token, is_masked=True)
    forge.ensure_variable(management, "BERTH_CODE_URL", repository.code_http_url)
    before = repository.code_read_token_id
    repository.code_read_token_id, repository.code_read_token_expires_on = token_id, expires_on
    repository.save(update_fields=["code_read_token_id", "code_read_token_expires_on"])
    if before is not None:
        forge.remove_project_token(code, before)


def ensure_webhook(run: Run) -> None:
    """The forge tells Berth how pipelines end and that somebody pushed; asking makes up for what is lost."""
    repository = _wanted(run)
    management, code = _project_ids(repository)
    if not repository.webhook_token:
        repository.webhook_token = secrets.token_urlsafe(32)
        repository.save(update_fields=["webhook_token"])
    forge, url, token = forge_from_settings(), settings.WEB_URL + WEBHOOK_PATH, repository.webhook_token
    repository.webhook_id = forge.ensure_hook(management, url=url, token=token)
    repository.code_webhook_id = forge.ensure_hook(code, url=url, token=token, of_pushes=True)
    repository.save(update_fields=["webhook_id", "code_webhook_id"])


def ensure_leases(run: Run) -> None:
    _wanted(run)
    app = run.app
    run.note(f"uid {uid_lease(app=app)}, sidecar {uid_lease(app=app, use=UidUse.SIDECAR)}")
    for environment in app.environments.all():
        run.note(f"{environment.name}: network {subnet_lease(environment=environment)}")


def _project_ids(repository: Repository) -> tuple[int, int]:
    if repository.management_project_id is None or repository.code_project_id is None:
        raise OperatorError("the app's repositories were never made: an operator must provision the app again")
    return repository.management_project_id, repository.code_project_id


def succeeded(run: Run) -> None:
    app = run.app
    app.refresh_from_db()
    if app.state == AppState.PROVISIONING:
        apps.app_activated(app=app)


def failed(run: Run, error: PermanentError) -> None:
    app = run.app
    app.refresh_from_db()
    if app.state == AppState.PROVISIONING:
        apps.app_failed(app=app, error=str(error))


def cancelled(_run: Run) -> None:
    """Retiring removes what was made so far."""


WORKFLOW = Workflow(
    steps=steps(
        ensure_dns_records_asked_for,
        ensure_group,
        ensure_code_repository,
        ensure_management_repository,
        ensure_pipeline_credential,
        ensure_webhook,
        ensure_leases,
        ensure_dns_records,
    ),
    succeeded=succeeded,
    failed=failed,
    cancelled=cancelled,
)
