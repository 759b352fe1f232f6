"""The built-in policies of this room."""

from tenants.policies.built_in import MEMBER, OVERSEER, REVIEWER, BuiltInPolicy

POLICIES = (
    BuiltInPolicy(
        name="audit-members-view",
        resource_type="audit_event",
        actions=["audit.view", "audit.export"],
        subject=MEMBER,
        description="Members read and export their organization's part of the audit trail.",
    ),
    BuiltInPolicy(
        name="audit-overseers-view",
        resource_type="audit_event",
        actions=["audit.view", "audit.export"],
        subject=OVERSEER,
        description="Operators and auditors read and export the whole audit trail.",
    ),
    BuiltInPolicy(
        name="audit-reviewers-view",
        resource_type="audit_event",
        actions=["audit.view"],
        subject=REVIEWER,
        resource={"app__isnull": False},
        description="Reviewers read the timelines of apps.",
    ),
)
