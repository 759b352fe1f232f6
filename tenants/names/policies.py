"""The built-in policies of this room."""

from tenants.policies.built_in import KEEPER, MEMBER, OPERATOR, OVERSEER, STAFF, BuiltInPolicy

POLICIES = (
    BuiltInPolicy(
        name="domain-keepers-manage",
        resource_type="custom_domain",
        actions=["domain.create", "domain.check", "domain.remove"],
        subject=KEEPER,
        description="Owners and maintainers add domains of their own, have them checked, and remove them.",
    ),
    BuiltInPolicy(
        name="domain-members-view",
        resource_type="custom_domain",
        actions=["domain.view"],
        subject=MEMBER,
        description="Members see the domains of their organization's apps, and what is to be set for them.",
    ),
    BuiltInPolicy(
        name="domain-staff-view",
        resource_type="custom_domain",
        actions=["domain.view"],
        subject=STAFF,
        description="Reviewers, operators and auditors see every domain.",
    ),
    BuiltInPolicy(
        name="held-name-operators-release",
        resource_type="held_name",
        actions=["held_name.release"],
        subject=OPERATOR,
        description="Operators end the hold on a name before its time.",
    ),
    BuiltInPolicy(
        name="held-name-overseers-view",
        resource_type="held_name",
        actions=["held_name.view"],
        subject=OVERSEER,
        description="Operators and auditors see which names are held, until when, why, and for whom.",
    ),
    BuiltInPolicy(
        name="zone-operators-manage",
        resource_type="zone",
        actions=["zone.create", "zone.change", "dns.plan", "dns.apply"],
        subject=OPERATOR,
        description="Operators say where apps get their names, plan what name servers hold, and apply it.",
    ),
    BuiltInPolicy(
        name="zone-overseers-view",
        resource_type="zone",
        actions=["zone.view"],
        subject=OVERSEER,
        description="Operators and auditors see the zones, and the records in them.",
    ),
)
