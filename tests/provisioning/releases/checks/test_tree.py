"""The list of checks on a tree, run as the platform runs it before a review; `deploy.sh` runs the same file."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from provisioning.releases.checks.findings import ERROR, Finding
from provisioning.releases.checks.tree import tree_findings
from tests.provisioning.containers.stage import GIT

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"1" * 64 + b"\nsize 12345\n"


class Repository:
    """Commits with exactly the entries that a test names, whatever git's index would say of them."""

    def __init__(self, root: Path) -> None:
        self.path = root / "code.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(self.path)], check=True, env=GIT)

    def git(self, *arguments: str, sent: bytes = b"") -> str:
        command = ["git", f"--git-dir={self.path}", *arguments]
        return subprocess.run(command, input=sent, env=GIT, check=True, capture_output=True).stdout.decode().strip()

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", sent=content)

    def commit(self, files: dict[bytes, Any]) -> str:
        """`files`: path -> bytes, or (mode, bytes); a name has no slash but for folders of its own."""
        return self.git("commit-tree", "-m", "crafted", self.tree(files))

    def tree(self, files: dict[bytes, Any]) -> str:
        lines, folders = [], dict[bytes, dict[bytes, Any]]()
        for path, content in files.items():
            folder, _, rest = path.partition(b"/")
            if rest:
                folders.setdefault(folder, {})[rest] = content
                continue
            mode, text = content if isinstance(content, tuple) else (b"100644", content)
            kind, sha = (b"commit", b"1" * 40) if mode == b"160000" else (b"blob", self.blob(text).encode())
            lines.append(mode + b" " + kind + b" " + sha + b"\t" + path)
        lines += [b"040000 tree " + self.tree(inner).encode() + b"\t" + name for name, inner in folders.items()]
        return self.git("mktree", "-z", "--missing", sent=b"".join(line + b"\0" for line in lines))

    def found(self, files: dict[bytes, Any]) -> list[Finding]:
        return tree_findings(self.path, self.commit({b"index.php": b"<?php"} | files))[0]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def link(target: bytes) -> tuple[bytes, bytes]:
    return b"120000", target


@pytest.mark.parametrize(
    ("path", "content", "check", "message"),
    [
        (b"a\tb.php", b"<?php", "name", "a\\tb.php has a control character in its name: rename it"),
        (b"\x1b[2J", b"", "name", "\\u001b[2J has a control character in its name: rename it"),
        (b"x" * 300, b"", "name", "x" * 80 + "... has a name longer than 255 bytes: rename it"),
        (b"big.bin", POINTER, "lfs", "big.bin is a pointer of git LFS, and the file itself is not in the repository: "
                                     "commit the file"),
        (b"leak", link(b"/etc/passwd"), "link", "leak is a link that leaves the tree: remove it"),
        (b"a/b/leak", link(b"../../../etc"), "link", "a/b/leak is a link that leaves the tree: remove it"),
        (b"a/leak", link(b"b/../../../etc"), "link", "a/leak is a link that leaves the tree: remove it"),
        (b"parent", link(b".."), "link", "parent is a link that leaves the tree: remove it"),
        (b"me", link(b"me"), "link", "me is a link that leads to itself: remove it"),
        (b"long", link(b"x/" * 600), "link", "long is a link with too long a target"),
        (b".gitmodules", link(b"index.php"), "name", ".gitmodules is a link with a name that git keeps for itself: "
                                                     "remove it"),
        (b"library", (b"160000", b""), "kind", "library is a nested submodule: put its files into the repository "
                                               "itself"),
        (b".GIT/config", b"x", "name", ".GIT/config is a name that may not be deployed"),
        (b"git~1/config", b"x", "name", "git~1/config is a name that may not be deployed"),
        (b".git \\x", b"x", "name", ".git \\\\x is a name that may not be deployed"),
        (".g\u200cit/config".encode(), b"x", "name", ".g\\u200cit/config is a name that may not be deployed"),
    ],
)  # fmt: skip
def test_what_may_not_be_deployed_is_refused_by_name(
    repository: Repository, path: bytes, content: Any, check: str, message: str
) -> None:
    [found] = repository.found({path: content})
    assert (found.check, found.severity, found.message) == (check, ERROR, message)
    assert found.path in message
    assert "\n" not in message


def test_a_link_that_leaves_the_tree_through_another_one_is_refused(repository: Repository) -> None:
    found = repository.found({b"a/b/c/up": link(b"../../../top"), b"top/file": b"x", b"sly": link(b"a/b/c/up/../../y")})
    assert [one.message for one in found] == ["sly is a link that leaves the tree: remove it"]


def test_every_finding_is_told_and_not_the_first_alone(repository: Repository) -> None:
    found = repository.found({b"a\tb": b"", b"big.bin": POINTER, b"leak": link(b"/etc"), b"x" * 256: b""})
    assert sorted(one.check for one in found) == ["lfs", "link", "name", "name"]


def test_so_many_of_a_kind_are_counted(repository: Repository) -> None:
    found = repository.found({b"a\t%d" % number: b"" for number in range(50)})
    assert len(found) == 21
    assert found[-1].message == "30 more of the kind name"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({b"Index.php": b"<?php"}, "Index.php and index.php differ in case alone"),
        ({b"a.php": b"\xef\xbb\xbf<?php"}, "a.php begins with a byte order mark, which PHP sends before every header"),
        ({b"a.sh": b"#!/bin/sh\r\n"}, "a.sh is a script whose first line ends in CR LF, and will not start"),
        ({b"lost": link(b"nowhere")}, "lost is a link to something that is not there"),
        ({b"caf\xe9": b"x"}, "caf\\xe9 has a name that is not UTF-8, which not every browser can ask for"),
    ],
)  # fmt: skip
def test_what_is_worth_a_look_is_a_warning(repository: Repository, files: dict[bytes, Any], message: str) -> None:
    [found] = repository.found(files)
    assert (found.severity, found.message) == ("warning", message)


def test_a_plain_tree_has_no_findings(repository: Repository) -> None:
    files = {
        b"assets/style.css": b"body {}",
        b"current": link(b"assets"),
        b"assets/up": link(b"../index.php"),
        b"a/link": link(b".."),
        b".gitattributes": b"*.txt text\n",
        "\u00e9t\u00e9/\u65e5\u672c.txt".encode(): b"x",
        b"lfs.txt": b"version https://git-lfs.github.com/spec/v1 is what a pointer begins with",
    }
    assert repository.found(files) == []


def test_limits_hold(repository: Repository, settings: Any) -> None:
    settings.MAX_RELEASE_FILES, settings.MAX_RELEASE_BYTES = 3, 10
    found = repository.found({b"%d" % number: b"12345" for number in range(3)})
    assert [one.message for one in found] == [
        "too large: the commit has more than 3 files",
        "too large: the commit's files have more than 10 bytes",
    ]
    settings.MAX_RELEASE_FILES, settings.MAX_RELEASE_BYTES = 4, 20
    assert repository.found({b"%d" % number: b"12345" for number in range(3)}) == []


def test_a_commit_without_files_is_refused(repository: Repository) -> None:
    [found] = tree_findings(repository.path, repository.commit({}))[0]
    assert (found.check, found.severity) == ("empty", ERROR)
