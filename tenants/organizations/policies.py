"""The built-in policies of this room."""

from tenants.policies.built_in import MEMBER, OPERATOR, OVERSEER, OWNER, PERSON, STAFF, BuiltInPolicy

POLICIES = (
    BuiltInPolicy(
        name="membership-members-view",
        resource_type="membership",
        actions=["membership.view"],
        subject=MEMBER,
        description="Members see each other.",
    ),
    BuiltInPolicy(
        name="membership-own-leave",
        resource_type="membership",
        actions=["membership.remove"],
        resource={"user": "$subject.id"},
        description="Everybody may leave an organization.",
    ),
    BuiltInPolicy(
        name="membership-owners-change",
        resource_type="membership",
        actions=["membership.change", "membership.remove"],
        subject=OWNER,
        description="Owners change roles in their organization and remove members.",
    ),
    BuiltInPolicy(
        name="membership-staff-view",
        resource_type="membership",
        actions=["membership.view"],
        subject=STAFF,
        description="Reviewers, operators and auditors see who belongs to an organization.",
    ),
    BuiltInPolicy(
        name="organization-members-view",
        resource_type="organization",
        actions=["organization.view"],
        subject=MEMBER,
        description="Members see their organization.",
    ),
    BuiltInPolicy(
        name="organization-operators-set-quota",
        resource_type="organization",
        actions=["organization.set_quota"],
        subject=OPERATOR,
        description="Operators set how much an organization may have.",
    ),
    BuiltInPolicy(
        name="organization-overseers-who-can",
        resource_type="organization",
        actions=["organization.who_can"],
        subject=OVERSEER,
        description="Operators and auditors see who may do what in every organization.",
    ),
    BuiltInPolicy(
        name="organization-owners-manage",
        resource_type="organization",
        actions=["organization.manage_members", "organization.who_can"],
        subject=OWNER,
        description="Owners decide who belongs to their organization, and see who may do what in it.",
    ),
    BuiltInPolicy(
        name="organization-people-create",
        resource_type="organization",
        actions=["organization.create"],
        subject=PERSON,
        description="Every person may found an organization; a service account may not.",
    ),
    BuiltInPolicy(
        name="organization-staff-view",
        resource_type="organization",
        actions=["organization.view"],
        subject=STAFF,
        description="Reviewers, operators and auditors see every organization.",
    ),
)
