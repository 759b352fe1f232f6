"""How Berth runs a command on a host: there, or over SSH. Nothing above this knows which."""

from provisioning.inventory.transport.local import LocalTransport
from provisioning.inventory.transport.protocol import Result, TargetSpec, Transport
from provisioning.inventory.transport.ssh import SshTransport

__all__ = ["LocalTransport", "Result", "SshTransport", "TargetSpec", "Transport", "transport_for"]


def transport_for(target: TargetSpec) -> Transport:
    """The transport that the target asks for. Raises `ValueError` for a target that no command may be built from."""
    return SshTransport(target) if target.transport == "ssh" else LocalTransport(target)
