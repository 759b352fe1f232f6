from tests.provisioning.edge.fixtures import upstream

__all__ = ["upstream"]
