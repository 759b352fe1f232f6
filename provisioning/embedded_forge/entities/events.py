"""Events, as GitLab's API::Entities::Event shows a push."""

from typing import Any

from provisioning.embedded_forge.entities import users
from provisioning.embedded_forge.entities.times import moment
from provisioning.embedded_forge.git import refs
from provisioning.embedded_forge.models import PushEvent


def event(row: PushEvent) -> dict[str, Any]:
    is_new, is_gone = row.before == refs.ZERO, row.after == refs.ZERO
    is_tag = row.ref.startswith("refs/tags/")
    return {
        "id": row.pk,
        "project_id": row.project_id,
        "action_name": "pushed new" if is_new else "deleted" if is_gone else "pushed to",
        "target_id": None,
        "target_iid": None,
        "target_type": None,
        "author_id": row.author_id,
        "target_title": None,
        "created_at": moment(row.created_at),
        "author": users.basic(row.user),
        "imported": False,
        "imported_from": "none",
        "push_data": {
            "commit_count": row.commit_count,
            "action": "created" if is_new else "removed" if is_gone else "pushed",
            "ref_type": "tag" if is_tag else "branch",
            "commit_from": None if is_new else row.before,
            "commit_to": None if is_gone else row.after,
            "ref": row.ref.removeprefix("refs/tags/" if is_tag else "refs/heads/"),
            "commit_title": row.commit_title or None,
            "ref_count": None,
        },
        "author_username": row.author_username,
    }
