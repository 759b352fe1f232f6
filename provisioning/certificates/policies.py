"""The built-in policies of this room."""

from tenants.policies.built_in import OVERSEER, BuiltInPolicy

POLICIES = (
    BuiltInPolicy(
        name="certificate-overseers-view",
        resource_type="certificate",
        actions=["certificate.view"],
        subject=OVERSEER,
        description="Operators and auditors see which certificates the edge serves, and what is wrong with others.",
    ),
)
