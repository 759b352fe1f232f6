"""Which accounts brought the commits of a release: those between what is live and its head, whatever they claim.

An account brought a commit if one of its pushes reached it and the ref did not before. If it pushes commits again that
were there already, it counts beside the first account. If the live commit is no ancestor of the head, all of the head's
history counts, as if nothing were live.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from provisioning.exceptions import DeveloperError
from provisioning.forge.client import ForgeClient
from provisioning.forge.pushes import peel
from provisioning.repositories.models.push import Push
from provisioning.repositories.models.repository import Repository
from provisioning.repositories.reading.copy import ReadingCopy, reading_copy
from provisioning.repositories.services.pushes import NOBODY, pushes_read
from tenants.apps.models.plugin_app import PluginApp
from tenants.releases.choices import ReleaseState
from tenants.releases.models.authorship import MembershipPeriod
from tenants.releases.models.release import Release
from tenants.releases.services.authorship import Answerable, Pushers, answerable_for, release_pushers_record

_SHOWN = 3
AWAITED = (ReleaseState.CHECKING, ReleaseState.AWAITING_REVIEW)


def record_pushers(*, forge: ForgeClient, release: Release) -> Pushers:
    """Reads the forge's record and Berth's copy, and adds who pushed the release's commits. May run twice.

    Raises what the forge driver and the reading copy raise.
    """
    pushes_read(forge=forge, app=release.app)
    pushers = _pushers(forge, release)
    release_pushers_record(release=release, pushers=pushers)
    return pushers


def record_pushers_of_app(*, forge: ForgeClient, app: PluginApp) -> int:
    """The same for every release of the app that nobody has decided on; gives their number."""
    waiting = Release.objects.filter(app=app, state__in=AWAITED).exclude(commit_sha="")
    found = list(waiting.select_related("app__organization", "environment__current_release"))
    for release in found:
        record_pushers(forge=forge, release=release)
    return len(found)


@dataclass
class _Found:
    """By commit: the pushes that brought it."""

    brought: dict[str, list[Push]] = field(default_factory=lambda: defaultdict(list))
    at_once: list[Push] = field(default_factory=list)


def _pushers(forge: ForgeClient, release: Release) -> Pushers:
    copy = reading_copy(release.app)
    repository = Repository.objects.get(app=release.app)
    live = release.environment.current_release
    base = live.commit_sha if live is not None and live.pk != release.pk else None
    copy.ensure_commits([release.commit_sha, *([base] if base else [])])
    parents = {commit.sha: commit.parents for commit in copy.commits(None, release.commit_sha)}
    own = set(parents)
    if base is not None and base in parents:
        own = {commit.sha for commit in copy.commits(base, release.commit_sha)}
    found = _brought(forge, repository, _Reached(copy, release.commit_sha, own, parents))
    return _told(release, own, found)


class _Reached:
    """Which of the release's own commits a commit reaches. A commit that neither copy nor forge has is not known."""

    def __init__(self, copy: ReadingCopy, head: str, own: set[str], parents: dict[str, tuple[str, ...]]) -> None:
        self._copy, self._head, self._own, self._parents = copy, head, own, parents
        # The live commit and its ancestors have been approved.
        self._live = set(parents) - own
        self._commits: dict[str, str | None] = {}
        self.of = lru_cache(maxsize=64)(self._of)

    def knows(self, sha: str) -> bool:
        if sha not in self._parents:
            # A commit that was forced away, or that came later: the forge may have it still.
            with suppress(DeveloperError):
                self._copy.ensure_commits([sha])
                self._parents.update({row.sha: row.parents for row in self._copy.commits(self._head, sha)})
        return sha in self._parents

    def commit(self, forge: ForgeClient, project_id: int, sha: str) -> str | None:
        """The commit at `sha`, which may be a tag's object; None if nobody has it any more."""
        if sha not in self._commits:
            found: str | None = sha
            if not self.knows(sha):
                found = peel(forge, project_id, sha)
                if found is not None and not self.knows(found):
                    found = None
            self._commits[sha] = found
        return self._commits[sha]

    def _of(self, sha: str) -> frozenset[str]:
        seen, left = {sha}, [sha]
        while left:
            for parent in self._parents.get(left.pop(), ()):
                if parent not in seen and parent not in self._live:
                    seen.add(parent)
                    left.append(parent)
        return frozenset(seen & self._own)


def _brought(forge: ForgeClient, repository: Repository, reached: _Reached) -> _Found:
    found = _Found()
    for push in repository.pushes.select_related("user").order_by("pushed_at", "pk"):
        if not push.after:
            found.at_once.append(push)
            continue
        after = reached.commit(forge, repository.code_project_id or 0, push.after)
        if after is None:
            continue
        mine = reached.of(after)
        if mine and push.before and reached.knows(push.before):
            mine -= reached.of(push.before)
        for sha in mine:
            found.brought[sha].append(push)
    return found


def _told(release: Release, own: set[str], found: _Found) -> Pushers:
    # Several refs at once, of which the forge does not say which: that may be any of them.
    brought = {sha: [*found.brought.get(sha, ()), *found.at_once] for sha in own}
    pushed = _counted(brought)
    older = {sha for sha, pushes in brought.items() if pushes and all(push.forge_user_id == NOBODY for push in pushes)}
    unknown = {
        push.forge_username or f"user {push.forge_user_id}"
        for pushes in brought.values()
        for push in pushes
        if push.user_id is None and push.forge_user_id != NOBODY
    }
    unseen = sorted(sha for sha, pushes in brought.items() if not pushes)
    return Pushers(
        pushed=pushed,
        may_have_pushed=_members_of_then(release, older, found),
        in_doubt="; ".join([*_about_unknown(unknown), *_about_unseen(unseen)]),
    )


def _counted(brought: Mapping[str, Iterable[Push]]) -> dict[Answerable, int]:
    commits: dict[Answerable, set[str]] = defaultdict(set)
    deeds = {(push.user_id, push.pushed_at) for pushes in brought.values() for push in pushes if push.user_id}
    listed = sorted(deeds)
    answerable = dict(zip(listed, answerable_for(listed), strict=True))
    for sha, pushes in brought.items():
        for push in pushes:
            for pair in answerable[push.user_id, push.pushed_at] if push.user_id else ():
                commits[pair].add(sha)
    return {pair: len(shas) for pair, shas in commits.items()}


def _members_of_then(release: Release, older: set[str], found: _Found) -> dict[Answerable, int]:
    """Of commits that were there before the record of pushes began: any member of then may have brought them."""
    if not older:
        return {}
    began = max(push.pushed_at for sha in older for push in found.brought[sha])
    members = MembershipPeriod.objects.filter(organization=release.app.organization_id, since__lte=began)
    return {(pk, pk): len(older) for pk in set(members.values_list("user", flat=True))}


def _about_unknown(names: set[str]) -> list[str]:
    if not names:
        return []
    return [
        f"commits were pushed by accounts of the forge that Berth does not know ({', '.join(sorted(names)[:_SHOWN])}): "
        "make them anew (git rebase, or git commit --amend), push them with an account of Berth, and ask for the "
        "release again"
    ]


def _about_unseen(shas: list[str]) -> list[str]:
    if not shas:
        return []
    named = ", ".join(sha[:12] for sha in shas[:_SHOWN]) + (", …" if len(shas) > _SHOWN else "")
    return [
        f"the forge has no record of who pushed {len(shas)} of its commits ({named}): push them once more, under the "
        "name of a new branch"
    ]
