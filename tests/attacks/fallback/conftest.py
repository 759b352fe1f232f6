from tests.provisioning.fallback.fixtures import machine

__all__ = ["machine"]
