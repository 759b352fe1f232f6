"""A release's difference in the words of a page."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from provisioning.releases.selectors.diffs import OMISSION_WORDS
from tenants.hostile_text import written_out

# So many files are offered for acknowledgement by name on one page; of the others, parts and pieces remain.
MAX_NAMED = 200
_KINDS = {"+": "added", "-": "removed", "@": "hunk", "\\": "note"}


@dataclass(frozen=True)
class DiffLine:
    kind: str
    text: str


@dataclass(frozen=True)
class ShownFile:
    """`omitted` says in words what the page does not have of it; `reason` why."""

    path: str
    old_path: str
    address: str
    what: str
    note: str
    facts: str
    added: int
    removed: int
    lines: list[DiffLine]
    left_out: int
    reason: str
    omitted: str
    part: int | None
    has_lines: bool
    is_there: bool


@dataclass(frozen=True)
class ShownChange:
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Unread:
    path: str
    reason: str


@dataclass(frozen=True)
class ShownDiff:
    base: str
    base_number: int | None
    base_release: int | None
    base_is_gone: bool
    head: str
    files: list[ShownFile]
    settings: list[ShownChange]
    variables: list[ShownChange]
    part: int
    parts: int
    omitted_files: int
    omitted_lines: int
    omissions: list[str]
    unread: list[Unread]
    unread_count: int

    @property
    def other_parts(self) -> list[int]:
        return [number for number in range(1, self.parts + 1) if number != self.part]


def show_diff(diff: dict[str, Any]) -> ShownDiff:
    """What `diff_show` gave, line by line."""
    reasons: dict[str, int] = diff["omitted"]["reasons"]
    return ShownDiff(
        base=diff["base"] or "",
        base_number=diff["base_number"],
        base_release=diff["base_release"],
        base_is_gone=diff["base_is_gone"],
        head=diff["head"],
        files=[_shown_file(item) for item in diff["files"]],
        settings=_shown_changes(diff["settings"]),
        variables=[_shown_variable(change) for change in diff["variables"]],
        part=diff["part"],
        parts=diff["parts"],
        omitted_files=diff["omitted"]["files"],
        omitted_lines=diff["omitted"]["lines"],
        omissions=[f"{count} {OMISSION_WORDS[reason]}" for reason, count in sorted(reasons.items())],
        unread=[Unread(item["path"], OMISSION_WORDS[item["reason"]]) for item in diff["unread"][:MAX_NAMED]],
        unread_count=len(diff["unread"]),
    )


def diff_lines(text: str) -> list[DiffLine]:
    """Ends at "\\n" and nowhere else."""
    return [DiffLine(_KINDS.get(line[:1], "same"), line) for line in text.split("\n")[:-1]]


def _shown_file(item: dict[str, Any]) -> ShownFile:
    omitted = item["omitted"]
    return ShownFile(
        path=item["path"],
        old_path=item["old_path"] if item["is_renamed"] else "",
        address=item["address"],
        what=item["status"],
        note=item["note"],
        facts=_facts(item),
        added=item["lines_added"],
        removed=item["lines_removed"],
        lines=diff_lines(item["diff"]),
        left_out=omitted["lines"] if omitted else 0,
        reason=omitted["reason"] if omitted else "",
        omitted=omitted["detail"] if omitted else "",
        part=omitted["part"] if omitted else None,
        has_lines=item["lines"] > 0,
        is_there=item["new_type"] not in (None, "submodule"),
    )


def _facts(item: dict[str, Any]) -> str:
    """Type, mode and size, before and now."""
    sides = [
        f"{item[f'{side}_type']} {item[f'{side}_mode']}, {item[f'{side}_size']} bytes"
        for side in ("old", "new")
        if item[f"{side}_type"] is not None
    ]
    blob = f", content {item['new_blob'][:12]}" if item["is_binary"] and item["new_blob"] else ""
    return " → ".join(dict.fromkeys(sides)) + blob


def _shown_changes(changes: Iterable[dict[str, Any]]) -> list[ShownChange]:
    return [ShownChange(change["name"], _value(change["before"]), _value(change["after"])) for change in changes]


def _shown_variable(change: dict[str, Any]) -> ShownChange:
    sides = [(change[side], change[f"{side}_is_secret"]) for side in ("before", "after")]
    before, after = (f"a secret, {change['change']}" if is_secret else _value(value) for value, is_secret in sides)
    if change["change"] == "secrecy":
        before, after = (
            f"{'a secret' if is_secret else 'not a secret'}: {'the same value' if is_secret else _value(value)}"
            for value, is_secret in sides
        )
    elif change["before_is_secret"]:
        before = "a secret"
    return ShownChange(change["name"], before, after)


def _value(value: Any) -> str:
    if value is None:
        return "—"
    return written_out(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
