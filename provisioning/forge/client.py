"""The forge driver: GitLab's REST API v4 through python-gitlab, the same for a GitLab and for the embedded forge.

Every `ensure_*` looks before it acts and may run twice. Raises `ServiceUnavailable` while the forge is away and
`ForgeRefused` where an operator must act. An instance is for one thread: `requests.Session` is not shared.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime

import gitlab
from gitlab.const import AccessLevel
from gitlab.v4.objects import Project as GitlabProject

from provisioning.forge.accounts import FIRST_RULES, GROUP_RULES, user_values
from provisioning.forge.errors import ForgeRefused, translated
from provisioning.forge.types import GitToken, Project

TIMEOUT_S = 20


class ForgeClient:
    """Accounts, groups, projects and what belongs to them. Contents and pipelines have modules of their own."""

    def __init__(self, url: str, token: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.gitlab = gitlab.Gitlab(
            self.url, private_token=token, timeout=timeout_s, keep_base_url=True, user_agent="berth"
        )

    def project(self, project_id: int) -> GitlabProject:
        """The SDK's object without a request."""
        return self.gitlab.projects.get(project_id, lazy=True)

    def ping(self) -> str:
        """The forge's version."""
        with translated("asking for its version"):
            # The SDK's own `version()` takes every fault, an outage too, for an unknown version.
            answer = self.gitlab.http_get("/version")
        if not isinstance(answer, dict) or not isinstance(answer.get("version"), str):
            raise ForgeRefused("what answers is no GitLab: an operator must correct FORGE_URL", 200)
        return str(answer["version"])[:40]

    def ensure_user(self, *, names: Sequence[str], email: str, name: str, mark: str) -> tuple[int, str]:
        """The forge user that carries `mark` in its admin's note, made where there is none: its id and user name.

        A user of one of `names` that does not carry the mark is somebody else's, and is never taken over: the next
        name is used, as it is where the forge does not take a name. The password is one that nobody knows.
        """
        with translated(f"making the forge user {names[0]}"):
            for username in names:
                found, note = self._find_user(username)
                if found is None:
                    try:
                        user = self.gitlab.users.create(user_values(username, email, name, mark))
                        return int(user.id), username
                    except gitlab.GitlabCreateError as exc:
                        if exc.response_code == 400 and "sername" in str(exc.error_message):
                            # The forge takes no such name, `ada.git` for one: one of its rules that we don't have.
                            continue
                        if exc.response_code != 409:
                            raise
                        # Another worker made the user in the meantime. Or somebody else has the name, or a group has
                        # it, since users and groups share one namespace: then the next name is used.
                        found, note = self._find_user(username)
                        if found is None and "sername" not in str(exc.error_message):
                            raise
                if found is not None and note == mark:
                    return found, username
        raise ForgeRefused(f"the names {', '.join(names)} are all taken at the forge: an operator must free one", 409)

    def _find_user(self, username: str) -> tuple[int | None, str | None]:
        """The id and the admin's note of the user with exactly this name."""
        for user in self.gitlab.users.list(username=username, iterator=True):
            if user.username == username:
                return int(user.id), getattr(user, "note", None)
        return None, None

    def create_user_token(self, *, user_id: int, name: str, expires_on: date) -> str:
        """A personal access token for git over HTTP. Shown once: the forge keeps only a hash."""
        with translated(f"making a git token for forge user {user_id}"):
            user = self.gitlab.users.get(user_id, lazy=True)
            token = user.personal_access_tokens.create(
                {
                    "name": name,
                    "scopes": ["read_repository", "write_repository"],
                    "expires_at": expires_on.isoformat(),
                }
            )
            return str(token.token)

    def revoke_user_tokens(self, user_id: int) -> int:
        """Ends all personal access tokens of this user; gives their number. Nobody but the platform makes any."""
        with translated(f"revoking the git tokens of forge user {user_id}"):
            tokens = self.gitlab.personal_access_tokens.list(user_id=user_id, state="active", get_all=True)
            for token in tokens:
                with _tolerated(404):
                    self.gitlab.personal_access_tokens.delete(token.id)
            return len(tokens)

    def user_tokens(self, user_id: int) -> list[GitToken]:
        """The personal access tokens of this user that are in force, the newest first."""
        with translated(f"listing the git tokens of forge user {user_id}"):
            rows = self.gitlab.personal_access_tokens.list(user_id=user_id, state="active", get_all=True)
        found = [
            GitToken(
                id=int(row.id),
                created_at=datetime.fromisoformat(row.created_at),
                last_used_at=datetime.fromisoformat(row.last_used_at) if row.last_used_at else None,
                expires_on=date.fromisoformat(row.expires_at) if row.expires_at else None,
            )
            for row in rows
            # A forge lists a token whose day has come as not revoked.
            if getattr(row, "active", True)
        ]
        return sorted(found, key=lambda token: token.id, reverse=True)

    def revoke_user_token(self, token_id: int) -> None:
        """Ends one personal access token; without effect on one that has ended."""
        with translated(f"revoking git token {token_id}"), _tolerated(404):
            self.gitlab.personal_access_tokens.delete(token_id)

    def ensure_group(self, *, path: str, name: str) -> int:
        """A private group in whose projects developers may push to the default branch. Gives its id.

        One that is there already is used if the platform's user is its only owner. Raises `ForgeRefused` for any
        other: on a forge that Berth shares, anybody may have made a group of this path, and its owners could change
        what Berth deploys.
        """
        with translated(f"making the group {path}"):
            try:
                return self._own_group(path)
            except gitlab.GitlabGetError as exc:
                if exc.response_code != 404:
                    raise
            try:
                return int(self.gitlab.groups.create({"path": path, "name": name, **GROUP_RULES, **FIRST_RULES}).id)
            except gitlab.GitlabCreateError as exc:
                # The organization's first two apps may be made at once: another worker was faster.
                if "taken" not in str(exc.error_message):
                    raise
                return self._own_group(path)

    def _own_group(self, path: str) -> int:
        group = self.gitlab.groups.get(path)
        if self.gitlab.user is None:
            self.gitlab.auth()
        own_id = self.gitlab.user.id if self.gitlab.user is not None else None
        owners = [member for member in group.members.list(iterator=True) if member.access_level >= AccessLevel.OWNER]
        others = [str(member.username) for member in owners if member.id != own_id]
        others += [f"the group {shared['group_full_path']}" for shared in getattr(group, "shared_with_groups", [])]
        if others or not owners:
            raise ForgeRefused(
                f"the group {path} at the forge is not Berth's own ({', '.join(others) or 'nobody'} has a say in it): "
                "an operator must make Berth's user its only owner, or free the name",
                409,
            )
        if any(getattr(group, key) != value for key, value in GROUP_RULES.items()):
            self.gitlab.groups.update(group.id, GROUP_RULES)
        return int(group.id)

    def ensure_group_members(self, group_id: int, user_ids: Iterable[int]) -> None:
        """Makes the group's developers exactly `user_ids`; owners (the platform's own user) stay untouched."""
        wanted = set(user_ids)
        with translated(f"setting the members of group {group_id}"):
            group = self.gitlab.groups.get(group_id, lazy=True)
            present = {int(member.id): member for member in group.members.list(iterator=True)}
            # Several workers may do this at once: what another one did already is as good.
            for user_id in wanted - present.keys():
                with _tolerated(409):
                    group.members.create({"user_id": user_id, "access_level": AccessLevel.DEVELOPER.value})
            for user_id, member in present.items():
                if user_id not in wanted and member.access_level < AccessLevel.OWNER.value:
                    with _tolerated(404):
                        group.members.delete(user_id)

    def ensure_project(self, *, group_id: int, group_path: str, path: str, runs_pipelines: bool) -> Project:
        """A private project. One that runs no pipelines refuses them, whatever its repository holds.

        Of one that is there already, both are made so.
        """
        access = "private" if runs_pipelines else "disabled"
        full_path = f"{group_path}/{path}"
        with translated(f"making the project {full_path}"):
            try:
                project = self.gitlab.projects.get(full_path)
            except gitlab.GitlabGetError as exc:
                if exc.response_code != 404:
                    raise
                project = self.gitlab.projects.create(
                    {
                        "name": path,
                        "path": path,
                        "namespace_id": group_id,
                        "visibility": "private",
                        "builds_access_level": access,
                        "default_branch": "production" if runs_pipelines else "main",
                    }
                )
            if (project.builds_access_level, project.visibility) != (access, "private"):
                project.builds_access_level, project.visibility = access, "private"
                project.save()
            return Project(int(project.id), str(project.path_with_namespace), str(project.http_url_to_repo))

    def ensure_variable(
        self, project_id: int, key: str, value: str, *, is_masked: bool = False, is_file: bool = False
    ) -> None:
        """A CI variable of the project, never expanded (`raw`)."""
        values = {
            "key": key,
            "value": value,
            "masked": is_masked,
            "raw": True,
            "variable_type": "file" if is_file else "env_var",
        }
        with translated(f"setting the CI variable {key}"):
            variables = self.project(project_id).variables
            try:
                variables.update(key, values)
            except gitlab.GitlabError as exc:
                if exc.response_code != 404:
                    raise
                variables.create(values)

    def list_refs(self, project_id: int) -> list[tuple[str, str, str]]:
        """Every branch ("heads") and tag ("tags"): kind, name and commit."""
        with translated(f"listing the refs of project {project_id}"):
            project = self.project(project_id)
            branches = [("heads", str(row.name), str(row.commit["id"])) for row in project.branches.list(iterator=True)]
            tags = [("tags", str(row.name), str(row.commit["id"])) for row in project.tags.list(iterator=True)]
            return [*branches, *tags]

    def ensure_hook(self, project_id: int, *, url: str, token: str, of_pushes: bool = False) -> int:
        """The project's webhook for pipeline events, or for pushes instead. Gives its id."""
        values = {
            "url": url,
            "token": token,
            "pipeline_events": not of_pushes,
            "push_events": of_pushes,
            "tag_push_events": of_pushes,
            "enable_ssl_verification": url.startswith("https://"),
        }
        with translated("setting the webhook"):
            hooks = self.project(project_id).hooks
            for hook in hooks.list(iterator=True):
                if hook.url == url:
                    hooks.update(hook.id, values)
                    return int(hook.id)
            return int(hooks.create(values).id)

    def create_project_token(self, project_id: int, *, name: str, expires_on: date) -> tuple[int, str]:
        """A token that only reads the project's repository: its id, and the token, shown once."""
        with translated(f"making a read token for project {project_id}"):
            token = self.project(project_id).access_tokens.create(
                {
                    "name": name,
                    "scopes": ["read_repository"],
                    "access_level": AccessLevel.REPORTER.value,
                    "expires_at": expires_on.isoformat(),
                }
            )
            return int(token.id), str(token.token)

    def remove_project_token(self, project_id: int, token_id: int) -> None:
        with translated(f"revoking a read token of project {project_id}"), _tolerated(404):
            self.project(project_id).access_tokens.delete(token_id)

    def remove_project(self, project_id: int) -> None:
        """Deletes the project. Where the forge defers deletion, it is marked and goes later."""
        with translated(f"deleting project {project_id}"), _tolerated(404):
            self.project(project_id).delete()

    def archive_project(self, project_id: int) -> None:
        """Makes the project read-only: nobody pushes to it any more; its history stays."""
        with translated(f"archiving project {project_id}"), _tolerated(404):
            self.project(project_id).archive()


@contextmanager
def _tolerated(status: int) -> Iterator[None]:
    """What is already there needs no making (409), what is gone no removing (404)."""
    try:
        yield
    except gitlab.GitlabError as exc:
        if exc.response_code != status:
            raise
