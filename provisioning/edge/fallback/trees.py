"""The file system of one fallback: the release's tree, and of the machine's own what PHP reads while it runs."""

import errno
import os
import pwd
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from provisioning.containers.rendering.php_stack import SESSIONS
from provisioning.exceptions import OperatorError
from provisioning.rendering.limits import BODIES_MIB, session_disk_mib, session_files, tmpfs_inodes
from provisioning.rendering.specs import FallbackSpec
from provisioning.rendering.text import HOME as TEMPLATES

# Time zones; conversions between character sets, which are read as libraries when they are first used.
_SYSTEM = ("/usr/share/zoneinfo", *map(str, Path("/usr/lib").glob("*-linux-gnu/gconv")))
_LEFT_OUT = {"right", "posix"}
_POLICY = "etc/ImageMagick-6/policy.xml"
_MEMORY = ("tmp", SESSIONS[1:])
MOUNT_TIMEOUT_S = 20


def is_whole(spec: FallbackSpec) -> bool:
    return (Path(spec.root) / "app").is_dir()


def has_mounts(spec: FallbackSpec) -> bool:
    mounted, root = _mounted(), Path(spec.root)
    places = (root / "app", *(root / name for name in _MEMORY), Path(spec.bodies))
    return all(str(place) in mounted for place in places)


def ensure_root(spec: FallbackSpec, own: Mapping[str, str]) -> bool:
    """Makes `spec.root` where it is not there, whole or not at all; gives whether it did.

    `own` are the platform's files in it, path -> text: for PHP's eyes, and for nobody to change. One of before the
    platform had such a file gets it. Raises `OperatorError` where the release's tree is gone from this machine.
    """
    root, code = Path(spec.root), Path(spec.code)
    if is_whole(spec):
        missing = {path: text for path, text in own.items() if not (root / path[1:]).is_file()}
        _write_own(root, spec, missing)
        return bool(missing)
    if not code.is_dir():
        raise OperatorError(
            f"the files of {spec.name} are gone from {code}: an operator must put them back from a backup, or "
            "somebody deploy the release again (ask for a release of the same commit)"
        )
    # What is left of it goes first: nobody can be served from it.
    _remove_mounts(root / "app", *(root / name for name in _MEMORY))
    shutil.rmtree(root, ignore_errors=True)
    beside = root.with_name(f".{root.name}.{secrets.token_hex(4)}")
    try:
        beside.mkdir(0o755)
        copy_tree(code, beside / "app")
        if spec.stack == "php":
            _add_system(beside)
            _write_own(beside, spec, own)
        # The directory's mode is not what the umask made of it.
        beside.chmod(0o755)
        beside.rename(root)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True


def copy_tree(source: Path, target: Path) -> None:
    """A tree of the same files as hard links, which take no space; of links only those that stay in the tree.

    The release was checked for all of that before; here it leaves the container that was around it.
    """
    top = source.resolve()
    for directory, names, files in os.walk(source):
        here = target / Path(directory).relative_to(source)
        here.mkdir(mode=0o755)
        here.chmod(0o755)
        for name in [*files, *(name for name in names if (Path(directory) / name).is_symlink())]:
            entry = Path(directory) / name
            if entry.is_symlink():
                if entry.resolve().is_relative_to(top) and not entry.readlink().is_absolute():
                    (here / name).symlink_to(entry.readlink())
            elif entry.is_file():
                _link(entry, here / name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as exc:
        if exc.errno not in {errno.EXDEV, errno.EMLINK, errno.EPERM}:
            raise
        shutil.copyfile(source, target)
        target.chmod(0o644)


def _add_system(root: Path) -> None:
    for path in _SYSTEM:
        if Path(path).is_dir():
            shutil.copytree(path, root / path[1:], ignore=lambda _path, names: _LEFT_OUT & set(names))
    policy = root / _POLICY
    policy.parent.mkdir(parents=True)
    shutil.copyfile(TEMPLATES / "images" / "php" / "policy.xml", policy)
    for name in _MEMORY:
        (root / name).mkdir(parents=True)
    for path, _names, _files in os.walk(root):
        if not Path(path).is_relative_to(root / "app"):
            Path(path).chmod(0o755)


def _write_own(root: Path, spec: FallbackSpec, own: Mapping[str, str]) -> None:
    """Secrets are among them: for the pool's own group, which is the app's."""
    for path, text in own.items():
        file = root / path[1:]
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        file.parent.chmod(0o755)
        beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440), "w") as opened:
            opened.write(text)
        os.chown(beside, 0, spec.uid)
        beside.chmod(0o440)
        beside.rename(file)


def ensure_mounts(spec: FallbackSpec) -> bool:
    """What is written for the pool is memory, and nothing in its tree can be executed. Gives whether anything missed.

    /tmp is as large as the environment's disk; sessions have their own, and so has what visitors send to the edge.
    """
    root, bodies, mounted = Path(spec.root), Path(spec.bodies), _mounted()
    bodies.mkdir(mode=0o700, exist_ok=True)
    sessions_mib, sessions = session_disk_mib(spec.disk_mib), session_files(spec.disk_mib)
    places = [
        (root / "tmp", spec.disk_mib, tmpfs_inodes(spec.disk_mib), spec.uid, spec.uid),
        (root / SESSIONS[1:], sessions_mib, sessions, spec.uid, spec.uid),
        (bodies, BODIES_MIB, tmpfs_inodes(BODIES_MIB), *_owner(spec.worker_user)),
    ]
    missing = [place for place in places if str(place[0]) not in mounted]
    for place, mib, inodes, uid, gid in missing:
        place.mkdir(parents=True, exist_ok=True)
        options = f"size={mib}m,nr_inodes={inodes},uid={uid},gid={gid},mode=0700,nosuid,nodev,noexec"
        _mount(["mount", "-t", "tmpfs", "-o", options, "berth-fallback", str(place)])
    tree = str(root / "app")
    if tree not in mounted:
        _mount(["mount", "--bind", tree, tree])
        _mount(["mount", "-o", "remount,bind,ro,noexec,nosuid,nodev", tree])
    return bool(missing) or tree not in mounted


def _owner(user: str) -> tuple[int, int]:
    """Root's for a user whom there is not: php-fpm says so better, since it refuses the pool."""
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        return 0, 0
    return found.pw_uid, found.pw_gid


def remove_root(home: Path, name: str) -> None:
    """Removes what `ensure_root` and `ensure_mounts` made. One that is not there is as good."""
    root, bodies = home / "roots" / name, home / "bodies" / name
    _remove_mounts(root / "app", *(root / memory for memory in _MEMORY), bodies)
    for place in (root, bodies):
        if place.exists():
            shutil.rmtree(place)


def _remove_mounts(*places: Path) -> None:
    mounted = _mounted()
    for place in places:
        if str(place) in mounted:
            # At once, although a worker that is just ending may have a file open in it.
            _mount(["umount", "--lazy", str(place)])


def _mounted() -> set[str]:
    """Every place of this machine that something is mounted on. A bind of a directory on itself looks like none."""
    escaped = (line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return {re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place) for place in escaped}


def _mount(command: list[str]) -> None:
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=MOUNT_TIMEOUT_S, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as exc:
        raise OperatorError(f"{command[0]} could not be run: {exc}") from exc
    if result.returncode != 0:
        raise OperatorError(
            f"{command[0]} {command[-1]}: {result.stderr.strip()[:300]}; Berth must run as root and be let to mount"
        )
