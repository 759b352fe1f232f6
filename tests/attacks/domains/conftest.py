from tests.name_servers.fixtures import hierarchy
from tests.provisioning.dns.domains.fixtures import world
from tests.provisioning.edge.fixtures import edge, upstream

__all__ = ["edge", "hierarchy", "upstream", "world"]
