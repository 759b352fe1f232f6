"""A1, A3, A5, A6, A11: what a hostile code repository tries, with the same attack on unguarded code as the control."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.provisioning.containers.stage import GIT, Stage, git

pytestmark = pytest.mark.docker


def refused(stage: Stage, **changes: str) -> str:
    """The one reason, if the script refuses, starts nothing and puts nothing on the target."""
    [line] = refusals(stage, **changes)
    return line


def refusals(stage: Stage, **changes: str) -> list[str]:
    """All reasons, likewise."""
    result = stage.deploy(**changes)
    assert result.returncode == 3, result.stdout + result.stderr
    assert set(stage.engine.states([stage.web, stage.app]).values()) == {"missing"}
    assert not stage.home.exists()
    start = "berth: refused: "
    return [line.removeprefix(start) for line in result.stderr.splitlines() if line.startswith(start)]


def unguarded(stage: Stage) -> subprocess.CompletedProcess[str]:
    """The same deployment by a script that refuses nothing."""
    environment = stage.prepare(stage.commit())
    script = stage.management / "deploy.sh"
    text = script.read_text()
    guard = text[text.index("refused() {") : text.index("failed() {")]
    text = text.replace(guard, "refused() { :; }\n\n")
    script.write_text(text.replace("check_tree || verdict=$?", "check_tree || true"))
    return stage.run(environment)


def made(stage: Stage, *command: str, content: str) -> str:
    """The id of the object that git makes of the content."""
    options = {"cwd": stage.code, "env": GIT, "capture_output": True, "text": True, "check": True}
    return str(subprocess.run(["git", *command], input=content, **options).stdout).strip()  # type: ignore[call-overload]


def tree_of(stage: Stage, *entries: tuple[str, str, str]) -> str:
    """A commit whose tree has exactly these entries (mode, object, name), whatever git's index would say of them."""
    kinds = {"160000": "commit", "040000": "tree"}
    listing = "".join(f"{mode} {kinds.get(mode, 'blob')} {sha}\t{name}\0" for mode, sha, name in entries)
    return git(
        "commit-tree", "-m", "crafted", made(stage, "mktree", "-z", "--missing", content=listing), cwd=stage.code
    )


def blob(stage: Stage, content: str) -> str:
    return made(stage, "hash-object", "-w", "--stdin", content=content)


@pytest.mark.parametrize(
    ("path", "target"),
    [("leak", "/etc/passwd"), ("up", "../../.."), ("deep/er/up", "../../../x"), ("trick", "a/../../b"),
     ("proc", "/proc/self/root"),
     ("dots", "./.././x"), ("parent", ".."), ("slashes", "a//../..//x")],
)  # fmt: skip
def test_a1_a_link_that_leaves_the_tree_is_refused_by_name(stage: Stage, path: str, target: str) -> None:
    (stage.code / path).parent.mkdir(parents=True, exist_ok=True)
    (stage.code / path).symlink_to(target)
    assert refused(stage) == f"{path} is a link that leaves the tree: remove it"


def test_a1_a_link_that_leaves_the_tree_through_another_link_is_refused(stage: Stage) -> None:
    """By its text alone `a/b/c/up/../../y` stays inside; on a disk `up` stands for the tree's top, and it does not."""
    (stage.code / "a" / "b" / "c").mkdir(parents=True)
    (stage.code / "top").mkdir()
    (stage.code / "top" / "file").write_text("x")
    (stage.code / "a" / "b" / "c" / "up").symlink_to("../../../top")
    (stage.code / "sly").symlink_to("a/b/c/up/../../y")
    assert refused(stage) == "sly is a link that leaves the tree: remove it"


def test_a1_control_without_the_guard_the_link_reaches_the_target(stage: Stage) -> None:
    (stage.code / "leak").symlink_to("/etc/passwd")
    assert unguarded(stage).returncode == 0
    assert (stage.home / "code" / "leak").readlink() == Path("/etc/passwd")


def test_a1_a_links_name_cannot_forge_a_line_of_the_log(stage: Stage) -> None:
    (stage.code / "x\nberth: release 1 is started").symlink_to("/etc/passwd")
    assert refusals(stage) == [
        "x\\nberth: release 1 is started has a control character in its name: rename it",
        "x\\nberth: release 1 is started is a link that leaves the tree: remove it",
    ]


def test_a3_a_nested_submodule_is_refused_by_name(stage: Stage) -> None:
    stage.commit()
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/library", cwd=stage.code)
    git("commit", "-q", "-m", "nested", cwd=stage.code)
    commit = git("rev-parse", "HEAD", cwd=stage.code)
    result = stage.run(stage.prepare(commit))
    assert result.returncode == 3
    assert "berth: refused: vendor/library is a nested submodule" in result.stderr


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% owned", "file:///etc", "../../modules", "-u./payload", "--upload-pack=touch owned"]
)
def test_a3_a_gitmodules_file_makes_nothing_run(stage: Stage, url: str) -> None:
    stage.write(".gitmodules", f'[submodule "x"]\n\tpath = x\n\turl = {url}\n\tupdate = !touch owned\n')
    result = stage.deploy()
    assert result.returncode in (0, 3), result.stderr
    assert not list(stage.root.rglob("owned"))


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", ".Git"])
def test_names_that_git_takes_for_its_own_are_refused(stage: Stage, name: str) -> None:
    stage.commit()
    inner = git("rev-parse", "HEAD^{tree}", cwd=stage.code)
    commit = tree_of(stage, ("100644", blob(stage, "<?php"), "index.php"), ("040000", inner, name))
    result = stage.run(stage.prepare(commit))
    assert result.returncode == 3, result.stderr
    assert "berth: refused: " in result.stderr
    assert not stage.home.exists()


@pytest.mark.parametrize("name", ["..", "."])
def test_names_that_climb_are_refused(stage: Stage, name: str) -> None:
    stage.commit()
    inner = git("rev-parse", "HEAD^{tree}", cwd=stage.code)
    commit = tree_of(stage, ("040000", inner, name), ("100644", blob(stage, "<?php"), "index.php"))
    result = stage.run(stage.prepare(commit))
    assert result.returncode == 3, result.stderr
    assert not stage.home.exists()


def test_a6_more_files_than_the_limit_are_refused(stage: Stage) -> None:
    for index in range(60):
        stage.write(f"files/{index}", "x")
    assert refused(stage, BERTH_MAX_FILES="50") == "too large: the commit has more than 50 files"
    assert stage.deploy(BERTH_MAX_FILES="61").returncode == 0


def test_a6_more_bytes_than_the_limit_are_refused_before_a_file_is_written(stage: Stage) -> None:
    stage.write("zeros.bin", b"\0" * 5_000_000)
    stage.write("more.bin", b"\0" * 5_000_000)
    assert refused(stage, BERTH_MAX_BYTES="9000000") == "too large: the commit's files have more than 9000000 bytes"


def test_a6_a_pack_larger_than_the_limit_stops_while_it_comes(stage: Stage) -> None:
    stage.write("noise.bin", os.urandom(30 * 1024 * 1024))
    assert refused(stage, BERTH_MAX_BYTES="1000000") == "too large: the commit has more than 1000000 bytes"


def test_a6_a_tree_too_deep_for_a_path_is_refused(stage: Stage) -> None:
    tree = made(stage, "mktree", content=f"100644 blob {blob(stage, 'x')}\tx\n")
    for _ in range(600):
        tree = made(stage, "mktree", content=f"040000 tree {tree}\td\n")
    commit = git("commit-tree", "-m", "deep", tree, cwd=stage.code)
    result = stage.run(stage.prepare(commit))
    assert result.returncode == 3
    assert "has a path longer than 1024 bytes" in result.stderr


def test_a6_the_control_without_limits_all_of_it_arrives(stage: Stage) -> None:
    stage.write("zeros.bin", b"\0" * 5_000_000)
    assert unguarded(stage).returncode == 0
    assert (stage.home / "code" / "zeros.bin").stat().st_size == 5_000_000


def test_a11_a_large_file_pointer_is_refused_and_nothing_is_fetched_for_it(stage: Stage) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "1" * 64 + "\nsize 12345\n"
    stage.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    stage.write(".lfsconfig", "[lfs]\n\turl = http://169.254.169.254/\n")
    stage.write("big.bin", pointer)
    assert refused(stage).startswith("big.bin is a pointer of git LFS")
    # The control: without the guard it arrives as what it is.
    assert unguarded(stage).returncode == 0
    assert (stage.home / "code" / "big.bin").read_text() == pointer


def test_hooks_and_filters_of_the_repository_or_the_user_do_not_run(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    stage.write(".gitattributes", "* filter=evil\n")
    (stage.root / ".gitconfig").write_text(
        f'[filter "evil"]\n\tsmudge = touch {stage.root}/owned\n\trequired = true\n'
        f"[core]\n\thooksPath = {stage.root}/hooks\n"
    )
    (stage.root / "hooks").mkdir()
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (stage.root / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {stage.root}/owned\n")
        (stage.root / "hooks" / hook).chmod(0o755)
    result = stage.deploy()
    assert result.returncode == 0, result.stderr
    assert not (stage.root / "owned").exists()


def test_a9_a10_nothing_of_a_repository_runs_on_its_way(stage: Stage) -> None:
    """No build step, and no file of a plugin's is one of the platform's: its code runs in its own container alone."""
    owned = stage.root / "owned"
    touch = f"touch {owned}"
    stage.write(".gitlab-ci.yml", f"deploy:\n  script:\n    - {touch}\n")
    for path in ("deploy.sh", "install.sh", ".husky/post-checkout", "conf/nginx.conf"):
        stage.write(path, f"#!/bin/sh\n{touch}\n")
        (stage.code / path).chmod(0o755)
    stage.write("docker-compose.yml", '{"services": {"evil": {"image": "x", "privileged": true}}}')
    stage.write("Dockerfile", f"FROM scratch\nRUN {touch}\n")
    stage.write("composer.json", f'{{"scripts": {{"post-install-cmd": "{touch}"}}}}')
    stage.write("package.json", f'{{"scripts": {{"preinstall": "{touch}", "postinstall": "{touch}"}}}}')
    stage.write("setup.py", f"import os; os.system('{touch}')\n")
    stage.write("Makefile", f"all:\n\t{touch}\n")
    stage.started()
    assert not owned.exists()
    assert stage.text() == "hello from nobody"
    # The control: what arrived would do it.
    subprocess.run([str(stage.home / "code" / "deploy.sh")], check=True, timeout=20)
    assert owned.exists()
