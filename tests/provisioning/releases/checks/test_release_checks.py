"""The list as the workflow runs it: everything that was found is kept, errors refuse, a deployment holds to it."""

from pathlib import Path
from typing import Any

import pytest

from provisioning.containers.images import ensure_images
from provisioning.exceptions import ReleaseRefused
from provisioning.inventory.services import host_register_local
from provisioning.models import Host, Operation
from provisioning.operations.choices import OperationKind
from provisioning.operations.engine import Run
from provisioning.releases.checks import php
from provisioning.releases.workflow import check as check_release
from provisioning.releases.workflow import release_checks
from provisioning.repositories.reading.copy import ReadingCopy
from tenants.releases.choices import ReleaseState
from tests.factories import api_client, make_release, owner_of
from tests.provisioning.releases.checks.test_tree import POINTER, Repository

pytestmark = [pytest.mark.django_db, pytest.mark.docker]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path)
    monkeypatch.setattr(release_checks, "reading_copy", lambda _app: ReadingCopy(made.path, url="", token=""))
    ensure_images()
    host_register_local()
    return made


def checking(repository: Repository, files: dict[bytes, Any]) -> Run:
    """The check of a release of a commit with these files, held by a worker."""
    sha = repository.commit(files)
    repository.git("update-ref", f"refs/commits/{sha}", sha)
    release = make_release(state=ReleaseState.CHECKING, commit_sha=sha)
    operation = Operation.objects.create(
        kind=OperationKind.CHECK_RELEASE, app=release.app, environment=release.environment, release=release, fence=1
    )
    return Run(Operation.objects.get(pk=operation.pk), 1)


def test_all_findings_of_all_checks_refuse_the_release_and_are_shown(repository: Repository) -> None:
    run = checking(
        repository, {b"index.php": b"<?php\nif (", b"a\tb": b"", b"big.bin": POINTER, b"INDEX.php": b"<?php"}
    )
    check_release.ensure_tree_checked(run)
    check_release.ensure_php_checked(run)
    with pytest.raises(ReleaseRefused) as refused:
        check_release.ensure_no_errors(run)
    assert sorted(line.split(" ")[0] for line in str(refused.value).split("\n")) == ["a\\tb", "big.bin", "index.php,"]
    check_release.failed(run, refused.value)
    release = run.operation.release
    assert release is not None
    release.refresh_from_db()
    assert (release.state, release.whose_move) == (ReleaseState.FAILED, "developer")
    found = api_client(owner_of(release.app.organization)).get(f"/api/v1/releases/{release.pk}/").json()["checks"]
    assert [(check["name"], check["state"]) for check in found] == [("tree", "failed"), ("php", "failed")]
    php_error = found[1]["findings"][0]
    assert (php_error["severity"], php_error["path"], php_error["line"]) == ("error", "index.php", 2)
    # Errors come first, and a warning beside them is still told.
    assert [one["severity"] for one in found[0]["findings"]] == ["error", "error", "warning"]


def test_a_deployment_holds_to_what_was_looked_at_and_looks_again_if_php_is_another(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = checking(repository, {b"index.php": b"<?php"})
    check_release.ensure_tree_checked(run)
    check_release.ensure_php_checked(run)
    check_release.ensure_no_errors(run)
    check_release.succeeded(run)
    release = run.operation.release
    assert release is not None
    release.refresh_from_db()
    assert release.state == ReleaseState.AWAITING_REVIEW
    host = Host.objects.get()
    run.lines = []
    release_checks.ensure_php_still_good(run, release, host)
    assert run.lines == ["the PHP of these containers read the commit before its review"]
    # Another program or image: the verdict of before counts no more.
    monkeypatch.setattr(release_checks, "looked_with", lambda image: f"another {image}")
    run.lines = []
    release_checks.ensure_php_still_good(run, release, host)
    assert run.lines == ["1 PHP files read again, since PHP or the check changed after the review"]
    broken = php.Finding(check="php", severity="error", path="index.php", line=1, message="no longer known")
    monkeypatch.setattr(release_checks, "php_findings", lambda *_args, **_named: ([broken], "1 PHP files"))
    with pytest.raises(ReleaseRefused, match="no longer known"):
        release_checks.ensure_php_still_good(run, release, host)
