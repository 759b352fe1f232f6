from tests.name_servers.fixtures import hierarchy, hostile
from tests.provisioning.dns.domains.fixtures import world
from tests.provisioning.edge.fixtures import edge, upstream

__all__ = ["edge", "hierarchy", "hostile", "upstream", "world"]
