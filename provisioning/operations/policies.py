"""The built-in policies of this room."""

from tenants.policies.built_in import MEMBER, STAFF, BuiltInPolicy

POLICIES = (
    BuiltInPolicy(
        name="deployment-members-view",
        resource_type="deployment",
        actions=["deployment.view"],
        subject=MEMBER,
        description="Members see their organization's deployments.",
    ),
    BuiltInPolicy(
        name="deployment-staff-view",
        resource_type="deployment",
        actions=["deployment.view"],
        subject=STAFF,
        description="Reviewers, operators and auditors see every deployment.",
    ),
)
