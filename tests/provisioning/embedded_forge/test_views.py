"""The API through Django's own test client: a server that keeps no undecoded path, and faults that are hard to make."""

import errno
import os

import pytest
from django.test import Client

from provisioning.embedded_forge.git import repository
from provisioning.embedded_forge.models import Namespace, Project, Token, User, token_digest

HEADERS = {"PRIVATE-TOKEN": "glpat-of-the-test"}


@pytest.fixture
def project(db: None) -> Project:
    root = User.objects.create(username="admin-of-test", name="Admin", email="admin@example.org", is_admin=True)
    Token.objects.create(user=root, name="t", scopes=["api"], digest=token_digest(HEADERS["PRIVATE-TOKEN"]))
    group = Namespace.objects.create(name="g", path="g", full_path="g", full_name="g")
    return Project.objects.create(namespace=group, name="a", path="a", full_path="g/a")


@pytest.mark.parametrize("path", ["projects/g%2Fa/variables", "projects/g/a/variables", "projects/{id}/variables"])
def test_a_projects_path_is_understood_decoded_too(client: Client, project: Project, path: str) -> None:
    answer = client.get(f"/forge/api/v4/{path.format(id=project.pk)}", headers=HEADERS)
    assert (answer.status_code, answer.json()) == (200, [])


def test_a_full_disk_is_said(client: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_project: Project) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(repository, "ensure", full)
    answer = client.get(f"/forge/api/v4/projects/{project.pk}/repository/branches", headers=HEADERS)
    assert answer.status_code == 500
    assert "disk is full" in answer.json()["message"]
