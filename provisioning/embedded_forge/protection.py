"""What may be pushed where: protected branches and tags, and the group's rule for default branches."""

import re

from provisioning.embedded_forge import access
from provisioning.embedded_forge.git import refs, repository
from provisioning.embedded_forge.http.authentication import Caller
from provisioning.embedded_forge.models import Project, ProtectedBranch


def matches(pattern: str, name: str) -> bool:
    """`*` stands for anything, slashes too."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def allows(required: int, level: int) -> bool:
    """Level 0 means nobody, not even administrators."""
    return required != access.NONE and level >= required


def branch_rules(project: Project, name: str) -> list[ProtectedBranch]:
    return [rule for rule in project.protected_branches.all() if matches(rule.name, name)]


def is_protected(project: Project, ref: str, *, is_tag: bool) -> bool:
    if is_tag:
        return any(matches(rule.name, ref) for rule in project.protected_tags.all())
    return bool(branch_rules(project, ref))


def may_push_first(project: Project, level: int) -> bool:
    """Into an empty repository: the group's rule for default branches speaks before there is one."""
    least = access.DEVELOPER if project.namespace.default_branch_protection in {0, 1, 4} else access.MAINTAINER
    return level >= least


def may_push(caller: Caller, project: Project, branch: str) -> bool:
    """Whether the caller may commit to `branch` through the API."""
    level = access.level(caller, project)
    if level < access.DEVELOPER or project.is_archived:
        return False
    if refs.is_empty(repository.ensure(project)):
        return may_push_first(project, level)
    rules = branch_rules(project, branch)
    return not rules or any(allows(rule.push_access_level, level) for rule in rules)


def may_force(caller: Caller, project: Project, branch: str) -> bool:
    rules = branch_rules(project, branch)
    return not rules or any(rule.allow_force_push for rule in rules)


def may_create_tag(caller: Caller, project: Project, tag: str) -> bool:
    level = access.level(caller, project)
    if level < access.DEVELOPER or project.is_archived:
        return False
    rules = [rule for rule in project.protected_tags.all() if matches(rule.name, tag)]
    return not rules or any(allows(rule.create_access_level, level) for rule in rules)


def hook_rules(project: Project, level: int) -> str:
    """The rules for one pusher as the pre-receive hook reads them."""
    lines = [
        f"branch {rule.name} {int(allows(rule.push_access_level, level))} {int(rule.allow_force_push)}"
        for rule in project.protected_branches.all()
    ]
    lines += [
        f"tag {rule.name} {int(allows(rule.create_access_level, level))}" for rule in project.protected_tags.all()
    ]
    return "\n".join(lines)


def settle_default_branch(project: Project) -> None:
    """After the first push: HEAD names a branch that exists, and the group's rule protects it. Idempotent, and run
    again with the next push where a process died before it."""
    if project.is_default_branch_settled:
        return
    path = repository.ensure(project)
    names = refs.branches(path)
    if not names:
        return
    head = repository.head_branch(path)
    if head not in names:
        head = project.default_branch if project.default_branch in names else next(iter(names))
        repository.set_head(path, head)
    push = {0: None, 1: access.DEVELOPER}.get(project.namespace.default_branch_protection, access.MAINTAINER)
    if push is not None:
        merge = access.DEVELOPER if project.namespace.default_branch_protection in {1, 3} else access.MAINTAINER
        ProtectedBranch.objects.get_or_create(
            project=project, name=head, defaults={"push_access_level": push, "merge_access_level": merge}
        )
    Project.objects.filter(pk=project.pk).update(default_branch=head, is_default_branch_settled=True)
    project.default_branch = head
    project.is_default_branch_settled = True
