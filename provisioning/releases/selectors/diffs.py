"""The changes that a release makes in its environment, in the words and sizes of one answer."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from provisioning.releases.selectors.variable_changes import variable_changes
from provisioning.repositories.reading.copy import CommitGone, ReadingCopy, reading_copy
from provisioning.repositories.reading.difference import LONG, OTHER_PART, Difference, Measured
from provisioning.repositories.reading.texts import BINARY, TOO_LARGE, Text
from provisioning.repositories.reading.types import ABSENT, EXECUTABLE, LINK, SUBMODULE, Change, kind_of
from tenants.exceptions import InvalidInput, InvalidTransition
from tenants.hostile_text import shown_bytes, shown_path
from tenants.releases.choices import ReleaseState
from tenants.releases.models.release import Release
from tenants.reviews.models import ReviewScope

# Until somebody decides, a release is held against what is live now; afterwards against what was live then.
UNDECIDED = (ReleaseState.SUBMITTED, ReleaseState.CHECKING, ReleaseState.AWAITING_REVIEW)
_MAX_LINK_BYTES = 4096
OMISSION_WORDS = {
    BINARY: "binary",
    TOO_LARGE: "too large to compare",
    LONG: "too long for one page",
    OTHER_PART: "in another part",
}
_DETAILS = {
    BINARY: "it is no text: read it as a file, or acknowledge it by name",
    TOO_LARGE: "it is too large for a difference: read it as a file, or acknowledge it by name",
    LONG: "it is too long for one answer: read it piece by piece, or acknowledge it by name",
    OTHER_PART: "it is in part {part} of the difference",
}


def base_of(release: Release) -> Release | None:
    """The release that it is held against; None for nothing."""
    if release.state not in UNDECIDED:
        scope = ReviewScope.objects.select_related("base").filter(release=release).first()
        if scope is not None:
            return scope.base
    live = release.environment.current_release
    return None if live is None or live.pk == release.pk else live


def difference_of(release: Release, base: Release | None) -> Difference:
    """The difference itself. Raises `InvalidTransition` before the commit is known, and what a reading copy raises.

    If the base's commit is gone from the forge and was never copied, everything is new.
    """
    if not release.commit_sha:
        raise InvalidTransition(f"release {release.number} has no commit yet: it is {release.state}")
    copy = reading_copy(release.app)
    copy.ensure_commits([release.commit_sha])
    base_sha = base.commit_sha if base is not None else None
    if base_sha is not None:
        try:
            copy.ensure_commits([base_sha])
        except CommitGone:
            base_sha = None
    return Difference(copy, base_sha, release.commit_sha)


def release_diff(release: Release, base: Release | None, difference: Difference, *, part: int = 1) -> dict[str, Any]:
    """One part of the difference: every changed file is named, with the texts of those that the part has.

    A secret's value is not in it. Raises `InvalidInput` for a part that there is not.
    """
    if not 1 <= part <= difference.parts:
        raise InvalidInput.field("part", f"is not one of the {difference.parts} parts of this difference")
    texts = difference.part(part)
    targets = _link_targets(difference.copy, [file.change for file in difference.files])
    files = [_as_file(file, texts.get(file.change.key), part, targets) for file in difference.files]
    left = [file["omitted"] for file in files if file["omitted"]]
    return {
        "base": difference.base,
        "base_release": base.pk if base else None,
        "base_number": base.number if base else None,
        "base_is_gone": base is not None and difference.base is None,
        "head": release.commit_sha,
        "digest": release.digest,
        "part": part,
        "parts": difference.parts,
        "omitted": {
            "files": len(left),
            "lines": sum(item["lines"] for item in left),
            "reasons": dict(Counter(item["reason"] for item in left)),
        },
        "files": files,
        "settings": _changes(base.configuration if base else {}, release.configuration),
        "variables": variable_changes(base, release),
    }


def scope_files(difference: Difference) -> list[dict[str, Any]]:
    """The files that a decision has to cover by name: each changed file that the first part does not show whole."""
    return [
        {
            "key": file.change.key,
            "path": shown_path(file.change.path),
            "reason": file.reason or OTHER_PART,
            "lines": file.lines,
        }
        for file in difference.unshown()
    ]


def joined(lines: Iterable[bytes]) -> str:
    """Lines of a difference, each made fit to be read."""
    return "".join(f"{shown_bytes(line)}\n" for line in lines)


def address_of(path: bytes) -> str:
    """A path for a query string: bytes that are no plain ASCII are percent-encoded."""
    return quote(path, safe="/")


def _as_file(file: Measured, text: Text | None, part: int, targets: dict[str, str]) -> dict[str, Any]:
    change, shown = file.change, text.lines if text else ()
    return {
        "path": shown_path(change.new_path),
        "address": address_of(change.new_path),
        "old_path": shown_path(change.old_path),
        "new_path": shown_path(change.new_path),
        "status": change.status,
        "old_type": None if change.old_mode == ABSENT else kind_of(change.old_mode),
        "new_type": None if change.new_mode == ABSENT else kind_of(change.new_mode),
        "old_mode": None if change.old_mode == ABSENT else change.old_mode,
        "new_mode": None if change.new_mode == ABSENT else change.new_mode,
        "old_size": change.old_size,
        "new_size": change.new_size,
        "old_blob": change.old_blob or None,
        "new_blob": change.new_blob or None,
        "old_target": targets.get(change.old_blob) if change.old_mode == LINK else None,
        "new_target": targets.get(change.new_blob) if change.new_mode == LINK else None,
        "note": note(change, targets),
        "is_binary": file.reason == BINARY,
        "lines": file.lines,
        "lines_added": file.added,
        "lines_removed": file.removed,
        "diff": joined(shown),
        "omitted": _omitted(file, len(shown), part),
        "is_new": change.status == "added",
        "is_deleted": change.status == "deleted",
        "is_renamed": change.status == "renamed",
    }


def _omitted(file: Measured, shown: int, part: int) -> dict[str, Any] | None:
    reason = file.reason or ("" if file.part == part or not file.lines else OTHER_PART)
    if not reason:
        return None
    return {
        "reason": reason,
        "lines": file.lines - shown,
        "part": file.part or None,
        "detail": _DETAILS[reason].format(part=file.part),
    }


def note(change: Change, targets: dict[str, str]) -> str:
    """In words, what the lines do not say: another type, another mode, where a link leads."""
    old, new = (_thing(change, side, targets) for side in ("old", "new"))
    if change.old_mode == change.new_mode and change.old_mode != LINK:
        return ""
    if not old:
        return "" if change.new_mode == "100644" else f"is {new}"
    if not new:
        return "" if change.old_mode == "100644" else f"was {old}"
    if change.old_mode != LINK and change.new_mode == EXECUTABLE:
        return "becomes executable" if change.old_mode != SUBMODULE else f"was {old}, becomes {new}"
    if change.old_mode == EXECUTABLE and change.new_mode == "100644":
        return "is no longer executable"
    return f"was {old}, becomes {new}" if old != new else ""


def _thing(change: Change, side: str, targets: dict[str, str]) -> str:
    mode: str = getattr(change, f"{side}_mode")
    blob: str = getattr(change, f"{side}_blob")
    match mode:
        case "000000":
            return ""
        case "120000":
            return f"a symbolic link to {targets.get(blob, '?')}"
        case "160000":
            return f"a submodule at {blob}"
        case "100755":
            return "an executable file"
        case "100644" | "100664":
            return "a file"
        case _:
            return f"of the unknown mode {mode}"


def _link_targets(copy: ReadingCopy, changes: Sequence[Change]) -> dict[str, str]:
    sides = ((mode, blob, size) for change in changes for mode, blob, size in _sides(change))
    links = {blob: None for mode, blob, size in sides if mode == LINK and size <= _MAX_LINK_BYTES}
    return {blob: shown_bytes(content, kept="") for blob, content in copy.blobs(list(links))} if links else {}


def _sides(change: Change) -> Iterable[tuple[str, str, int]]:
    yield change.old_mode, change.old_blob, change.old_size
    yield change.new_mode, change.new_blob, change.new_size


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    names = sorted(before.keys() | after.keys())
    return [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]
