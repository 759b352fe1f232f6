"""An environment's network: its containers don't see each other, and nothing goes out by it."""

import ipaddress

import docker
from docker.errors import APIError, NotFound

from provisioning.exceptions import OperatorError


def ensure_network(client: docker.DockerClient, *, name: str, subnet: str, bridge: str, installation: str) -> None:
    """Makes it where it is not there. One of Berth's own that is not as it should be, and that nobody is on, is made
    anew; any other one stays, and is an operator's to remove (`OperatorError`).
    """
    options = {
        "com.docker.network.bridge.name": bridge,
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.enable_ip_masquerade": "false",
        "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
    }
    try:
        found = client.api.inspect_network(name)
    except NotFound:
        pass
    else:
        has_subnet = [config.get("Subnet") for config in found["IPAM"]["Config"]] == [subnet]
        if has_subnet and (found["Options"] or {}).items() >= options.items():
            return
        what = "other options than Berth's" if has_subnet else f"another subnet than {subnet}"
        if (found["Labels"] or {}).get("berth.installation") != installation:
            raise OperatorError(
                f"the network {name} has {what}, and is not Berth's: an operator must remove it (docker network rm)"
            )
        if found["Containers"]:
            raise OperatorError(
                f"the network {name} has {what}, and containers are on it: an operator must take them off and remove it"
            )
        client.api.remove_network(name)
    gateway = str(next(ipaddress.IPv4Network(subnet).hosts()))
    try:
        client.api.create_network(
            name, driver="bridge", check_duplicate=True, labels={"berth.installation": installation}, options=options,
            ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=subnet, gateway=gateway)]),
        )  # fmt: skip
    except APIError as exc:
        # Somebody else made it in the meantime: that is as good.
        if exc.status_code != 409:
            raise
