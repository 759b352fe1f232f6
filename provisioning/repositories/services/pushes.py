"""Berth's own record of pushes. The forge's events are the truth; Berth reads them before it uses its record."""

from datetime import datetime, timedelta

from django.utils import timezone

from provisioning.forge.client import ForgeClient
from provisioning.forge.pushes import ForgePush, list_pushes
from provisioning.repositories.models.push import Push
from provisioning.repositories.models.repository import ForgeAccount, Repository
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work

# An event may become visible later than one with a later time; and the forge takes whole days alone.
_OVERLAP = timedelta(days=2)
_KEY = ("forge_user_id", "ref", "before", "after", "pushed_at")
# An event of the trail holds at most so many pushes.
_TOLD = 20
# Stands for the unknown users that pushed before the record began.
NOBODY = 0


def pushes_read(*, forge: ForgeClient, app: PluginApp) -> int:
    """Adds the pushes that are not recorded yet; gives their number. May run twice at once."""
    repository = Repository.objects.filter(app=app).first()
    if repository is None or repository.code_project_id is None:
        return 0
    started_at = timezone.now()
    since = repository.pushes_read_at
    after = (since - _OVERLAP).date() if since is not None else None
    pushes = list_pushes(forge, repository.code_project_id, after=after)
    if not repository.has_all_pushes:
        pushes = [*_what_is_there(forge, repository.code_project_id), *pushes]
    return _pushes_record(repository=repository, pushes=pushes, read_at=started_at)


def _what_is_there(forge: ForgeClient, project_id: int) -> list[ForgePush]:
    """Every branch and tag, as a push by nobody: the repository is older than the record."""
    now = timezone.now()
    return [
        ForgePush(NOBODY, "", f"refs/{kind}/{name}"[:300], "", commit, 1, now)
        for kind, name, commit in forge.list_refs(project_id)
    ]


def _pushes_record(*, repository: Repository, pushes: list[ForgePush], read_at: datetime) -> int:
    users = dict(
        ForgeAccount.objects.filter(forge_user_id__in={push.user_id for push in pushes}).values_list(
            "forge_user_id", "user"
        )
    )
    oldest = min((push.pushed_at for push in pushes), default=read_at)
    known = set(repository.pushes.filter(pushed_at__gte=oldest).values_list(*_KEY))
    rows = [
        Push(
            repository=repository,
            forge_user_id=push.user_id,
            forge_username=push.username,
            user_id=users.get(push.user_id),
            ref=push.ref,
            before=push.before,
            after=push.after,
            ref_count=push.ref_count,
            pushed_at=push.pushed_at,
        )
        for push in pushes
        if (push.user_id, push.ref, push.before, push.after, push.pushed_at) not in known
    ]
    if rows:
        _pushes_add(repository, rows)
    Repository.objects.filter(pk=repository.pk).update(pushes_read_at=read_at, has_all_pushes=True)
    return len(rows)


@unit_of_work
def _pushes_add(repository: Repository, rows: list[Push]) -> None:
    # Another worker may have read the same.
    Push.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    audit_record(
        action="repository.pushes_recorded",
        message="who pushed to the code repository is recorded: the branches and tags are in the data",
        app=repository.app,
        data={"pushed": [[push.forge_username, push.ref, push.after] for push in rows[:_TOLD]], "count": len(rows)},
    )
