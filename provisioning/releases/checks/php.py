"""Which PHP files of a commit PHP itself can't compile: asked of the stack's own PHP, which runs nothing of them.

It compiles them in a container of its own without network, files, privileges or time to spare, since a file may be made
to harm the compiler.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

from django.conf import settings

from provisioning.containers.docker_engine import engine_for
from provisioning.exceptions import RetryableError
from provisioning.releases.checks.findings import ERROR, WARNING, Finding
from provisioning.rendering.text import template
from provisioning.repositories.reading.copy import ReadingCopy
from provisioning.repositories.reading.types import EXECUTABLE, FILE, TreeFile

PROGRAM = "checks/lint.php"
SUFFIXES = (b".php", b".phtml", b".inc")
# Below these nothing is served, and much is there for other versions of PHP, or broken on purpose: worth a look only.
ASIDE = {b"vendor", b"node_modules", b"test", b"tests"}
TIMEOUT_S = 180
MEMORY_MIB = 512
MAX_FILE, MAX_TOTAL = 2 * 1024 * 1024, 64 * 1024 * 1024
# The program comes before the files: the container has none of its own.
_BOOT = (
    "$size = (int) fgets(STDIN); file_put_contents('/tmp/lint', stream_get_contents(STDIN, $size));"
    " require '/tmp/lint';"
)


def looked_with(image: str) -> str:
    """Names what the verdict depends on beside the commit: the image, and the program."""
    return hashlib.sha256(f"{image}\0{template(PROGRAM)}".encode()).hexdigest()


def php_findings(copy: ReadingCopy, commit: str, *, docker_url: str, image: str) -> tuple[list[Finding], str]:
    """Findings, and how many files were looked at. Raises `RetryableError` if the engine can't do it now."""
    files, left_out = _chosen(copy.tree(commit))
    findings = [_too_large(file) for file in left_out]
    if not files:
        return findings, "no PHP files"
    said = engine_for(docker_url).run_throwaway(
        image,
        ["php", "-r", _BOOT],
        sent=_framed(copy, files),
        installation=settings.INSTALLATION,
        timeout_s=TIMEOUT_S,
        memory_mib=MEMORY_MIB,
    )
    lines = [json.loads(line) for line in said.decode(errors="replace").splitlines() if line.startswith("{")]
    if not lines or lines[-1].get("end") != len(files):
        raise RetryableError("the container that looks at the PHP files ended too early: Berth tries again")
    return findings + [_finding(files[found["number"]], found) for found in lines[:-1]], f"{len(files)} PHP files"


def _chosen(tree: Iterable[TreeFile]) -> tuple[list[TreeFile], list[TreeFile]]:
    """Those to look at, and those that there is no room for."""
    chosen, left_out, total = [], [], 0
    for file in tree:
        if file.mode not in (FILE, EXECUTABLE) or not file.path.lower().endswith(SUFFIXES):
            continue
        if file.size > MAX_FILE or total + file.size > MAX_TOTAL:
            left_out.append(file)
            continue
        total += file.size
        chosen.append(file)
    return chosen, left_out


def _framed(copy: ReadingCopy, files: Sequence[TreeFile]) -> bytes:
    program = template(PROGRAM).encode()
    parts = [b"%d\n" % len(program), program]
    for number, (_blob, content) in enumerate(copy.blobs(file.blob for file in files)):
        parts += [b"%d %d\n" % (number, len(content)), content]
    return b"".join([*parts, b"end\n"])


def _finding(file: TreeFile, found: dict[str, object]) -> Finding:
    is_aside = not ASIDE.isdisjoint(file.path.split(b"/")[:-1])
    line = found["line"]
    path = _shown(file)
    message = "".join(char if char.isprintable() else "?" for char in str(found["message"]))[:300]
    return Finding(
        check="php",
        severity=WARNING if is_aside else ERROR,
        path=path,
        line=line if isinstance(line, int) else None,
        message=message if isinstance(line, int) else f"{path}: {message}",
    )


def _too_large(file: TreeFile) -> Finding:
    path = _shown(file)
    return Finding(check="php", severity=WARNING, path=path, line=None, message=f"{path} is too large to be checked")


def _shown(file: TreeFile) -> str:
    text = file.path.decode(errors="backslashreplace")
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
