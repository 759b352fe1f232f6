"""Real git, as a person's machine has it, with nothing of this machine's configuration."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Git:
    """git in a work tree (or, before `clone`, beside it)."""

    where: Path

    def run(self, *arguments: str, ok: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Output and messages of one git command. With `ok` a failure fails the test."""
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.where),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Dev", "GIT_AUTHOR_EMAIL": "dev@example.org",
            "GIT_COMMITTER_NAME": "Dev", "GIT_COMMITTER_EMAIL": "dev@example.org",
        }  # fmt: skip
        done = subprocess.run(
            ["git", *arguments], cwd=self.where, env=base | environment, capture_output=True, text=True, timeout=120
        )
        if ok:
            assert done.returncode == 0, done.stderr
        return done

    def commit(self, files: dict[str, str | bytes], message: str = "change") -> str:
        for name, content in files.items():
            path = self.where / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.run("add", "--all")
        self.run("commit", "--quiet", "--allow-empty", "-m", message)
        return self.head()

    def head(self) -> str:
        return self.run("rev-parse", "HEAD").stdout.strip()

    def push(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("push", "--quiet", "origin", *arguments, ok=ok)


def with_token(url: str, token: str, username: str = "anyone") -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{username}:{token}@{parts.netloc}").geturl()


def new_repository(where: Path, url: str) -> Git:
    """An empty work tree on `main` whose origin is `url`."""
    where.mkdir(parents=True)
    git = Git(where)
    git.run("init", "--quiet", "--initial-branch=main")
    git.run("remote", "add", "origin", url)
    return git
