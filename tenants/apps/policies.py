"""The built-in policies of this room."""

from tenants.policies.built_in import KEEPER, MEMBER, OPERATOR, STAFF, BuiltInPolicy

POLICIES = (
    BuiltInPolicy(
        name="app-keepers-manage",
        resource_type="app",
        actions=["app.create", "app.change", "app.retire"],
        subject=KEEPER,
        description="Owners and maintainers create, change and retire their organization's apps.",
    ),
    BuiltInPolicy(
        name="app-members-view",
        resource_type="app",
        actions=["app.view"],
        subject=MEMBER,
        description="Members see their organization's apps.",
    ),
    BuiltInPolicy(
        name="app-staff-view",
        resource_type="app",
        actions=["app.view"],
        subject=STAFF,
        description="Reviewers, operators and auditors see every app.",
    ),
    BuiltInPolicy(
        name="environment-keepers-change",
        resource_type="environment",
        actions=["environment.change"],
        subject=KEEPER,
        description="Owners and maintainers change limits, health checks and variables.",
    ),
    BuiltInPolicy(
        name="environment-members-view",
        resource_type="environment",
        actions=["environment.view"],
        subject=MEMBER,
        description="Members see the environments of their organization's apps.",
    ),
    BuiltInPolicy(
        name="environment-operators-set-fallback",
        resource_type="environment",
        actions=["environment.set_fallback"],
        subject=OPERATOR,
        description="Operators choose what answers while the live containers do not; developers may not.",
    ),
    BuiltInPolicy(
        name="environment-staff-view",
        resource_type="environment",
        actions=["environment.view"],
        subject=STAFF,
        description="Reviewers, operators and auditors see every environment; never a variable's value.",
    ),
    BuiltInPolicy(
        name="logs-members-read",
        resource_type="environment",
        actions=["logs.read"],
        subject=MEMBER,
        description="Members read the logs of their organization's apps.",
    ),
    BuiltInPolicy(
        name="logs-operators-read",
        resource_type="environment",
        actions=["logs.read"],
        subject=OPERATOR,
        description="Operators read all logs; reviewers do not.",
    ),
)
