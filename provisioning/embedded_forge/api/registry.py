"""The files of the REST API. A new resource is a new file and a line here."""

import importlib

RESOURCES = (
    "branches", "commits", "compare", "events", "files", "group_members", "groups", "hooks", "jobs",
    "personal_access_tokens", "pipelines", "project_access_tokens", "project_members", "projects",
    "protected_branches", "protected_tags", "submodules", "tags", "tree", "users", "variables", "version",
)  # fmt: skip


def load() -> None:
    """Imports every resource, which registers its routes."""
    for name in RESOURCES:
        importlib.import_module(f"provisioning.embedded_forge.api.{name}")
