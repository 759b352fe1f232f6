"""The status of a pipeline from those of its jobs, as GitLab composes it."""

from collections.abc import Iterable

_DONE_WELL = {"success", "skipped", "warning", "ignored"}


def compose(jobs: Iterable[tuple[str, bool]]) -> str:
    """`jobs` are pairs of status and allow_failure of the newest run of each job."""
    found = {_seen(status, is_allowed) for status, is_allowed in jobs}
    if not found or found <= {"skipped", "ignored"}:
        return "skipped"
    if found <= _DONE_WELL:
        return "success"
    if found <= {"created", "ignored"}:
        return "created"
    if "canceling" in found:
        return "canceling"
    if found <= {"canceled", *_DONE_WELL}:
        return "canceled"
    if found <= {"pending", "created", "skipped", "warning", "ignored"}:
        return "pending"
    if found & {"running", "pending"}:
        return "running"
    if "manual" in found:
        return "manual"
    return "running" if "created" in found else "failed"


def _seen(status: str, is_allowed: bool) -> str:
    if status in {"failed", "canceled"} and is_allowed:
        return "warning"
    if status == "manual" and is_allowed:
        return "ignored"
    return status
