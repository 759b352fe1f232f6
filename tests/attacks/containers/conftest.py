from tests.provisioning.containers.fixtures import make_stage, slot, stage

__all__ = ["make_stage", "slot", "stage"]
