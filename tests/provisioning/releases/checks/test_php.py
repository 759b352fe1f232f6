"""PHP's own opinion of a commit's files, from the real image, and what a hostile file does to it: nothing."""

from pathlib import Path

import pytest

from provisioning.containers.images import ensure_images
from provisioning.exceptions import RetryableError
from provisioning.releases.checks.findings import Finding
from provisioning.releases.checks.php import php_findings
from provisioning.repositories.reading.copy import ReadingCopy
from tests.provisioning.containers.stage import DOCKER_URL, docker
from tests.provisioning.releases.checks.test_tree import Repository

pytestmark = pytest.mark.docker


def looked_at(root: Path, files: dict[bytes, bytes]) -> tuple[list[Finding], str]:
    repository = Repository(root)
    commit = repository.commit(files)
    copy = ReadingCopy(repository.path, url="", token="")
    return php_findings(copy, commit, docker_url=DOCKER_URL, image=ensure_images()["php"])


def test_each_file_that_php_can_not_compile_is_named_with_its_line(tmp_path: Path) -> None:
    findings, size = looked_at(
        tmp_path,
        {
            b"index.php": b"<?php\n\necho 'x';;\nif (\n",
            b"lib/twice.php": b"<?php\nfunction f() {}\nfunction f() {}\n",
            b"lib/loop.inc": b"<?php\n\nbreak;\n",
            b"page.phtml": b"<?php foreach ($x as $y): ?>\n<?php endif; ?>",
            b"good.php": b"<?php class A extends B { function f() { return nosuch(); } }",
            b"same.php": b"<?php class A {} function f() {}",
            b"plain.inc": b"no PHP at all",
            b"notes.txt": b"<?php if (",
            b"vendor/library/tests/broken.php": b"<?php if (",
        },
    )
    assert size == "8 PHP files"
    told = {found.path: found for found in findings}
    assert {path: (found.severity, found.line) for path, found in told.items()} == {
        "index.php": ("error", 5),
        "lib/twice.php": ("error", 3),
        "lib/loop.inc": ("error", 3),
        "page.phtml": ("error", 2),
        "vendor/library/tests/broken.php": ("warning", 1),
    }
    assert told["index.php"].text.startswith("index.php, line 5: Unclosed '(' on line 4")
    assert told["lib/twice.php"].message == "Cannot redeclare f() (previously declared in this file:2)"


def test_a_file_made_to_end_the_compiler_is_named_and_the_others_are_still_looked_at(tmp_path: Path) -> None:
    findings, size = looked_at(
        tmp_path,
        {
            b"a.php": b"<?php if (",
            # The compiler goes down one level for each of these, until its stack ends.
            b"deep.php": b"<?php $x = " + b"-".join([b"1"] * 300_000) + b";",
            b"z.php": b"<?php if (",
            b"runs.php": b"<?php file_put_contents('/tmp/a', 'x'); echo '{\"end\": 1}'; exit(0);",
            b'forged".php': b'<?php\n"}\n{"end": 99}\n if (',
        },
    )
    assert size == "5 PHP files"
    assert {found.path for found in findings} == {"a.php", "deep.php", "z.php", 'forged".php'}
    [deep] = [found for found in findings if found.path == "deep.php"]
    assert (deep.line, deep.severity) == (None, "error")
    assert deep.message.startswith("deep.php: ")


def test_nothing_is_left_of_the_container(tmp_path: Path) -> None:
    looked_at(tmp_path, {b"index.php": b"<?php"})
    assert docker("ps", "-aq", "--filter", "label=berth.role=check").stdout.split() == []


def test_a_commit_without_php_asks_no_engine(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    copy = ReadingCopy(repository.path, url="", token="")
    commit = repository.commit({b"index.html": b"x"})
    assert php_findings(copy, commit, docker_url="unix:///nonexistent", image="none") == ([], "no PHP files")


def test_an_engine_that_is_away_is_waited_for(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    copy = ReadingCopy(repository.path, url="", token="")
    commit = repository.commit({b"index.php": b"<?php"})
    with pytest.raises(RetryableError):
        php_findings(copy, commit, docker_url="unix:///nonexistent", image="none")
