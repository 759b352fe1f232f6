"""Reads the source for ways to a tenant's rows that don't go through `tenants.access`. See `test_architecture`."""
