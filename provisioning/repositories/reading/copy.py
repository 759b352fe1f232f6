"""A bare clone of one app's code repository under Berth's home, fetched over HTTP from whatever forge there is.

It holds each requested commit with its whole history as long as the app exists: a commit that its
developer takes back at the forge can still be read. One writer at a time (a lock on a file), any number of readers.
"""

import fcntl
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from provisioning.exceptions import DeveloperError, OperatorError, RetryableError, ServiceUnavailable
from provisioning.repositories.models.repository import Repository
from provisioning.repositories.reading import process
from provisioning.repositories.reading.parsing import as_changes, as_commits, as_tree
from provisioning.repositories.reading.process import GitFailed
from provisioning.repositories.reading.types import SUBMODULE, Change, HistoryCommit, TreeFile
from tenants.apps.models.plugin_app import PluginApp

FETCH_TIMEOUT_S = 300
# The tree is read byte for byte: its own attributes may not change a file, leave one out or call it binary.
ATTRIBUTES = "* -text -eol -ident -filter -working-tree-encoding -export-ignore -export-subst !diff !merge\n"
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_GONE = re.compile(r"not our ref|unadvertised object|remote error: upload-pack|couldn't find remote ref", re.I)
_MALFORMED = re.compile(r"fsck error|^error: object [0-9a-f]+: ", re.I | re.M)
_REFUSED = re.compile(r"authentication failed|returned error: 40[13]|could not read (username|password)", re.I)


class CommitGone(DeveloperError):
    """The commit is in the code repository no more."""

    code = "commit_gone"
    next_step = "Push the commit again, or ask for another release."


class CommitUnreadable(DeveloperError):
    """The repository is too large or malformed: nobody can review what is in it."""

    code = "commit_unreadable"
    next_step = "Make the repository smaller or mend its history, push, and ask for the release again."


class ReadingCopy:
    """See above. Every method but `ensure_commits` and `remove` asks the own disk alone.

    Raises `CommitGone` and `CommitUnreadable` (the developer must act), `ServiceUnavailable` and `RetryableError`
    while the forge does not answer, `OperatorError` if it refuses Berth.
    """

    def __init__(self, directory: Path, *, url: str, token: str) -> None:
        self.directory = directory
        self._url, self._token = url, token

    def ensure_commits(self, shas: Iterable[str]) -> None:
        """Fetches those that are not here yet, with their whole history."""
        wanted = [_valid(sha) for sha in shas]
        if not (missing := [sha for sha in wanted if not self.has(sha)]):
            return
        with self._locked():
            self._ensure_made()
            for sha in missing:
                if not self.has(sha):
                    self._fetch(sha)

    def has(self, sha: str) -> bool:
        """Whether the commit is here with its history: only a fetch that ended well makes the ref."""
        return self._has_ref(_ref(_valid(sha)))

    def changes(self, base: str | None, head: str) -> list[Change]:
        """Every file that differs between two commits, in the order of their paths; all files if `base` is None.

        A renamed file is one change, unless there are more than 400 candidates.
        """
        if base is None:
            return [
                Change("added", file.path, file.path, "000000", file.mode, "", file.blob, 0, file.size)
                for file in self.tree(head)
            ]
        raw = self._git(
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-abbrev",
            "-M",
            "--ignore-submodules=none",
            _valid(base),
            _valid(head),
        )
        found = as_changes(raw)
        files = {found_blob for change in found for found_blob in _blobs(change)}
        sizes = self.sizes(sorted(files))
        return [
            Change(
                *(change.status, change.old_path, change.new_path, change.old_mode, change.new_mode),
                *(change.old_blob, change.new_blob),
                *(sizes.get(change.old_blob, 0), sizes.get(change.new_blob, 0)),
            )
            for change in found
        ]

    def tree(self, head: str) -> list[TreeFile]:
        """Every file, link and submodule of the commit, in the order of their paths."""
        return as_tree(self._git("ls-tree", "-r", "-z", "-l", "--full-tree", _valid(head)))

    def commits(self, base: str | None, head: str, *, limit: int | None = None) -> list[HistoryCommit]:
        """The commits that `head` reaches and `base` does not, newest first; at most `limit` of them."""
        options = [] if limit is None else [f"--max-count={limit}"]
        excluded = [] if base is None else [f"^{_valid(base)}"]
        form = "--format=tformat:%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%s"
        return as_commits(
            self._git("log", "-z", "--no-show-signature", "--no-notes", "--no-mailmap", *options, form, _valid(head),
                      *excluded, "--")
        )  # fmt: skip

    def sizes(self, blobs: Sequence[str]) -> dict[str, int]:
        """In bytes. A blob that is not here is left out."""
        if not blobs:
            return {}
        sent = "".join(f"{_valid(blob)}\n" for blob in blobs).encode()
        said = self._git("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", sent=sent).decode()
        lines = (line.split(" ") for line in said.splitlines())
        return {fields[0]: int(fields[2]) for fields in lines if len(fields) == 3 and fields[1] == "blob"}

    def blob(self, sha: str) -> bytes:
        """The bytes of a file, or the target of a link."""
        return self._git("cat-file", "blob", _valid(sha))

    def blobs(self, shas: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The same for many, one after the other."""
        with process.conversation(self.directory, "cat-file", "--batch") as (question, answer):
            for sha in shas:
                question.write(f"{_valid(sha)}\n".encode())
                question.flush()
                fields = answer.readline().split()
                if len(fields) != 3:
                    raise RetryableError(f"the reading copy has no object {sha}: Berth fetches it again")
                content = answer.read(int(fields[2]))
                answer.read(1)
                yield sha, content

    def ensure_offered(self, namespace: str, *, branch: str, sha: str) -> None:
        """A namespace of git's (gitnamespaces(7)) with one branch, for clones of that commit alone."""
        place = f"refs/namespaces/{namespace}"
        if not self._has_ref(f"{place}/refs/heads/{branch}"):
            with self._locked():
                self._git("symbolic-ref", f"{place}/HEAD", f"{place}/refs/heads/{branch}")
                self._git("update-ref", f"{place}/refs/heads/{branch}", _valid(sha))

    def make_tree(self, entries: Sequence[tuple[str, str]]) -> str:
        """A tree of files under names that are the caller's own; gives its id."""
        listed = "".join(f"100644 blob {_valid(blob)}\t{name}\n" for name, blob in entries)
        return self._git("mktree", sent=listed.encode()).decode().strip()

    def remove(self) -> None:
        with self._locked():
            if self.directory.exists():
                shutil.rmtree(self.directory)

    def _git(self, *arguments: str, sent: bytes = b"") -> bytes:
        try:
            return process.run(self.directory, *arguments, sent=sent)
        except GitFailed as error:
            raise RetryableError(
                f"the reading copy can't be read ({error.said.strip()[-300:]}): Berth tries again; if this lasts, an "
                f"operator must remove {self.directory}: it is then fetched anew"
            ) from error

    def _has_ref(self, ref: str) -> bool:
        if not (self.directory / "HEAD").exists():
            return False
        try:
            process.run(self.directory, "rev-parse", "--verify", "--quiet", ref)
        except GitFailed:
            return False
        return True

    def _ensure_made(self) -> None:
        if (self.directory / "info" / "attributes").exists():
            return
        # A worker that was killed may have left it half made.
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True, mode=0o700)
        process.run(self.directory, "init", "--quiet", "--bare", "--template=", str(self.directory))
        (self.directory / "info").mkdir(exist_ok=True)
        (self.directory / "info" / "attributes").write_text(ATTRIBUTES)

    def _fetch(self, sha: str) -> None:
        limit = settings.MAX_REPOSITORY_BYTES
        try:
            process.run(
                *(self.directory, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"),
                *("--no-auto-maintenance", "--", self._url, f"+{sha}:{_ref(sha)}"),
                token=self._token,
                timeout_s=FETCH_TIMEOUT_S,
                max_file_bytes=limit,
            )
            if process.run(self.directory, "cat-file", "-t", sha).strip() != b"commit":
                process.run(self.directory, "update-ref", "-d", _ref(sha))
                raise CommitUnreadable(f"{sha} is not a commit: ask for a release of a commit")
        except GitFailed as error:
            raise _told(error, sha, limit) from error
        finally:
            self._sweep()

    def _sweep(self) -> None:
        """Removes the rest of a pack whose fetch failed."""
        for left in (self.directory / "objects" / "pack").glob("tmp_*"):
            left.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.directory.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def reading_copy(app: PluginApp) -> ReadingCopy:
    """The app's. Raises `DeveloperError` if the app has no repository yet. Asks nobody."""
    path = Repository.objects.filter(app=app).exclude(code_project_id=None).values_list("code_path", flat=True).first()
    if not path:
        raise DeveloperError(f"{app.public_id} has no repository yet: wait until it is active")
    return ReadingCopy(
        settings.READING_HOME / f"{app.public_id}.git",
        url=f"{settings.FORGE_URL.rstrip('/')}/{path}.git",
        token=settings.FORGE_TOKEN,
    )


def _ref(sha: str) -> str:
    return f"refs/commits/{sha}"


def _valid(sha: str) -> str:
    """Nothing else becomes an argument."""
    if not _SHA.fullmatch(sha):
        raise ValueError(f"{sha!r} is not an object's full id")
    return sha


def _blobs(change: Change) -> set[str]:
    sides = ((change.old_blob, change.old_mode), (change.new_blob, change.new_mode))
    return {blob for blob, mode in sides if blob and mode != SUBMODULE}


def _told(error: GitFailed, sha: str, limit: int) -> Exception:
    """The error that says who must act."""
    said = error.said
    if error.is_too_large:
        return CommitUnreadable(
            f"the repository's history has more than {limit} bytes: make it smaller (large files belong elsewhere), "
            "push it, and ask for the release again"
        )
    if "no space left" in said.lower():
        return RetryableError("the disk of Berth's home is full: an operator must free space; Berth tries again")
    if _GONE.search(said):
        return CommitGone(f"commit {sha} is gone from the code repository: push it again, or ask for another release")
    if _MALFORMED.search(said):
        reason = next((line for line in said.splitlines() if line.startswith("error: object")), said.strip()[-200:])
        return CommitUnreadable(f"git finds the commit malformed, or something in its history: {reason[:300]}")
    if _REFUSED.search(said):
        return OperatorError("the forge refused Berth's token for git: an operator must set a valid FORGE_TOKEN")
    return ServiceUnavailable(f"the commit can't be fetched from the forge ({said.strip()[-300:]}): Berth tries again")
