"""What the engine says when a container can't be made or started, and whose move it is then."""

import re

from provisioning.exceptions import ContainerNameTaken, OperatorError

_PORT = re.compile(r"(?:tcp4? |for )((?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:]+\]):(\d{1,5})")
_NO_IMAGE = ("no such image", "unable to find image", "pull access denied", "manifest unknown")
_NAME = re.compile(r'container name "?/?([A-Za-z0-9_.-]+)"? is already in use')


def operators_fault(text: str) -> OperatorError | None:
    """What an operator must do about the message; `None` for one that trying again may help with."""
    lowered = text.lower()
    if "no space left on device" in lowered:
        return OperatorError("the engine's disk is full: an operator must free space there")
    if is_port_taken(text):
        found = _PORT.search(text)
        where = f"port {found[2]} of {found[1]}" if found else "its port"
        return OperatorError(
            f"{where} is taken by a stranger, a process or another container: an operator must end what listens there "
            "(ss -tlnp says what does)"
        )
    if name := name_taken(text):
        return stranger_found(name)
    if "bind source path does not exist" in lowered or "failed to mount local volume" in lowered:
        return OperatorError(
            "files of the release are gone from the host: an operator must put them back, or somebody deploy the "
            "release again"
        )
    if any(words in lowered for words in _NO_IMAGE):
        return OperatorError(
            "an image is gone from the host: an operator must run manage.py build_images there, and somebody "
            "deploy the release again, which then runs on the new one"
        )
    return None


def is_port_taken(text: str) -> bool:
    return any(words in text.lower() for words in ("port is already allocated", "address already in use"))


def is_subnet_taken(text: str) -> bool:
    return any(words in text.lower() for words in ("pool overlaps with other one", "conflicts with existing route"))


def name_taken(text: str) -> str:
    """The name of the container that the message calls a duplicate; empty where it names none."""
    found = _NAME.search(text)
    return found[1] if found else ""


def stranger_found(name: str, what: str = "", *, where: str = "") -> ContainerNameTaken:
    runs, there = f" ({what})" if what else "", f" {where}" if where else ""
    return ContainerNameTaken(
        f"a container that is not Berth's has the name {name}{runs}{there}: an operator must remove or rename it; "
        "Berth removes nothing that it did not make"
    )
