from tests.name_servers.fixtures import hierarchy, hostile
from tests.provisioning.dns.fixtures import memory
from tests.provisioning.dns.planned import operator

__all__ = ["hierarchy", "hostile", "memory", "operator"]
