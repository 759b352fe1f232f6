"""Who may do what, as data: for each action the permission a member needs, and the platform roles that do as well."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """`member` is a permission on the organization (empty: membership gives nothing); `platform` names roles."""

    member: str
    platform: frozenset[str] = frozenset()


_READERS = frozenset({"reviewer", "operator"})
_OPERATORS = frozenset({"operator"})

RULES: dict[str, Rule] = {
    "organization.view": Rule("view_organization", _READERS),
    "organization.manage_members": Rule("manage_members"),
    "app.view": Rule("view_organization", _READERS),
    "app.create": Rule("create_app"),
    "app.change": Rule("change_app"),
    "app.retire": Rule("retire_app"),
    "environment.view": Rule("view_organization", _READERS),
    "environment.change": Rule("change_app"),
    "release.view": Rule("view_organization", _READERS),
    "release.submit": Rule("submit_release"),
    "release.cancel": Rule("submit_release"),
    "release.rollback": Rule("submit_release"),
    # Reviewers alone, and none on a release of their own: see `own_release`.
    "release.review": Rule("", frozenset({"reviewer"})),
    "deployment.view": Rule("view_organization", _READERS),
    "logs.read": Rule("read_logs", _OPERATORS),
    "timeline.view": Rule("view_organization", _READERS),
    "host.view": Rule("", _OPERATORS),
    "user.create": Rule("", _OPERATORS),
}
