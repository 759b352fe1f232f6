"""The REST API of tenants, and the pieces that provisioning's part of the API is built from: `base`, `fields`,
`idempotency`, `pagination`."""
