from tests.name_servers.fixtures import hierarchy, hostile
from tests.provisioning.dns.fixtures import memory

__all__ = ["hierarchy", "hostile", "memory"]
