"""The list of checks on a release's commit: run before a review spends time on it, and held to by the deployment.

What is found is kept with the release, all of it. An error refuses the release; a warning is for the reviewer to see.
"""

from provisioning.containers.docker_engine import engine_for
from provisioning.containers.images import image_tags
from provisioning.exceptions import ReleaseRefused, ServiceUnavailable
from provisioning.inventory.models.host import Host
from provisioning.inventory.placement import choose_host
from provisioning.operations.engine import Run
from provisioning.releases.checks.findings import as_check, errors_of
from provisioning.releases.checks.php import looked_with, php_findings
from provisioning.releases.checks.tree import tree_findings
from provisioning.repositories.reading.copy import reading_copy
from tenants.apps.choices import Stack
from tenants.releases.models.release import Release

TREE, PHP = "tree", "php"
TOLD = 20


def check_tree(run: Run, release: Release) -> None:
    """Names, links, sizes, pointers of git LFS: with the program that the pipeline runs on what it fetches."""
    copy = reading_copy(release.app)
    copy.ensure_commits([release.commit_sha])
    findings, size = tree_findings(copy.directory, release.commit_sha)
    _keep(run, as_check(TREE, findings, detail=size))
    run.note("\n".join([size, *(f"{found.severity}: {found.text}" for found in findings)]))


def check_php(run: Run, release: Release) -> None:
    """PHP's own opinion of each file, from the PHP that the release will run on."""
    if release.app.stack != Stack.PHP:
        run.note("the stack runs no PHP")
        return
    host, image = choose_host(release.environment), image_tags()["php"]
    _require_image(host, image)
    copy = reading_copy(release.app)
    findings, size = php_findings(copy, release.commit_sha, docker_url=host.docker_url, image=image)
    _keep(run, as_check(PHP, findings, detail=size, looked_with=looked_with(image)))
    run.note("\n".join([size, *(f"{found.severity}: {found.text}" for found in findings)]))


def refuse_errors(run: Run) -> None:
    """Raises `ReleaseRefused` with every error of the list, one line each."""
    errors = errors_of(run.operation.data.get("checks", []))
    if errors:
        more = [f"and {len(errors) - TOLD} more"] if len(errors) > TOLD else []
        raise ReleaseRefused("\n".join([*errors[:TOLD], *more]))
    run.note("no errors")


def ensure_php_still_good(run: Run, release: Release, host: Host) -> None:
    """The check of before the review stands, unless PHP or the check is another one since: then it is made again."""
    if release.app.stack != Stack.PHP:
        return
    image = image_tags()["php"]
    checked: dict[str, object] = next((check for check in release.checks if check.get("name") == PHP), {})
    if checked.get("looked_with") == looked_with(image):
        run.note("the PHP of these containers read the commit before its review")
        return
    copy = reading_copy(release.app)
    copy.ensure_commits([release.commit_sha])
    findings, size = php_findings(copy, release.commit_sha, docker_url=host.docker_url, image=image)
    run.note(f"{size} read again, since PHP or the check changed after the review")
    if errors := errors_of([as_check(PHP, findings, detail=size)]):
        raise ReleaseRefused("\n".join(errors[:TOLD]))


def _require_image(host: Host, image: str) -> None:
    if engine_for(host.docker_url).missing_images([image]):
        raise ServiceUnavailable(
            f"host {host.name} has no image {image} (Berth was upgraded under a running platform?): "
            "an operator must run bin/up, or manage.py build_images; Berth then goes on by itself"
        )


def _keep(run: Run, check: dict[str, object]) -> None:
    others = [kept for kept in run.operation.data.get("checks", []) if kept["name"] != check["name"]]
    run.remember(checks=[*others, check])
