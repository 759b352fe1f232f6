from tests.provisioning.containers.fixtures import make_stage, slot, stage
from tests.provisioning.edge.fallback.fixtures import machine
from tests.provisioning.edge.fixtures import edge

__all__ = ["edge", "machine", "make_stage", "slot", "stage"]
