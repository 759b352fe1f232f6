from tests.provisioning.containers.fixtures import make_stage, slot, stage
from tests.provisioning.edge.fixtures import edge
from tests.provisioning.fallback.fixtures import machine

__all__ = ["edge", "machine", "make_stage", "slot", "stage"]
