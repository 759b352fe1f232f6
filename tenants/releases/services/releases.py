"""A release from its request to its end. Who reviews it is in `reviews`."""

import hmac
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from tenants import access, validators
from tenants.apps.choices import STACK_VERSIONS, AppState
from tenants.apps.models.environment import Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.choices import Actor
from tenants.audit.services.record import audit_record
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.canonical import canonical_json
from tenants.exceptions import AlreadyExists, DigestMismatch, InvalidTransition
from tenants.organizations.choices import QuotaName
from tenants.organizations.services.quotas import quota_claim
from tenants.people.models.user import User
from tenants.people.services.memberships import lock
from tenants.releases.choices import OPEN_RELEASE_STATES, RELEASE_SOURCES, Part, ReleaseState
from tenants.releases.digest import release_digest
from tenants.releases.models.release import Release
from tenants.releases.services.authorship import answerable_for, authors_outdate, contributors_add, variable_setters
from tenants.releases.services.transitions import transition
from tenants.reviews.choices import ReviewDecision
from tenants.signals import authors_outdated, release_cancelled, release_submitted

_ATTEMPTS = 50
_WAITING = (ReleaseState.CHECKING, ReleaseState.AWAITING_REVIEW)
_BEFORE_REVIEW: dict[str, set[str]] = {ReleaseState.FAILED: {ReleaseState.SUBMITTED, ReleaseState.CHECKING}}
_WHILE_DEPLOYING: dict[str, set[str]] = {ReleaseState.FAILED: {ReleaseState.DEPLOYING}}


@unit_of_work
def release_submit(*, environment: Environment, ref: str, notes: str, actor: User) -> Release:
    """Asks for `ref` to run in `environment`, with the environment's settings and variables as they are now.

    The commit is not known yet: whoever receives `release_submitted` resolves it. Raises `InvalidInput`, and
    `InvalidTransition` for an app that is not active, `QuotaExceeded` for more than the organization has a day: one
    that failed or was cancelled counts, since it was work.
    """
    lock(environment.app.organization)
    asked_for = Release(app=environment.app, environment=environment, requested_ref=ref, submitted_by=actor)
    access.require(actor, "release.submit", asked_for)
    validators.together(lambda: validators.ref(ref), lambda: validators.free_text(notes, field="notes"))
    app = PluginApp.objects.select_for_update(no_key=True).select_related("organization").get(pk=environment.app_id)
    if app.state != AppState.ACTIVE:
        raise InvalidTransition(f"{app.public_id} is {app.state}: releases can be submitted once it is active")
    quota_claim(app.organization, QuotaName.RELEASES_A_DAY)
    environment = Environment.objects.get(pk=environment.pk)
    variables = list(environment.variables.all())
    stack_version = STACK_VERSIONS[app.stack]
    release = _numbered(
        Release(
            app=app,
            environment=environment,
            requested_ref=ref,
            notes=notes,
            configuration=_configuration(environment, app, stack_version),
            variables=canonical_json({variable.name: variable.value for variable in variables}).decode(),
            secret_variables=sorted(variable.name for variable in variables if variable.is_secret),
            stack_version=stack_version,
            submitted_by=actor,
        )
    )
    (submitters,) = answerable_for([(actor.pk, release.created_at)])
    contributors_add(release, Part.SUBMITTED, dict.fromkeys(submitters, 0))
    contributors_add(release, Part.SET_VARIABLE, variable_setters(environment))
    audit_record(
        action="release.submitted",
        message=f"release {release.number} of {ref} asked for",
        actor=actor,
        release=release,
        after={"ref": ref, "notes": notes, "environment": environment.name, "state": release.state},
    )
    transaction.on_commit(partial(release_submitted.send_robust, sender=Release, release_id=release.pk))
    return release


def _configuration(environment: Environment, app: PluginApp, stack_version: int) -> dict[str, Any]:
    return {
        "memory_mib": environment.memory_mib,
        "cpu_millis": environment.cpu_millis,
        "pids": environment.pids,
        "disk_mib": environment.disk_mib,
        "health_check_path": environment.health_check_path,
        "hostnames": [subdomain.hostname for subdomain in environment.subdomains.all()],
        "stack": app.stack,
        "stack_version": stack_version,
    }


def _numbered(release: Release) -> Release:
    # The unique constraint decides who gets a number; who comes second takes the next.
    for _ in range(_ATTEMPTS):
        highest = Release.objects.filter(app=release.app).aggregate(highest=Max("number"))["highest"]
        release.number = (highest or 0) + 1
        try:
            with transaction.atomic():
                release.save(force_insert=True)
        except IntegrityError:
            continue
        return release
    raise AlreadyExists("too many releases of this app are being submitted at once: try again")


@unit_of_work
def release_cancel(*, release: Release, actor: User, comment: str = "", digest: str | None = None) -> Release:
    """Takes a release back that is not deploying yet. Raises `InvalidTransition`, naming who was faster.

    A release that was approved after `release` was read is not cancelled: who asked did not know. A `digest`
    that is given must be the release's: else `DigestMismatch`.
    """
    access.require(actor, "release.cancel", release)
    validators.free_text(comment, field="comment")
    if digest is not None:
        require_digest(release, digest)
    seen = {ReleaseState.APPROVED} if release.state == ReleaseState.APPROVED else set(OPEN_RELEASE_STATES)
    before = move(release, to=ReleaseState.CANCELLED, sources={ReleaseState.CANCELLED: seen})
    _record(release, "release.cancelled", f"release {release.number} cancelled", before, actor=actor, comment=comment)
    transaction.on_commit(partial(release_cancelled.send_robust, sender=Release, release_id=release.pk))
    return release


def require_digest(release: Release, digest: str) -> None:
    """Raises `DigestMismatch` unless `digest` is the release's."""
    sent = digest.strip().lower().encode("utf-8", "replace")
    if not release.digest or not hmac.compare_digest(sent, release.digest.encode()):
        raise DigestMismatch("digest: this is not the release's: read the release again and decide on what it is now")


@unit_of_work
def release_checking(
    *,
    release: Release,
    commit_sha: str,
    commit_title: str,
    commit_author: str,
    commit_author_emails: list[str],
    configuration_sha256: str,
) -> None:
    """Binds the release to a commit and a rendered configuration: from here on its digest stands.

    `commit_author_emails` has the author's and the committer's address. Title, author and addresses come from the
    repository: they are claims. What is not printable is replaced, what is too long is cut.

    Raises `AlreadyExists` if a release of the same digest waits in the environment: a reviewer would read the same
    twice, and of two reviewers one would not know what the other one says.
    """
    digest = release_digest(
        commit_sha=commit_sha,
        configuration=release.configuration,
        stack_version=release.stack_version,
        configuration_sha256=configuration_sha256,
        variables=release.variables,
    )
    # Two that are resolved at once meet at the environment's row.
    Environment.objects.select_for_update(no_key=True).get(pk=release.environment_id)
    waiting = Release.objects.filter(environment=release.environment_id, digest=digest, state__in=_WAITING)
    other = waiting.exclude(pk=release.pk).first()
    if other is not None and release.state == ReleaseState.SUBMITTED:
        raise AlreadyExists(
            f"release {other.number} of the same commit, settings and variables waits already: wait for its review, or "
            "cancel it before you ask again"
        )
    before = move(
        release,
        to=ReleaseState.CHECKING,
        commit_sha=commit_sha,
        configuration_sha256=configuration_sha256,
        commit_title=_printable(commit_title),
        commit_author=_printable(commit_author),
        commit_author_emails=sorted({email.strip().lower() for email in commit_author_emails if email.strip()}),
        digest=digest,
    )
    _record(
        release,
        "release.checking",
        f"release {release.number} is commit {commit_sha[:12]}: checks run",
        before,
        commit_sha=commit_sha,
        digest=digest,
    )


@unit_of_work
def release_checked(*, release: Release, checks: list[dict[str, Any]]) -> None:
    """`checks` is a list of `{name, state, detail, findings}`; a finding has `check, severity, path, line, message`."""
    before = move(release, to=ReleaseState.AWAITING_REVIEW, checks=checks)
    _record(release, "release.checked", f"release {release.number} passed its checks and awaits review", before)


@unit_of_work
def release_failed(
    *,
    release: Release,
    error: str,
    whose_move: Actor = Actor.DEVELOPER,
    checks: list[dict[str, Any]] | None = None,
) -> None:
    """Before review: the ref can't be resolved or a check failed. `error` is shown: never a secret in it."""
    fields: dict[str, Any] = {"error_actor": whose_move} | ({} if checks is None else {"checks": checks})
    before = transition(release, to=ReleaseState.FAILED, sources=_BEFORE_REVIEW, error=error, **fields)
    message = f"release {release.number} failed: {_first_line(error)}"
    _record(release, "release.failed", message, before, whose_move=whose_move)


@unit_of_work
def release_deploying(*, release: Release) -> None:
    """Raises `InvalidTransition` for a release that no reviewer approved, whatever its state."""
    if not release.reviews.filter(decision=ReviewDecision.APPROVE, digest=release.digest).exists():
        raise InvalidTransition(f"release {release.number} of {release.app} is not approved: it can't be deployed")
    before = move(release, to=ReleaseState.DEPLOYING, error="", error_actor="")
    _record(release, "release.deploying", f"release {release.number} is being deployed", before)


@unit_of_work
def release_went_live(*, release: Release, is_rollback: bool) -> None:
    """In one transaction: what was live is superseded, or rolled back, and `release` is live in its environment."""
    previous = Release.objects.filter(environment=release.environment_id, state=ReleaseState.LIVE)
    replaced = previous.exclude(pk=release.pk).first()
    if replaced is not None:
        left = ReleaseState.ROLLED_BACK if is_rollback else ReleaseState.SUPERSEDED
        before = move(replaced, to=left)
        _record(
            replaced,
            f"release.{left}",
            f"release {replaced.number} {'rolled back' if is_rollback else 'superseded'} by {release.number}",
            before,
        )
    before = move(release, to=ReleaseState.LIVE, went_live_at=timezone.now(), error="", error_actor="")
    if authors_outdate(environment=release.environment):
        transaction.on_commit(partial(authors_outdated.send_robust, sender=Release, app_id=release.app_id))
    # After the releases, as a review does: none waits for ever.
    Environment.objects.filter(pk=release.environment_id).update(current_release=release)
    _record(release, "release.live", f"release {release.number} is live", before, is_rollback=is_rollback)


@unit_of_work
def release_deployment_failed(*, release: Release, error: str, whose_move: Actor = Actor.OPERATOR) -> None:
    """What was live goes on serving. `error` is shown: never a secret in it. Its first line is for the timeline."""
    before = transition(release, to=ReleaseState.FAILED, sources=_WHILE_DEPLOYING, error=error, error_actor=whose_move)
    message = f"deployment of release {release.number} failed: {_first_line(error)}"
    _record(release, "release.deployment_failed", message, before, whose_move=whose_move)


def move(
    release: Release, *, to: ReleaseState, sources: Mapping[str, Collection[str]] = RELEASE_SOURCES, **fields: Any
) -> str:
    """`transition` with an error that says who decided, where somebody did."""
    try:
        return transition(release, to=to, sources=sources, **fields)
    except InvalidTransition as error:
        review = release.reviews.select_related("reviewer").first()
        if review is None:
            raise
        decided = "approved" if review.decision == ReviewDecision.APPROVE else "rejected"
        raise InvalidTransition(f"{error.detail}; {review.reviewer} {decided} it") from None


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)[:200]


def _record(
    release: Release, action: str, message: str, before: str, *, actor: User | None = None, **data: Any
) -> None:
    """One change of the release's state, from `before` to what it is now."""
    audit_record(
        action=action,
        message=message,
        actor=actor,
        release=release,
        before={"state": before},
        after={"state": release.state},
        data=data,
    )
