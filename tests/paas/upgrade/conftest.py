from tests.provisioning.dns.fixtures import memory

__all__ = ["memory"]
