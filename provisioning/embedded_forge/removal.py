"""Removing projects, and the groups and people they belong to, while others may be at work in them."""

from django.db import transaction
from django.db.models import Q

from provisioning.embedded_forge import locks as holds
from provisioning.embedded_forge.git import repository
from provisioning.embedded_forge.models import Job, Namespace, Pipeline, Project, User
from provisioning.embedded_forge.runner import traces


def remove_project(project: Project) -> None:
    """Rows first, then what is on the disk: what a process that dies in between leaves is cleared up by the runner."""
    with transaction.atomic():
        ids = holds.hold_to_remove(Project.objects.filter(pk=project.pk))
        job_ids = _jobs(ids)
        project.delete()
    _clear(ids, job_ids)


def remove_group(group: Namespace) -> None:
    """With its subgroups and all their projects."""
    within = Q(pk=group.pk) | Q(full_path__startswith=f"{group.full_path}/")
    with transaction.atomic():
        namespaces = Namespace.objects.filter(within)
        ids = holds.hold_to_remove(Project.objects.filter(namespace__in=namespaces), namespaces)
        job_ids = _jobs(ids)
        group.delete()
    _clear(ids, job_ids)


def remove_user(user: User) -> None:
    """With the projects in their own namespace. Elsewhere their pipelines stay and lose their author, so that those
    projects are held too."""
    mine = Q(namespace__owner=user)
    with transaction.atomic():
        touched = Project.objects.filter(mine | Q(pipelines__user=user) | Q(jobs__user=user) | Q(creator=user))
        holds.hold_to_remove(touched, Namespace.objects.filter(owner=user))
        ids = list(Project.objects.filter(mine).values_list("pk", flat=True))
        job_ids = _jobs(ids)
        user.delete()
    _clear(ids, job_ids)


def remove_pipeline(pipeline: Pipeline) -> bool:
    """False where it runs: it must be canceled first."""
    with transaction.atomic():
        holds.hold_project(pk=pipeline.project_id)
        if Pipeline.objects.filter(pk=pipeline.pk, status__in=("running", "canceling")).exists():
            return False
        job_ids = list(pipeline.jobs.values_list("pk", flat=True))
        pipeline.delete()
    traces.remove(job_ids)
    return True


def _jobs(project_ids: list[int]) -> list[int]:
    return list(Job.objects.filter(project__in=project_ids).values_list("pk", flat=True))


def _clear(project_ids: list[int], job_ids: list[int]) -> None:
    for project_id in project_ids:
        repository.remove(project_id)
    traces.remove(job_ids)
