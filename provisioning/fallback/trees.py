"""The file system of one fallback: the release's tree, and of the machine's own what PHP reads while it runs."""

import errno
import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path

from provisioning.exceptions import OperatorError
from provisioning.rendering.fallback import VARIABLES_FILE
from provisioning.rendering.limits import BODIES_MIB, tmpfs_inodes
from provisioning.rendering.specs import FallbackSpec
from provisioning.rendering.text import HOME as TEMPLATES

# Time zones; conversions between character sets, which are read as libraries when they are first used.
_SYSTEM = ("/usr/share/zoneinfo", *map(str, Path("/usr/lib").glob("*-linux-gnu/gconv")))
_LEFT_OUT = {"right", "posix"}
_POLICY = "etc/ImageMagick-6/policy.xml"
MOUNT_TIMEOUT_S = 20


def is_whole(spec: FallbackSpec) -> bool:
    return (Path(spec.root) / "app").is_dir()


def has_memory_disks(spec: FallbackSpec) -> bool:
    return os.path.ismount(Path(spec.root) / "tmp") and os.path.ismount(spec.bodies)


def ensure_root(spec: FallbackSpec, variables: str) -> bool:
    """Makes `spec.root` where it is not there, whole or not at all; gives whether it did.

    Raises `OperatorError` where the release's tree is gone from this machine.
    """
    root, code = Path(spec.root), Path(spec.code)
    if is_whole(spec):
        return False
    if not code.is_dir():
        raise OperatorError(
            f"the files of {spec.name} are gone from {code}: an operator must put them back from a backup, or "
            "somebody deploy the release again (ask for a release of the same commit)"
        )
    # What is left of it goes first: nobody can be served from it.
    _remove_disk(root / "tmp")
    shutil.rmtree(root, ignore_errors=True)
    beside = root.with_name(f".{root.name}.{secrets.token_hex(4)}")
    try:
        beside.mkdir(0o755)
        copy_tree(code, beside / "app")
        if spec.stack == "php":
            _add_system(beside, spec, variables)
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


def _add_system(root: Path, spec: FallbackSpec, variables: str) -> None:
    for path in _SYSTEM:
        if Path(path).is_dir():
            shutil.copytree(path, root / path[1:], ignore=lambda _path, names: _LEFT_OUT & set(names))
    policy = root / _POLICY
    policy.parent.mkdir(parents=True)
    shutil.copyfile(TEMPLATES / "images" / "php" / "policy.xml", policy)
    (root / "tmp").mkdir()
    file = root / VARIABLES_FILE.relative_to("/")
    file.parent.mkdir()
    # They are secrets: for the pool's own group, which is the app's, and for nobody to change.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440), "w") as opened:
        opened.write(variables)
    os.chown(file, 0, spec.uid)
    file.chmod(0o440)
    for path, _names, _files in os.walk(root):
        if not Path(path).is_relative_to(root / "app"):
            Path(path).chmod(0o755)


def ensure_memory_disks(spec: FallbackSpec) -> bool:
    """Mounts the pool's /tmp, as large as the environment's disk, and the edge's place for what visitors send to it.

    Both are memory. Gives whether one of them was missing.
    """
    bodies = Path(spec.bodies)
    bodies.mkdir(mode=0o700, exist_ok=True)
    places = [
        (Path(spec.root) / "tmp", spec.disk_mib, spec.uid, spec.uid),
        (bodies, BODIES_MIB, *_owner(spec.worker_user)),
    ]
    missing = [_ensure_memory_disk(place, mib, uid, gid) for place, mib, uid, gid in places]
    return any(missing)


def _owner(user: str) -> tuple[int, int]:
    """Root's for a user whom there is not: php-fpm says so better, since it refuses the pool."""
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        return 0, 0
    return found.pw_uid, found.pw_gid


def _ensure_memory_disk(place: Path, mib: int, uid: int, gid: int) -> bool:
    if os.path.ismount(place):
        return False
    size = f"size={mib}m,nr_inodes={tmpfs_inodes(mib)}"
    options = f"{size},uid={uid},gid={gid},mode=0700,nosuid,nodev,noexec"
    _mount(["mount", "-t", "tmpfs", "-o", options, "berth-fallback", str(place)])
    return True


def remove_root(home: Path, name: str) -> None:
    """Removes what `ensure_root` and `ensure_memory_disks` made. One that is not there is as good."""
    root, bodies = home / "roots" / name, home / "bodies" / name
    for place in (root / "tmp", bodies):
        _remove_disk(place)
    for place in (root, bodies):
        if place.exists():
            shutil.rmtree(place)


def _remove_disk(place: Path) -> None:
    if os.path.ismount(place):
        # At once, although a worker that is just ending may have a file open in it.
        _mount(["umount", "--lazy", str(place)])


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
