"""What stands in a repository: commits, trees, files; and the first commit of a management branch."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import gitlab

from provisioning.exceptions import RetryableError
from provisioning.forge.client import ForgeClient
from provisioning.forge.errors import translated
from provisioning.forge.refs import commit_named
from provisioning.forge.types import Commit, TreeEntry

GIT_TIMEOUT_S = 60
CREDENTIAL_HELPER = '!f() { echo "username=berth"; echo "password=$BERTH_GIT_TOKEN"; }; f'


def resolve_commit(forge: ForgeClient, project_id: int, ref: str) -> Commit:
    """The commit that a branch, tag or SHA names now. Raises `RefNotFound`, `AmbiguousRef` for a name of two things."""
    with translated(f"resolving {ref}"):
        commit = commit_named(forge.project(project_id), ref)
    emails = {str(commit["author_email"]).lower(), str(commit["committer_email"]).lower()}
    return Commit(
        str(commit["id"]), str(commit["title"])[:200], str(commit["author_name"])[:200], tuple(sorted(emails))
    )


def list_tree(forge: ForgeClient, project_id: int, sha: str, *, limit: int) -> list[TreeEntry]:
    """Every file, link and submodule of the tree, at most `limit` + 1 of them (one more shows that there are more)."""
    entries: list[TreeEntry] = []
    with translated("listing the tree"):
        tree = forge.project(project_id).repository_tree(ref=sha, recursive=True, iterator=True, per_page=100)
        for entry in tree:
            if entry["type"] != "tree":
                entries.append(TreeEntry(entry["path"], entry["mode"], entry["id"]))
                if len(entries) > limit:
                    break
    return entries


def read_file(forge: ForgeClient, project_id: int, sha: str, path: str) -> bytes:
    """The bytes at `path` in the commit; of a symbolic link, its target."""
    with translated(f"reading {path}"):
        content = forge.project(project_id).files.raw(path, ref=sha)
    return content if isinstance(content, bytes) else b""


def read_branch(forge: ForgeClient, project_id: int, branch: str) -> dict[str, str] | None:
    """What the branch holds: path to object id (of a blob, or of the commit that a submodule points to)."""
    with translated(f"reading the branch {branch}"):
        try:
            tree = forge.project(project_id).repository_tree(ref=branch, recursive=True, iterator=True, per_page=100)
            return {entry["path"]: entry["id"] for entry in tree if entry["type"] != "tree"}
        except gitlab.GitlabGetError as exc:
            if exc.response_code != 404:
                raise
            return None


def ensure_files(
    forge: ForgeClient,
    project_id: int,
    *,
    branch: str,
    present: Mapping[str, str],
    files: Mapping[str, str],
    message: str,
) -> bool:
    """Makes `files` (path to text) what the branch holds at those paths, in one commit; False where it did already.

    `present` is what `read_branch` gave.
    """
    actions = [
        {"action": "update" if path in present else "create", "file_path": path, "content": text}
        for path, text in files.items()
        if present.get(path) != blob_id(text)
    ]
    if actions:
        with translated(f"committing the configuration to {branch}"):
            values = {"branch": branch, "commit_message": message, "actions": actions}
            forge.project(project_id).commits.create(values)
    return bool(actions)


def blob_id(text: str) -> str:
    """The id that git gives a file with this text (git-hash-object(1), SHA-1)."""
    content = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def move_gitlink(forge: ForgeClient, project_id: int, *, branch: str, path: str, commit_sha: str, message: str) -> None:
    """Points an existing submodule at `commit_sha`: `PUT …/repository/submodules/:submodule` makes no new one."""
    with translated(f"pointing the submodule of {branch} at the commit"):
        forge.project(project_id).update_submodule(
            submodule=path, branch=branch, commit_sha=commit_sha, commit_message=message
        )


def push_branch(
    *, url: str, token: str, branch: str, files: Mapping[str, str], submodule: tuple[str, str, str], message: str
) -> None:
    """Makes `branch` with one commit that holds `files` and a submodule (path, url, commit SHA).

    By `git push`: GitLab's commits API can't make a submodule. The same content makes the same commit, so a second run
    pushes nothing. The token goes through the environment to a credential helper, never into a URL or an argument.
    """
    path, submodule_url, commit_sha = submodule
    environment = {
        "PATH": os.defpath,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Berth",
        "GIT_AUTHOR_EMAIL": "berth@localhost",
        "GIT_COMMITTER_NAME": "Berth",
        "GIT_COMMITTER_EMAIL": "berth@localhost",
        "GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z",
        "BERTH_GIT_TOKEN": token,
    }
    with tempfile.TemporaryDirectory(prefix="berth-push-") as directory:
        root = Path(directory)
        environment["HOME"] = directory

        def git(*arguments: str) -> None:
            result = subprocess.run(
                ["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=GIT_TIMEOUT_S
            )
            if result.returncode:
                raise RetryableError(f"git {arguments[0]} to the management repository failed: {result.stderr[-500:]}")

        git("init", "--quiet", "--initial-branch", branch)
        for name, text in files.items():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        (root / ".gitmodules").write_text(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {submodule_url}\n')
        git("add", "--all")
        git("update-index", "--add", "--cacheinfo", f"160000,{commit_sha},{path}")
        git("commit", "--quiet", "--message", message)
        git("-c", "credential.helper=", "-c", f"credential.helper={CREDENTIAL_HELPER}", "push", "--quiet", url, branch)
