"""Groups and projects."""

from typing import Any
from urllib.parse import urlsplit

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.entities import users
from provisioning.embedded_forge.entities.times import moment
from provisioning.embedded_forge.git import refs, repository
from provisioning.embedded_forge.models import Namespace, Project

VISIBILITY_LEVELS = {"private": 0, "internal": 10, "public": 20}
# GitLab's names of the levels of `default_branch_protection`, as its newer attribute puts them.
_PUSH_LEVELS = {0: 30, 1: 30, 2: 40, 3: 40, 4: 40}
_MERGE_LEVELS = {0: 30, 1: 30, 2: 40, 3: 30, 4: 30}


def web_url(full_path: str) -> str:
    return f"{configuration.external_url()}/{full_path}"


def http_url(project: Project) -> str:
    return f"{web_url(project.full_path)}.git"


def ssh_url(project: Project) -> str:
    """GitLab always names one; this forge has no SSH."""
    return f"git@{configuration.external_host()}:{project.full_path}.git"


def full_name(project: Project) -> str:
    return f"{project.namespace.full_name} / {project.name}"


def namespace(row: Namespace) -> dict[str, Any]:
    group = row.is_group
    return {
        "id": row.pk,
        "name": row.name,
        "path": row.path,
        "kind": "group" if group else "user",
        "full_path": row.full_path,
        "parent_id": row.parent_id,
        "avatar_url": None,
        "web_url": f"{configuration.external_url()}/{'groups/' if group else ''}{row.full_path}",
    }


def group(row: Namespace) -> dict[str, Any]:
    level = row.default_branch_protection
    return {
        "id": row.pk,
        "web_url": f"{configuration.external_url()}/groups/{row.full_path}",
        "name": row.name,
        "path": row.path,
        "description": row.description,
        "visibility": row.visibility,
        "share_with_group_lock": False,
        "require_two_factor_authentication": False,
        "project_creation_level": row.project_creation_level,
        "subgroup_creation_level": row.subgroup_creation_level,
        "default_branch": None,
        "default_branch_protection": level,
        "default_branch_protection_defaults": {
            "allowed_to_push": [{"access_level": _PUSH_LEVELS[level]}],
            "allow_force_push": level == 0,
            "allowed_to_merge": [{"access_level": _MERGE_LEVELS[level]}],
            "developer_can_initial_push": level == 4,
        },
        "avatar_url": None,
        "full_name": row.full_name,
        "full_path": row.full_path,
        "created_at": moment(row.created_at),
        "parent_id": row.parent_id,
        "shared_runners_setting": "enabled",
    }


def identity(project: Project) -> dict[str, Any]:
    return {
        "id": project.pk,
        "description": project.description,
        "name": project.name,
        "name_with_namespace": full_name(project),
        "path": project.path,
        "path_with_namespace": project.full_path,
        "created_at": moment(project.created_at),
    }


def basic(project: Project) -> dict[str, Any]:
    """`?simple=true`."""
    return {
        **identity(project),
        "default_branch": project.default_branch,
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": ssh_url(project),
        "http_url_to_repo": http_url(project),
        "web_url": web_url(project.full_path),
        "readme_url": None,
        "forks_count": 0,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": moment(project.last_activity_at),
        "visibility": project.visibility,
        "namespace": namespace(project.namespace),
    }


def full(project: Project) -> dict[str, Any]:
    api = f"{configuration.external_url()}/api/v4/projects/{project.pk}"
    owner = project.namespace.owner
    shown = {
        **basic(project),
        "_links": {
            "self": api,
            "repo_branches": f"{api}/repository/branches",
            "members": f"{api}/members",
        },
        "packages_enabled": False,
        "empty_repo": refs.is_empty(repository.path_of(project.pk)),
        "archived": project.is_archived,
        "creator_id": project.creator_id,
        "import_status": "none",
        "open_issues_count": 0,
        "updated_at": moment(project.updated_at),
        "issues_enabled": False,
        "merge_requests_enabled": False,
        "wiki_enabled": False,
        "snippets_enabled": False,
        "container_registry_enabled": False,
        "jobs_enabled": project.builds_access_level != "disabled",
        "builds_access_level": project.builds_access_level,
        "repository_access_level": "enabled",
        "shared_runners_enabled": True,
        "lfs_enabled": False,
        "ci_config_path": project.ci_config_path or None,
        "ci_default_git_depth": 20,
        "build_timeout": project.build_timeout_s,
        "ci_pipeline_variables_minimum_override_role": project.variables_minimum_override_role,
        "restrict_user_defined_variables": project.variables_minimum_override_role != "developer",
        "ci_job_token_scope_enabled": False,
        "public_jobs": False,
        "shared_with_groups": [],
        "merge_method": "merge",
        "only_allow_merge_if_pipeline_succeeds": False,
        "only_allow_merge_if_all_discussions_are_resolved": False,
        "repository_object_format": "sha1",
        **project.attributes,
    }
    if owner is not None:
        shown["owner"] = users.basic(owner)
    return shown


def of_webhook(project: Project) -> dict[str, Any]:
    return {
        "id": project.pk,
        "name": project.name,
        "description": project.description,
        "web_url": web_url(project.full_path),
        "avatar_url": None,
        "git_ssh_url": ssh_url(project),
        "git_http_url": http_url(project),
        "namespace": project.namespace.name,
        "visibility_level": VISIBILITY_LEVELS[project.visibility],
        "path_with_namespace": project.full_path,
        "default_branch": project.default_branch,
        "ci_config_path": project.ci_config_path or None,
    }


def instance() -> str:
    """Scheme, host and port, as the header X-Gitlab-Instance carries them."""
    parts = urlsplit(configuration.external_url())
    return f"{parts.scheme}://{parts.netloc}"
