"""The built-in policies of this room."""

from tenants.policies.built_in import OPERATOR, OVERSEER, BuiltInPolicy

POLICIES = (
    BuiltInPolicy(
        name="dns-account-operators-manage",
        resource_type="dns_account",
        actions=["dns_account.create", "dns_account.change"],
        subject=OPERATOR,
        description="Operators add and change accounts at DNS providers.",
    ),
    BuiltInPolicy(
        name="dns-account-overseers-view",
        resource_type="dns_account",
        actions=["dns_account.view"],
        subject=OVERSEER,
        description="Operators and auditors see the accounts at DNS providers; nobody sees a secret again.",
    ),
)
