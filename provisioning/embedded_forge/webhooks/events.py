"""The record of pushes that `/projects/:id/events` is answered from.

The runner writes it with the webhooks' queue; an API call that comes before the runner writes it itself, so that what
has been pushed is there as soon as git says that it has been pushed.
"""

import time

from django.db import transaction

from provisioning.embedded_forge import configuration, spool
from provisioning.embedded_forge.git import history, refs, repository
from provisioning.embedded_forge.git.process import GitError
from provisioning.embedded_forge.locks import hold_project
from provisioning.embedded_forge.models import Project, PushEvent, User

MAX_TITLE = 70


def record(project: Project, push: spool.Push) -> None:
    """Inside a transaction that holds the project. The same push again is without effect."""
    user = User.objects.filter(pk=push.user_id).first()
    known = set(PushEvent.objects.filter(push_id=push.id).values_list("ref", flat=True))
    PushEvent.objects.bulk_create(
        [
            PushEvent(
                project=project,
                user=user,
                author_id=push.user_id,
                author_username=user.username if user else "",
                push_id=push.id,
                ref=ref[:300],
                before=old,
                after=new,
                commit_count=count,
                commit_title=title,
                created_at=push.pushed_at,
            )
            for old, new, ref in push.updates
            if ref not in known
            for count, title in [_facts(project, old, new)]
        ],
        ignore_conflicts=True,
    )


def take_pending(project: Project) -> None:
    """Records what was pushed to the project and nobody has recorded yet."""
    pending = [push for push in spool.pending() if push.project_id == project.pk]
    for push in [*pending, *arrived(project.pk)]:
        with transaction.atomic():
            if hold_project(pk=project.pk) is not None:
                record(project, push)


def arrived(project_id: int) -> list[spool.Push]:
    """Pushes that git took in and did not tell of, because somebody ended it: the refs whose objects are there."""
    path = repository.path_of(project_id)
    found = []
    for push in spool.prepared():
        if push.project_id != project_id or not path.is_dir():
            continue
        moved = tuple(update for update in push.updates if update[1] != refs.ZERO and refs.peel(path, update[1]))
        if moved:
            found.append(spool.Push(push.project_id, push.user_id, moved, push.path))
    return found


def settle_prepared() -> None:
    """Records and forgets pushes whose git can't be running any more."""
    for push in spool.prepared():
        if time.time() - push.pushed_at.timestamp() <= 2 * configuration.git_timeout_s():
            continue
        project = Project.objects.filter(pk=push.project_id).first()
        if project is not None:
            take_pending(project)
        push.path.unlink(missing_ok=True)


def _facts(project: Project, old: str, new: str) -> tuple[int, str]:
    """How many commits a branch gained, and the title of the last."""
    path = repository.path_of(project.pk)
    try:
        head = refs.peel(path, new) if new != refs.ZERO else None
        if head is None:
            return 0, ""
        title = history.commit(path, head).title[:MAX_TITLE]
        is_new = old == refs.ZERO or refs.peel(path, old) is None
        return 1 if is_new else history.count(path, f"{old}..{head}"), title
    except (GitError, KeyError):
        return 0, ""
