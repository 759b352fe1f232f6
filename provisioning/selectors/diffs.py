"""What a release would change in its environment."""

from dataclasses import asdict
from typing import Any

from provisioning.forge import contents
from provisioning.forge.client import forge_from_settings
from provisioning.models import Repository
from provisioning.selectors.variable_changes import variable_changes
from tenants.exceptions import InvalidTransition
from tenants.models import Release


def release_diff(release: Release) -> dict[str, Any]:
    """The release against what is live in its environment: files, settings, and which variables differ.

    A secret's value is not in it. Raises `InvalidTransition` before the commit is known,
    and what the forge driver raises.
    """
    if not release.commit_sha:
        raise InvalidTransition(f"release {release.number} has no commit yet: it is {release.state}")
    live = release.environment.current_release
    if live is not None and live.pk == release.pk:
        live = None
    project_id = Repository.objects.filter(app=release.app_id).values_list("code_project_id", flat=True).first()
    if project_id is None:
        raise InvalidTransition("the app has no repository")
    forge = forge_from_settings()
    if live is None:
        files = contents.whole_tree(forge, project_id, release.commit_sha)
    else:
        files = contents.compare(forge, project_id, base=live.commit_sha, head=release.commit_sha)
    return {
        "base": live.commit_sha if live else None,
        "head": release.commit_sha,
        "digest": release.digest,
        "files": [asdict(item) for item in files],
        "settings": _changes(live.configuration if live else {}, release.configuration),
        "variables": variable_changes(live, release),
    }


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    names = sorted(before.keys() | after.keys())
    return [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]
