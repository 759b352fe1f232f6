"""Shows a release to somebody, and notes what was shown: an approval rests on it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from provisioning.exceptions import ProvisioningError
from provisioning.releases.selectors import diffs
from provisioning.repositories.reading.copy import ReadingCopy, reading_copy
from provisioning.repositories.reading.difference import Difference
from provisioning.repositories.reading.types import LINK, SUBMODULE, TreeFile
from tenants.apps.models.environment import Environment
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.hostile_text import shown_path
from tenants.people.models.user import User
from tenants.releases.models.release import Release
from tenants.reviews.selectors import unread_files
from tenants.reviews.services.readings import difference_shown, file_shown, review_scope_set


def scope_ensure(release: Release) -> tuple[Release | None, Difference]:
    """The release's base and difference; notes the files that a decision has to cover."""
    base = diffs.base_of(release)
    difference = diffs.difference_of(release, base)
    if release.state in diffs.UNDECIDED:
        review_scope_set(release=release, base=base, files=diffs.scope_files(difference))
    return base, difference


def scopes_renew(environment: Environment) -> None:
    """After what is live has changed: of every release that waits. A failure waits until somebody reads the release."""
    waiting = environment.releases.filter(state__in=diffs.UNDECIDED).exclude(commit_sha="")
    for release in waiting.select_related("app", "environment__current_release"):
        try:
            scope_ensure(release)
        except ProvisioningError:
            continue


def diff_show(release: Release, *, part: int, actor: User, is_sent: bool = True) -> dict[str, Any]:
    """One part of the difference, as shown to `actor`; `unread` is what they have not been shown whole.

    `is_sent` is false if only the answer's headers are: nothing is noted as shown then.
    """
    base, difference = scope_ensure(release)
    shown = diffs.release_diff(release, base, difference, part=part)
    keys = [file.change.key for file in difference.files if file.part == part != 1]
    if is_sent:
        difference_shown(release=release, base=base, keys=keys, actor=actor)
    return shown | {"unread": unread_files(release=release, reviewer=actor)}


def file_diff_show(release: Release, *, address: str, offset: int, actor: User) -> dict[str, Any]:
    """A piece of one file's change. `InvalidInput` for a path that did not change, or an offset beyond its end."""
    _base, difference = scope_ensure(release)
    file = difference.find(unquote_to_bytes(address))
    if file is None:
        raise InvalidInput.field("path", "did not change: take an `address` from the release's difference")
    if not file.has_text:
        raise InvalidInput.field("path", "has no difference in lines: read it as a file")
    if not 0 <= offset <= max(file.lines - 1, 0):
        raise InvalidInput.field("offset", f"is not within the {file.lines} lines of this file's difference")
    lines, following = difference.piece(file.change, offset)
    path = shown_path(file.change.path)
    file_shown(release=release, key=file.change.key, path=path, start=offset, end=following, actor=actor)
    return {
        "path": path,
        "address": diffs.address_of(file.change.path),
        "offset": offset,
        "lines": file.lines,
        "next_offset": following,
        "diff": diffs.joined(lines),
        "is_last": following is None,
    }


@dataclass(frozen=True)
class ReadFile:
    """A file of the release's commit, for one who reads it. `blob` is to be asked of `copy`."""

    copy: ReadingCopy
    file: TreeFile

    def content(self) -> bytes:
        return self.copy.blob(self.file.blob)


def tree_of(release: Release) -> tuple[ReadingCopy, list[TreeFile]]:
    """The release's commit. Raises `InvalidTransition` before it is known, and what a reading copy raises."""
    if not release.commit_sha:
        raise InvalidTransition(f"release {release.number} has no commit yet: it is {release.state}")
    copy = reading_copy(release.app)
    copy.ensure_commits([release.commit_sha])
    return copy, copy.tree(release.commit_sha)


def offer_commit(release: Release) -> tuple[ReadingCopy, str]:
    """The copy, and the namespace of it in which the release's commit is all that there is. Raises as `tree_of`."""
    if not release.commit_sha:
        raise InvalidTransition(f"release {release.number} has no commit yet: it is {release.state}")
    copy = reading_copy(release.app)
    copy.ensure_commits([release.commit_sha])
    namespace = f"release-{release.pk}"
    copy.ensure_offered(namespace, branch=f"release-{release.number}", sha=release.commit_sha)
    return copy, namespace


def file_of(release: Release, *, address: str) -> ReadFile | None:
    """The file or link at a path as `address_of` wrote it; None if there is none."""
    copy, tree = tree_of(release)
    path = unquote_to_bytes(address)
    found = next((file for file in tree if file.path == path and file.mode != SUBMODULE), None)
    return ReadFile(copy, found) if found is not None else None


def file_handed_over(release: Release, *, file: TreeFile, actor: User) -> None:
    """Notes that `actor` was given all bytes of the file. They count as read if the file
    is new or has no lines to show: else they lack the old side."""
    base = diffs.base_of(release)
    difference = diffs.difference_of(release, base)
    measured = difference.find(file.path)
    if measured is None or file.mode == LINK:
        return
    if not measured.has_text or measured.change.status == "added":
        file_shown(
            release=release,
            key=measured.change.key,
            path=shown_path(file.path),
            start=0,
            end=None,
            actor=actor,
        )
