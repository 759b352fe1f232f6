"""B18: reviewers read what they review, by clone, archive and file; nobody else does, and they read nothing else."""

import base64
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenants.models import Release
from tenants.reviews.services.reviews import release_reject
from tests.attacks.review.conftest import Desk
from tests.code_repositories import Plugin
from tests.contracts.forge.git import Git
from tests.factories import make_reviewer, make_token, make_user

Make = Callable[..., Release]


@pytest.fixture
def clone(transactional_db: None, live_server: Any, tmp_path: Path) -> Callable[..., Any]:
    """`git clone` of a release as somebody with a token does it, by a helper that no argument shows."""

    def run(release: Release, token: str, *, ok: bool = True, into: str = "clone") -> Git:
        asking = tmp_path / "askpass"
        asking.write_text(f"#!/bin/sh\necho '{token}'\n")
        asking.chmod(0o700)
        git = Git(tmp_path)
        url = f"{live_server.url}/code/releases/{release.pk}.git"
        done = git.run("clone", "--quiet", url, into, ok=False, GIT_ASKPASS=str(asking))
        assert (done.returncode == 0) == ok, done.stderr
        return Git(tmp_path / into)

    return run


def test_a_reviewer_clones_what_waits_and_what_was_decided(clone: Any, plugin: Plugin, waiting: Make) -> None:
    first = plugin.push({"a.php": "<?php 1;\n"})
    sha = plugin.push({"a.php": "<?php 2;\n" * 9000})
    release = waiting(sha)
    token = make_token(make_reviewer())
    work = clone(release, token)
    assert work.head() == sha
    assert work.run("rev-parse", "HEAD~1").stdout.strip() == first
    assert (work.where / "a.php").read_text().startswith("<?php 2;")
    assert work.run("fetch", "--quiet", GIT_ASKPASS=str(work.where.parent / "askpass")).returncode == 0
    release_reject(release=release, digest=release.digest, comment="no", actor=make_reviewer())
    assert clone(release, token, into="again").head() == sha


def test_strangers_ended_tokens_and_pushes_are_refused(clone: Any, plugin: Plugin, waiting: Make) -> None:
    release = waiting(plugin.push({"a.php": "<?php 1;\n"}))
    clone(release, make_token(make_user()), ok=False)
    clone(release, "berth_no_such_token", ok=False)
    reviewer = make_reviewer()
    work = clone(release, make_token(reviewer))
    pushed = work.run("push", "origin", "HEAD:refs/heads/x", ok=False, GIT_ASKPASS=str(work.where.parent / "askpass"))
    assert pushed.returncode != 0
    assert "A release is read here" in pushed.stderr or "403" in pushed.stderr
    token = make_token(reviewer)
    reviewer.is_active = False
    reviewer.save()
    clone(release, token, ok=False, into="ended")


def test_no_other_commit_of_the_repository_is_handed_out(clone: Any, plugin: Plugin, waiting: Make) -> None:
    release = waiting(plugin.push({"a.php": "<?php 1;\n"}))
    secret = plugin.push({"a.php": "<?php not asked for yet;\n"})
    plugin.copy.ensure_commits([secret])
    work = clone(release, make_token(make_reviewer()))
    asked = work.run("fetch", "origin", secret, ok=False, GIT_ASKPASS=str(work.where.parent / "askpass"))
    assert asked.returncode != 0
    asking = str(work.where.parent / "askpass")
    forced = work.run("-c", "protocol.version=2", "fetch", "origin", secret, ok=False, GIT_ASKPASS=asking)
    assert forced.returncode != 0


@pytest.mark.django_db
def test_odd_calls_are_refused_in_words(plugin: Plugin, waiting: Make, client: Any) -> None:
    release = waiting(plugin.push({"a.php": "<?php 1;\n"}))
    path = f"/code/releases/{release.pk}.git"
    basic = base64.b64encode(f"x:{make_token(make_reviewer())}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    assert client.get(f"{path}/info/refs?service=git-upload-pack").status_code == 401
    assert client.get(f"{path}/info/refs?service=git-receive-pack", headers=headers).status_code == 403
    assert client.get(f"{path}/git-upload-pack", headers=headers).status_code == 405
    assert client.get("/code/releases/999999.git/info/refs?service=git-upload-pack", headers=headers).status_code == 404
    bomb = client.post(
        f"{path}/git-upload-pack", data=b"not gzip", content_type="x", headers=headers | {"Content-Encoding": "gzip"}
    )
    assert bomb.status_code == 400
    for wrong in ("Basic !!!", "Basic " + base64.b64encode(b"\xff").decode(), "Bearer x", ""):
        got = client.get(f"{path}/info/refs?service=git-upload-pack", headers={"Authorization": wrong})
        assert got.status_code == 401


@pytest.mark.django_db
def test_an_archive_is_the_whole_commit_whatever_its_attributes_say(plugin: Plugin, waiting: Make, desk: Desk) -> None:
    files: dict[str, str | bytes] = {
        ".gitattributes": "hidden.php export-ignore\na.php export-subst\n",
        "hidden.php": "<?php 1;\n",
        "a.php": "$Format:%H$\n",
    }
    release = waiting(plugin.push(files))
    packed = desk.whole(desk.get(release, "archive/"))
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        found = {
            member.name.partition("/")[2]: archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive.getmembers()
            if member.isfile()
        }
    assert found == {name: str(text).encode() for name, text in files.items()}


@pytest.mark.django_db
def test_files_are_downloads_that_no_browser_runs(plugin: Plugin, waiting: Make, desk: Desk) -> None:
    release = waiting(plugin.push({"x.html": "<script>alert(1)</script>"}))
    answer = desk.get(release, "files/content/", path="x.html")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for missing in ("nothing.php", "../../etc/passwd", "", "%00", "x" * 20_000):
        assert desk.get(release, "files/content/", path=missing).status_code in (400, 404)
    assert desk.client.head(f"/api/v1/releases/{release.pk}/diff/").status_code == 405
