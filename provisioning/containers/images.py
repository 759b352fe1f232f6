"""The images that plugins run on: built on this machine, tagged with a hash of what they are made of.

No registry is assumed. The base is Debian's minimal system, made by mmdebstrap from the machine's own apt sources and
imported, or the image that `BERTH_BASE_IMAGE` names. The tag is a hash over every input, so a second build finds the
image and does nothing, and several installations on one engine share it.
"""

import hashlib
import io
import logging
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
from django.conf import settings
from docker.errors import APIError, DockerException, ImageNotFound

from provisioning.exceptions import OperatorError, RetryableError

logger = logging.getLogger(__name__)

SUITE = "bookworm"
BUILD_TIMEOUT_S = 1200
_SOURCE_FORMAT = "deb $(SITE) $(RELEASE) $(COMPONENT)"
# The base is imported, so that its recipe is code: raise this when the recipe changes.
_BASE_RECIPE = 1
_BUILT = ("web", "php")


def images_root() -> Path:
    return Path(settings.ROOT) / "templates" / "infrastructure" / "images"


def image_tags() -> dict[str, str]:
    """The tag of each image (`base`, `web`, `php`) by its inputs alone. Reads files; asks no engine."""
    base = settings.BASE_IMAGE or f"berth-base:{_digest('base', SUITE, str(_BASE_RECIPE))}"
    return {"base": base} | {name: f"berth-{name}:{_digest(name, base)}" for name in _BUILT}


def ensure_images(*, rebuild: bool = False) -> dict[str, str]:
    """Builds what the engine does not have, and answers `image_tags()`.

    `rebuild` makes them again although they are there, for Debian's security updates. Raises `RetryableError` where
    the engine does not answer, `OperatorError` where a build failed, with the last lines of its output.
    """
    tags = image_tags()
    try:
        client = docker.DockerClient(base_url=settings.DOCKER_URL, timeout=BUILD_TIMEOUT_S)
        present = {tag for image in client.api.images() for tag in image.get("RepoTags") or ()}
    except (DockerException, OSError) as exc:
        raise RetryableError(f"the Docker Engine at {settings.DOCKER_URL} does not answer: start it ({exc})") from exc
    with closing(client):
        wanted = {name: tag for name, tag in tags.items() if rebuild or tag not in present}
        if settings.BASE_IMAGE:
            wanted.pop("base", None)
            if set(wanted):
                _ensure_pulled(client, settings.BASE_IMAGE)
        elif not (set(wanted) - {"base"}):
            # The base serves only to build the others.
            wanted = {}
        if "base" in wanted:
            _bootstrap(client, tags["base"])
        for name in _BUILT:
            if name in wanted:
                _build(client, name, tags[name], tags["base"])
    return tags


def _digest(name: str, *inputs: str) -> str:
    """12 hex digits over the inputs and over each file of the image's folder, names and modes of no account."""
    digest = hashlib.sha256("\0".join(inputs).encode())
    folder = images_root() / name
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def _ensure_pulled(client: docker.DockerClient, image: str) -> None:
    try:
        client.images.get(image)
    except ImageNotFound:
        logger.info("pulling %s", image)
        try:
            client.images.pull(image)
        except (APIError, DockerException) as exc:
            raise OperatorError(f"BERTH_BASE_IMAGE {image} can't be pulled: {exc}") from exc


def _apt_sources() -> str:
    """The machine's own apt sources for the suite, one line each, as apt itself reads them in any of its formats."""
    try:
        lines = subprocess.run(
            ["apt-get", "indextargets", "--format", _SOURCE_FORMAT, "Created-By: Packages"],
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout.splitlines()  # fmt: skip
    except (OSError, subprocess.SubprocessError) as exc:
        raise OperatorError(
            f"apt's sources can't be read: set BERTH_BASE_IMAGE to a Debian image instead ({exc})"
        ) from exc
    wanted = re.compile(rf" \S+ {SUITE}(-updates|-security)? main$")
    sources = list(dict.fromkeys(line for line in lines if wanted.search(line)))
    if not any(line.endswith(f" {SUITE} main") for line in sources):
        raise OperatorError(
            f"this machine's apt sources have no Debian {SUITE}: add it, or set BERTH_BASE_IMAGE to a Debian image"
        )
    return "\n".join(sources) + "\n"


def _bootstrap(client: docker.DockerClient, tag: str) -> None:
    if shutil.which("mmdebstrap") is None:
        raise OperatorError("mmdebstrap is not installed: install it, or set BERTH_BASE_IMAGE to a Debian image")
    logger.info("bootstrapping %s", tag)
    packages = (images_root() / "base" / "packages.txt").read_text().splitlines()
    include = ",".join(name for name in packages if name and not name.startswith("#"))
    strip = 'find "$1" -xdev -type f -perm /6000 -exec chmod a-s {} +'
    with tempfile.TemporaryDirectory(prefix="berth-base-") as scratch:
        archive = Path(scratch) / "base.tar"
        command = ["mmdebstrap", "--variant=minbase", f"--include={include}", f"--customize-hook={strip}"]
        try:
            result = subprocess.run(
                [*command, SUITE, str(archive), "-"],
                input=_apt_sources(), capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as exc:
            raise OperatorError(f"mmdebstrap took more than {BUILD_TIMEOUT_S} s: is the apt mirror reachable?") from exc
        if result.returncode != 0:
            raise _failure("mmdebstrap", result.stderr)
        logger.debug("%s", result.stderr)
        repository, _, version = tag.partition(":")
        try:
            client.api.import_image_from_file(
                str(archive), repository=repository, tag=version, changes=['LABEL berth.image="base"']
            )
        except (DockerException, OSError) as exc:
            raise _failure(f"importing {tag}", str(exc)) from exc


def _build(client: docker.DockerClient, name: str, tag: str, base: str) -> None:
    logger.info("building %s", tag)
    lines: list[str] = []
    try:
        events: Iterator[dict[str, Any]] = client.api.build(
            fileobj=_context(images_root() / name), custom_context=True, tag=tag, rm=True, forcerm=True, nocache=True,
            network_mode="host", decode=True, buildargs={"BASE": base, **_proxies()},
            labels={"berth.image": name},
        )  # fmt: skip
        for event in events:
            if text := event.get("stream", "").rstrip():
                lines.append(text)
                logger.debug("%s: %s", name, text)
            if error := event.get("error"):
                raise _failure(f"building {tag}", "\n".join([*lines[-15:], error]))
    except (DockerException, OSError) as exc:
        raise _failure(f"building {tag}", "\n".join([*lines[-15:], str(exc)])) from exc


def _context(folder: Path) -> io.BytesIO:
    """The build context as a tar: what is in the folder, owned by root, with no times."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            content = path.read_bytes()
            entry = tarfile.TarInfo(str(path.relative_to(folder)))
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def _proxies() -> dict[str, str]:
    """The proxy that the machine's own apt uses, for apt inside the build; as a build argument it leaves no trace."""
    if shutil.which("apt-config") is None:
        return {}
    found = {}
    for scheme in ("http", "https"):
        command = ["apt-config", "shell", "VALUE", f"Acquire::{scheme}::Proxy"]
        output = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout
        if match := re.fullmatch(r"VALUE='([^']+)'\s*", output):
            found[f"{scheme}_proxy"] = match[1]
    return found


def _failure(what: str, output: str) -> OperatorError:
    tail = "\n".join(output.strip().splitlines()[-15:])
    if "no space left on device" in output.lower():
        return OperatorError(f"{what} failed: the disk is full, free space and try again\n{tail}")
    return OperatorError(f"{what} failed: read the last lines, repair, and try again\n{tail}")
