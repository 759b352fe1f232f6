from tests.provisioning.edge.fixtures import edge, upstream

__all__ = ["edge", "upstream"]
