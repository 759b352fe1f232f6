from tests.tenants.audit.listed import acme  # noqa: F401 - fixtures
