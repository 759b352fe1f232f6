from tests.provisioning.certificates.refreshed import edge
from tests.provisioning.edge.fixtures import upstream

__all__ = ["edge", "upstream"]
