"""git as it is run on a hostile repository: no configuration but this, no hook, filter, submodule, redirect or prompt.

The same hardening as `guarded_git` in templates/infrastructure/gitlab-ci/deploy.sh. A token goes through the
environment to a credential helper, never into a URL or an argument.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from provisioning.exceptions import RetryableError

# For a question to a copy on the own disk.
TIMEOUT_S = 120
_HELPER = '!answer() { [ "$1" = get ] && printf "username=berth\\npassword=%s\\n" "$BERTH_GIT_TOKEN"; }; answer'
_SETTINGS = (
    ("credential.helper", ""),
    ("credential.helper", _HELPER),
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.fsync", "none"),
    ("core.packedGitLimit", "256m"),
    ("core.quotePath", "true"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.unpackLimit", "1"),
    ("fetch.writeCommitGraph", "false"),
    ("protocol.version", "2"),
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "20"),
    ("transfer.bundleURI", "false"),
    ("transfer.fsckObjects", "true"),
    ("fetch.fsck.zeroPaddedFilemode", "ignore"),
    ("fetch.fsck.missingSpaceBeforeDate", "ignore"),
    ("fetch.fsck.badTimezone", "ignore"),
    ("fetch.fsck.missingEmail", "ignore"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("pack.threads", "1"),
    ("diff.renameLimit", "400"),
    ("diff.algorithm", "myers"),
    ("diff.ignoreSubmodules", "none"),
    ("log.mailmap", "false"),
    ("log.showSignature", "false"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("uploadpack.allowFilter", "false"),
)


class GitFailed(Exception):
    """git ended with another status than 0; `said` is the end of its standard error."""

    def __init__(self, said: str, status: int) -> None:
        super().__init__(said)
        self.said = said
        self.status = status

    @property
    def is_too_large(self) -> bool:
        """A file that git wrote reached the limit of its size."""
        is_killed = self.status in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ)
        return is_killed or any(
            text in self.said.lower() for text in ("file too large", "file size limit", "signal 25")
        )


def environment(directory: Path, *, token: str = "", **more: str) -> dict[str, str]:
    values = {
        "PATH": os.defpath,
        "HOME": str(directory),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ALLOW_PROTOCOL": "http:https",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
        "BERTH_GIT_TOKEN": token,
        **more,
    }
    for index, (key, value) in enumerate(_SETTINGS):
        values[f"GIT_CONFIG_KEY_{index}"], values[f"GIT_CONFIG_VALUE_{index}"] = key, value
    return values


def run(
    directory: Path,
    *arguments: str,
    token: str = "",
    sent: bytes = b"",
    timeout_s: float = TIMEOUT_S,
    max_file_bytes: int | None = None,
) -> bytes:
    """Gives git's output. Raises `GitFailed`, and `RetryableError` if it takes longer than `timeout_s`.

    `max_file_bytes`: no file that git writes becomes larger.
    """
    process = start(directory, *arguments, token=token, max_file_bytes=max_file_bytes, reads=bool(sent))
    try:
        out, err = process.communicate(sent or None, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise RetryableError(
            f"git {arguments[0]} took longer than {timeout_s:.0f} s: Berth tries again; if this lasts, an operator "
            "must look at the load of the machine and of the forge"
        ) from None
    finally:
        end(process)
    if process.returncode:
        raise GitFailed(err.decode(errors="replace")[-2000:], process.returncode)
    return out


def start(
    directory: Path,
    *arguments: str,
    token: str = "",
    max_file_bytes: int | None = None,
    reads: bool = False,
    more: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """git with pipes at its standard output and error; in a session of its own, which `end` ends whole."""
    command = ["git", f"--git-dir={directory}", *arguments]
    if max_file_bytes is not None:
        # A shell, since `preexec_fn` is not for a process with threads. The unit is 512 bytes (POSIX). The signal is
        # ignored, so that git's own parts say "File too large" instead of dying without a word.
        limited = 'trap "" XFSZ && ulimit -f "$0" && exec "$@"'
        command = ["/bin/sh", "-c", limited, str(max_file_bytes // 512 + 1), *command]
    return subprocess.Popen(
        command,
        cwd="/",
        env=environment(directory, token=token, **(more or {})),
        stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the process and of its children, and closes its pipes."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


@contextmanager
def reading(directory: Path, *arguments: str, timeout_s: float = TIMEOUT_S) -> Iterator[IO[bytes]]:
    """Gives git's output as it comes. `RetryableError` at the end if git failed or took longer than `timeout_s`."""
    process = start(directory, *arguments)
    watch = threading.Timer(timeout_s, process.kill)
    watch.daemon = True
    watch.start()
    try:
        if process.stdout is not None:
            yield process.stdout
        if process.wait() != 0:
            raise RetryableError(f"git {arguments[0]} ended with {process.returncode}: Berth tries again")
    finally:
        watch.cancel()
        end(process)


@contextmanager
def conversation(directory: Path, *arguments: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A git that is asked at the first of the two streams and answers at the second. It ends with the block."""
    process = subprocess.Popen(
        ["git", f"--git-dir={directory}", *arguments],
        cwd="/",
        env=environment(directory),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if process.stdin is not None and process.stdout is not None:
            yield process.stdin, process.stdout
    finally:
        end(process)
