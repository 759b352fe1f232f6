from tests.provisioning.dns.fixtures import memory  # noqa: F401 - a fixture
