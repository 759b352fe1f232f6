from tests.provisioning.edge.fallback.fixtures import machine

__all__ = ["machine"]
