from tenants.models.audit import AuditEvent
from tenants.models.credentials import ApiToken, IdempotencyKey
from tenants.models.environment import ConfigVariable, Environment
from tenants.models.organization import Membership, Organization
from tenants.models.plugin_app import PluginApp
from tenants.models.release import Release, Review
from tenants.models.subdomain import Subdomain
from tenants.models.user import User

__all__ = [
    "ApiToken",
    "AuditEvent",
    "ConfigVariable",
    "Environment",
    "IdempotencyKey",
    "Membership",
    "Organization",
    "PluginApp",
    "Release",
    "Review",
    "Subdomain",
    "User",
]
