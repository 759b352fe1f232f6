"""The built-in policies of this room."""

from tenants.policies.built_in import AUDITOR, KEEPER, OPERATOR, OVERSEER, BuiltInPolicy

POLICIES = (
    BuiltInPolicy(
        name="app-grant-keepers-manage",
        resource_type="app_grant",
        actions=["app_grant.view", "app_grant.create", "app_grant.revoke"],
        subject=KEEPER,
        description="Owners and maintainers share one app with somebody outside, and take it back.",
    ),
    BuiltInPolicy(
        name="app-grant-overseers-view",
        resource_type="app_grant",
        actions=["app_grant.view"],
        subject=OVERSEER,
        description="Operators and auditors see with whom apps are shared.",
    ),
    BuiltInPolicy(
        name="freeze-everyone-view",
        resource_type="freeze",
        actions=["freeze.view"],
        description="Everybody sees when nothing may go live.",
    ),
    BuiltInPolicy(
        name="freeze-operators-manage",
        resource_type="freeze",
        actions=["freeze.create", "freeze.end"],
        subject=OPERATOR,
        description="Operators declare and end freezes.",
    ),
    BuiltInPolicy(
        name="policy-operators-manage",
        resource_type="policy",
        actions=["policy.create", "policy.change"],
        subject=OPERATOR,
        description="Operators add, change, enable and disable policies.",
    ),
    BuiltInPolicy(
        name="policy-overseers-view",
        resource_type="policy",
        actions=["policy.view", "policy.simulate"],
        subject=OVERSEER,
        description="Operators and auditors read policies, and try drafts on past decisions.",
    ),
    BuiltInPolicy(
        name="release-grant-auditors-view",
        resource_type="release_grant",
        actions=["release_grant.view"],
        subject=AUDITOR,
        description="Auditors see who was let to see one release.",
    ),
    BuiltInPolicy(
        name="release-grant-operators-manage",
        resource_type="release_grant",
        actions=["release_grant.view", "release_grant.create", "release_grant.revoke"],
        subject=OPERATOR,
        description="Operators let somebody from outside see one release.",
    ),
)
