from tests.tenants.organizations.limited import organization  # noqa: F401 - fixtures
