"""From rows to what a reader needs: which containers are an environment's, on which engines, and what to mask."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from provisioning.containers.choices import WorkloadState
from provisioning.containers.models import Workload
from provisioning.logs.redaction import Redactor
from tenants.apps.models.environment import Environment
from tenants.releases.models.release import Release


@dataclass(frozen=True, kw_only=True)
class LogSource:
    """One environment's logs. `labels` select its containers, and no other's, on every engine of `docker_urls`.

    `releases` are the numbers of those whose secrets `redactor` knows, beside the environment's of now.
    """

    labels: dict[str, str]
    docker_urls: tuple[str, ...]
    redactor: Redactor
    releases: frozenset[int]


def log_source(environment: Environment, *, release: Release | None = None) -> LogSource:
    """`release` is one whose secrets count as well, although it has no containers."""
    releases = list(_releases(environment))
    if release is not None and release not in releases:
        releases.append(release)
    hosts = Workload.objects.filter(environment=environment).exclude(state=WorkloadState.REMOVED)
    urls = hosts.values_list("host__docker_url", flat=True)
    return LogSource(
        labels={
            "berth.installation": settings.INSTALLATION,
            "berth.app": environment.app.public_id,
            "berth.environment": environment.name,
        },
        docker_urls=tuple(sorted(set(urls))),
        redactor=Redactor(_secrets(environment, releases)),
        releases=frozenset(release.number for release in releases),
    )


def masked(environment: Environment, text: str, *, release: Release | None = None) -> str:
    """The text as it may be kept and shown: the environment's secrets masked, control characters written out.

    Give it the whole text: a secret that was cut before is found at the edges of lines alone.
    """
    redactor = log_source(environment, release=release).redactor
    return "\n".join(redactor.line(line.encode()) for line in text.splitlines())


def _secrets(environment: Environment, releases: Iterable[Release]) -> set[str]:
    """Secret values as they are now, and as they were in `releases`.

    A snapshot does not say which of its values are secret: each is, unless a variable of that name is not one now.
    """
    secret: set[str] = set()
    public_names: set[str] = set()
    for variable in environment.variables.all():
        if variable.is_secret:
            secret.add(variable.value)
        else:
            public_names.add(variable.name)
    for release in releases:
        snapshot: dict[str, str] = json.loads(release.variables)
        secret |= {value for name, value in snapshot.items() if name not in public_names}
    return secret


def _releases(environment: Environment) -> Iterable[Release]:
    """Every release that has containers or is live."""
    running = Workload.objects.filter(environment=environment).exclude(state=WorkloadState.REMOVED)
    return Release.objects.filter(Q(pk=environment.current_release_id) | Q(pk__in=running.values("release_id")))
