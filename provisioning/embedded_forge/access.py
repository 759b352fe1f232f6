"""Who may do what: the highest level among a person's memberships of a project and the groups above it."""

from django.db.models import Q, QuerySet
from django.utils import timezone

from provisioning.embedded_forge.http.authentication import Caller
from provisioning.embedded_forge.models import Member, Namespace, Project, User

NONE, MINIMAL, GUEST, PLANNER, REPORTER, DEVELOPER, MAINTAINER, OWNER, ADMIN = 0, 5, 10, 15, 20, 30, 40, 50, 60
LEVELS = (NONE, MINIMAL, GUEST, PLANNER, REPORTER, DEVELOPER, MAINTAINER, OWNER)


def ancestors(namespace: Namespace) -> list[int]:
    """Ids of the namespace and of all above it, from the path: `a/b/c` lies in `a/b` and `a`."""
    if "/" not in namespace.full_path:
        return [namespace.pk]
    parts = namespace.full_path.split("/")
    paths = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return list(Namespace.objects.filter(full_path__in=paths).values_list("pk", flat=True))


def valid_members() -> QuerySet[Member]:
    return Member.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now().date()))


def user_level(user: User, place: Project | Namespace) -> int:
    """The level of a person, administrators aside."""
    namespace = place.namespace if isinstance(place, Project) else place
    if namespace.owner_id == user.pk:
        return OWNER
    where = Q(namespace__in=ancestors(namespace))
    if isinstance(place, Project):
        where |= Q(project=place)
    levels = valid_members().filter(where, user=user).values_list("access_level", flat=True)
    return max(levels, default=NONE)


def level(caller: Caller, place: Project | Namespace) -> int:
    """The level of a caller. A job's token reads its own project, and nothing else."""
    if caller.user is None:
        return NONE
    if caller.job is not None:
        return REPORTER if isinstance(place, Project) and caller.job.project_id == place.pk else NONE
    if caller.user.is_admin:
        return ADMIN
    return user_level(caller.user, place)


def may_see_project(caller: Caller, project: Project) -> bool:
    if project.visibility == "public":
        return True
    if caller.user is None:
        return False
    if project.visibility == "internal" and not caller.user.is_external and caller.job is None:
        return True
    return level(caller, project) >= GUEST


def may_download(caller: Caller, project: Project) -> bool:
    """Code of a private project is for reporters and up; guests see that the project exists."""
    if project.visibility == "public":
        return True
    if (
        project.visibility == "internal"
        and caller.user is not None
        and caller.job is None
        and not caller.user.is_external
    ):
        return True
    return level(caller, project) >= REPORTER


def may_see_group(caller: Caller, group: Namespace) -> bool:
    if group.visibility == "public":
        return True
    if caller.user is None or caller.job is not None:
        return False
    if caller.user.is_admin or (group.visibility == "internal" and not caller.user.is_external):
        return True
    if user_level(caller.user, group) > NONE:
        return True
    below = Q(project__namespace=group) | Q(project__namespace__full_path__startswith=group.full_path + "/")
    below |= Q(namespace__full_path__startswith=group.full_path + "/")
    return valid_members().filter(below, user=caller.user).exists()


def visible_projects(caller: Caller) -> QuerySet[Project]:
    projects = Project.objects.all()
    if caller.user is None:
        return projects.filter(visibility="public")
    if caller.user.is_admin and caller.job is None:
        return projects
    if caller.job is not None:
        return projects.filter(pk=caller.job.project_id)
    shown = ["public"] if caller.user.is_external else ["public", "internal"]
    return projects.filter(Q(visibility__in=shown) | Q(pk__in=member_projects(caller.user).values("pk")))


def member_projects(user: User, least: int = GUEST) -> QuerySet[Project]:
    """Projects in which the person has at least the level `least`, by any way."""
    mine = valid_members().filter(user=user, access_level__gte=least)
    where = Q(namespace__owner=user) | Q(pk__in=mine.filter(namespace=None).values("project"))
    for path in mine.filter(project=None).values_list("namespace__full_path", flat=True):
        where |= Q(namespace__full_path=path) | Q(namespace__full_path__startswith=f"{path}/")
    return Project.objects.filter(where)


def visible_groups(caller: Caller) -> QuerySet[Namespace]:
    groups = Namespace.objects.filter(owner=None)
    if caller.user is None or caller.job is not None:
        return groups.filter(visibility="public")
    if caller.user.is_admin:
        return groups
    shown = ["public"] if caller.user.is_external else ["public", "internal"]
    where = Q(visibility__in=shown)
    mine = valid_members().filter(user=caller.user)
    for path in mine.filter(project=None).values_list("namespace__full_path", flat=True):
        where |= Q(full_path=path) | Q(full_path__startswith=f"{path}/")
    for path in mine.filter(namespace=None).values_list("project__namespace__full_path", flat=True):
        where |= Q(full_path=path)
    return groups.filter(where)
