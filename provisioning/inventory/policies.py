"""The built-in policies of this room."""

from tenants.policies.built_in import OVERSEER, BuiltInPolicy

POLICIES = (
    BuiltInPolicy(
        name="host-overseers-view",
        resource_type="host",
        actions=["host.view"],
        subject=OVERSEER,
        description="Operators and auditors see the inventory of machines.",
    ),
)
