"""The values with which Berth makes users and groups at the forge."""

import secrets

GROUP_RULES = {
    "visibility": "private",
    # A project of a developer's own would run pipelines on the platform's runner.
    "project_creation_level": "maintainer",
}


FIRST_RULES = {"default_branch_protection": 0}


def user_values(username: str, email: str, name: str, mark: str) -> dict[str, object]:
    return {
        "username": username,
        "email": email,
        "name": name,
        "password": secrets.token_urlsafe(32),
        "skip_confirmation": True,
        "can_create_group": False,
        "projects_limit": 0,
        "note": mark,
    }
