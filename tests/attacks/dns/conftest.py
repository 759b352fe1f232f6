from tests.name_servers.fixtures import hierarchy, hostile

__all__ = ["hierarchy", "hostile"]
