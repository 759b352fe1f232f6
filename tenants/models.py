from tenants.apps.models.environment import ConfigVariable, Environment
from tenants.apps.models.plugin_app import PluginApp
from tenants.audit.models import AuditChain, AuditEvent
from tenants.names.models.custom_domain import CustomDomain, HeldName, RegistrableDomain
from tenants.names.models.subdomain import Subdomain
from tenants.names.models.zone import Zone
from tenants.organizations.models.organization import Membership, Organization
from tenants.organizations.models.quota import Quota
from tenants.people.models.credentials import ApiToken, IdempotencyKey
from tenants.people.models.invitation import Invitation
from tenants.people.models.second_factor import RecoveryCode, SecondFactor
from tenants.people.models.user import User
from tenants.policies.models.grants import PluginAppUserObjectPermission, ReleaseUserObjectPermission
from tenants.policies.models.policy import AccessPolicy, AccessPolicyVersion, AccessStamp, Freeze
from tenants.releases.models.authorship import MembershipPeriod, ReleaseContributor, ServiceAccountKeeper, VariableEdit
from tenants.releases.models.release import Release, Review
from tenants.reviews.models import ReviewScope, ShownDifference, ShownFile

__all__ = [
    "AccessPolicy",
    "AccessPolicyVersion",
    "AccessStamp",
    "ApiToken",
    "AuditChain",
    "AuditEvent",
    "ConfigVariable",
    "CustomDomain",
    "Environment",
    "Freeze",
    "HeldName",
    "IdempotencyKey",
    "Invitation",
    "Membership",
    "MembershipPeriod",
    "Organization",
    "PluginApp",
    "PluginAppUserObjectPermission",
    "Quota",
    "RecoveryCode",
    "RegistrableDomain",
    "Release",
    "ReleaseContributor",
    "ReleaseUserObjectPermission",
    "Review",
    "ReviewScope",
    "SecondFactor",
    "ServiceAccountKeeper",
    "ShownDifference",
    "ShownFile",
    "Subdomain",
    "User",
    "VariableEdit",
    "Zone",
]
