"""Looks at the tree of one commit and says what must not be deployed, and why. Written by Berth.

The platform runs it before a review, on its own copy of the repository; `deploy.sh` runs the same file on what it has
fetched. It needs git and the standard library alone, reads, and starts nothing of what it reads.

Each finding is one line of JSON on the standard output: `check`, `severity` (error or warning), `path`, `line` (or
null), `message`. Exit status: 0 without errors, 3 with errors, 1 if the tree can't be read.
"""

import argparse
import json
import os
import re
import subprocess
import sys

SYMLINK, SUBMODULE, FILES = b"120000", b"160000", (b"100644", b"100755")
MAX_PATH, MAX_NAME, MAX_TARGET, MAX_LINKS, MAX_HOPS = 1024, 255, 1024, 1000, 40
# So many findings of one check are told one by one.
TOLD = 20
MAX_HEAD = 1024
# What git leaves out of a name before it compares it with `.git`, as HFS+ does.
IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# Names that NTFS takes for `.git`: `git~1`, `.git. `, `.git::$INDEX_ALLOCATION`.
GIT = re.compile(r"(\.git|git~[0-9]+)[ .]*(:.*)?", re.DOTALL)
GITMODULES = re.compile(r"(\.gitmodules|gitmod~[0-9]+)[ .]*(:.*)?", re.DOTALL)
LFS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
PHP = (b".php", b".phtml", b".inc")


class Findings:
    def __init__(self, refusals_only):
        self.refusals_only = refusals_only
        self.count = {}
        self.errors = 0

    def add(self, check, severity, path, message):
        self.errors += severity == "error"
        if severity == "warning" and self.refusals_only:
            return
        self.count[check] = self.count.get(check, 0) + 1
        if self.count[check] <= TOLD:
            self._tell(check, severity, path, message)

    def end(self):
        for check, count in self.count.items():
            if count > TOLD:
                self._tell(check, "warning", "", f"{count - TOLD} more of the kind {check}")

    def _tell(self, check, severity, path, message):
        finding = {"check": check, "severity": severity, "path": path, "line": None, "message": message}
        sys.stdout.write(json.dumps(finding) + "\n")


def git(directory, *arguments, **options):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment.update(
        GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null", GIT_NO_REPLACE_OBJECTS="1", GIT_ATTR_NOSYSTEM="1",
        GIT_NO_LAZY_FETCH="1", GIT_OPTIONAL_LOCKS="0", LC_ALL="C",
    )  # fmt: skip
    command = ["git", "-c", "safe.bareRepository=all", "--git-dir=" + directory, *arguments]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, **options).stdout


def shown(path):
    """A name as it may stand in a log: what is not printable is written out."""
    text = path.decode("utf-8", "surrogateescape")
    return "".join(char if char.isprintable() and char != "\\" else _written_out(char) for char in text)


def _written_out(char):
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"}.get(char) or f"\\u{code:04x}"


def listed(directory, commit):
    """Mode, object, size and path of each entry."""
    entries = []
    for line in git(directory, "ls-tree", "-r", "-l", "-z", "--full-tree", commit).split(b"\0")[:-1]:
        head, path = line.split(b"\t", 1)
        mode, _kind, blob, size = head.split()
        entries.append((mode, blob, int(size) if size.isdigit() else 0, path))
    return entries


def contents(directory, blobs):
    """The bytes of each blob, in one conversation."""
    if not blobs:
        return {}
    said = git(directory, "cat-file", "--batch", input=b"".join(blob + b"\n" for blob in blobs))
    found, at = {}, 0
    for blob in blobs:
        end = said.index(b"\n", at)
        fields = said[at:end].split()
        if len(fields) != 3:
            raise ValueError(f"object {blob.decode()} is missing")
        size = int(fields[2])
        found[blob] = said[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found


def check_size(findings, entries, max_files, max_bytes):
    if not entries:
        findings.add("empty", "error", "", "the commit has no files: push the plugin, then ask for the release again")
    if len(entries) > max_files:
        findings.add("size", "error", "", f"too large: the commit has more than {max_files} files")
    if sum(size for mode, _blob, size, _path in entries if mode in FILES) > max_bytes:
        findings.add("size", "error", "", f"too large: the commit's files have more than {max_bytes} bytes")
    if sum(mode == SYMLINK for mode, _blob, _size, _path in entries) > MAX_LINKS:
        findings.add("size", "error", "", f"too large: the commit has more than {MAX_LINKS} links")


def check_name(findings, mode, path):
    name = shown(path)
    if len(path) > MAX_PATH:
        short = name[:80]
        findings.add("name", "error", short, f"{short}... has a path longer than {MAX_PATH} bytes")
        return
    if re.search(rb"[\x00-\x1f\x7f]", path):
        findings.add("name", "error", name, f"{name} has a control character in its name: rename it")
    for part in path.split(b"/"):
        if len(part) > MAX_NAME:
            message = f"{name[:80]}... has a name longer than {MAX_NAME} bytes: rename it"
            findings.add("name", "error", name[:80], message)
        if is_gits(part) or part in (b"", b".", b".."):
            findings.add("name", "error", name, f"{name} is a name that may not be deployed")
            break
    if mode == SYMLINK and GITMODULES.fullmatch(plain(path.rsplit(b"/", 1)[-1])):
        findings.add("name", "error", name, f"{name} is a link with a name that git keeps for itself: remove it")
    try:
        path.decode()
    except UnicodeDecodeError:
        findings.add(
            "name", "warning", name, f"{name} has a name that is not UTF-8, which not every browser can ask for"
        )


def plain(part):
    return IGNORED.sub("", part.decode("utf-8", "surrogateescape")).lower()


def is_gits(part):
    """Is it `.git`, or what some file system takes for it? A backslash separates names there."""
    return any(GIT.fullmatch(piece) for piece in plain(part).split("\\"))


def check_kinds(findings, entries, texts):
    links = {}
    for mode, blob, size, path in entries:
        name = shown(path)
        if mode == SUBMODULE:
            message = f"{name} is a nested submodule: put its files into the repository itself"
            findings.add("kind", "error", name, message)
        elif mode == SYMLINK:
            if size > MAX_TARGET:
                findings.add("link", "error", name, f"{name} is a link with too long a target")
            else:
                links[path] = texts[blob]
        elif mode not in FILES:
            findings.add("kind", "error", name, f"{name} is neither a file nor a link")
    paths = {path for _mode, _blob, _size, path in entries}
    folders = {path[:at] for path in paths for at in range(len(path)) if path[at : at + 1] == b"/"}
    for path, target in links.items():
        name = shown(path)
        if b"\0" in target or not stays_inside(path, target):
            findings.add("link", "error", name, f"{name} is a link that leaves the tree: remove it")
            continue
        end = followed(path, links)
        if end is None:
            findings.add("link", "error", name, f"{name} is a link that leaves the tree: remove it")
        elif end is LOOP:
            findings.add("link", "error", name, f"{name} is a link that leads to itself: remove it")
        elif end not in paths and end not in folders and end != b"":
            findings.add("link", "warning", name, f"{name} is a link to something that is not there")


def stays_inside(path, target):
    """Does the link stay in the tree, by its text alone?"""
    if not target or target.startswith(b"/"):
        return False
    depth = path.count(b"/")
    for part in target.split(b"/"):
        if part == b"..":
            depth -= 1
            if depth < 0:
                return False
        elif part not in (b"", b"."):
            depth += 1
    return True


LOOP = object()


def followed(path, links):
    """Where the link ends, through other links; None if that is out of the tree, `LOOP` if nowhere."""
    at, left, hops = [], path.split(b"/"), 0
    while left:
        part = left.pop(0)
        if part in (b"", b"."):
            continue
        if part == b"..":
            if not at:
                return None
            at.pop()
            continue
        at.append(part)
        target = links.get(b"/".join(at))
        if target is not None:
            hops += 1
            if hops > MAX_HOPS:
                return LOOP
            if target.startswith(b"/"):
                return None
            at.pop()
            left = target.split(b"/") + left
    return b"/".join(at)


def check_contents(findings, entries, texts):
    for mode, blob, _size, path in entries:
        text = texts.get(blob, b"")
        name = shown(path)
        if mode not in FILES:
            continue
        if text.startswith(LFS) and b"\noid " in text:
            message = f"{name} is a pointer of git LFS, and the file itself is not in the repository: commit the file"
            findings.add("lfs", "error", name, message)
        if text.startswith(b"\xef\xbb\xbf") and path.lower().endswith(PHP):
            message = f"{name} begins with a byte order mark, which PHP sends before every header"
            findings.add("php", "warning", name, message)
        if text.startswith(b"#!") and b"\r\n" in text[:128]:
            findings.add(
                "script", "warning", name, f"{name} is a script whose first line ends in CR LF, and will not start"
            )


def check_together(findings, entries):
    """Names that differ in case alone: one of them is gone on many a developer's machine."""
    seen = {}
    for _mode, _blob, _size, path in entries:
        other = seen.setdefault(path.lower(), path)
        if other != path:
            message = f"{shown(other)} and {shown(path)} differ in case alone"
            findings.add("case", "warning", shown(path), message)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--git-dir", required=True)
    parser.add_argument("--commit", required=True)
    parser.add_argument("--max-files", type=int, required=True)
    parser.add_argument("--max-bytes", type=int, required=True)
    parser.add_argument("--refusals-only", action="store_true", help="says nothing of what is only worth a look")
    options = parser.parse_args()
    if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", options.commit):
        parser.error("--commit is no full id")
    findings = Findings(options.refusals_only)
    try:
        entries = listed(options.git_dir, options.commit)
        check_size(findings, entries, options.max_files, options.max_bytes)
        entries = entries[: options.max_files + 1]
        wanted = {
            blob
            for mode, blob, size, path in entries
            if (mode == SYMLINK and size <= MAX_TARGET)
            or (mode in FILES and 0 < size <= MAX_HEAD)
            or (mode in FILES and not options.refusals_only and path.lower().endswith(PHP) and size <= 1 << 20)
        }
        texts = contents(options.git_dir, sorted(wanted))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"the tree can't be read: {error}\n")
        return 1
    for mode, _blob, _size, path in entries:
        check_name(findings, mode, path)
    check_kinds(findings, entries, texts)
    check_contents(findings, entries, texts)
    check_together(findings, entries)
    findings.end()
    total = sum(size for mode, _blob, size, _path in entries if mode in FILES)
    sys.stderr.write(f"{len(entries)} files, {total} bytes\n")
    return 3 if findings.errors else 0


if __name__ == "__main__":
    sys.exit(main())
