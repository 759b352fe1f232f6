"""Explicit grants on one row, as django-guardian keeps them, with direct foreign keys: policies' allows or these."""

from typing import Any

from django.conf import settings
from django.db import models
from guardian.models import UserObjectPermissionBase

from tenants.policies.resources import Attribute, Kind, ResourceType, register


class _Grant(UserObjectPermissionBase):
    """What a grant on any kind of row says; `content_object` is the row."""

    content_object: Any
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.user} may {self.permission.codename} {self.content_object}"


class PluginAppUserObjectPermission(_Grant):
    """One person may do something with one app and all that belongs to it."""

    content_object = models.ForeignKey("PluginApp", on_delete=models.CASCADE, related_name="grants")


class ReleaseUserObjectPermission(_Grant):
    """One person may do something with one release."""

    content_object = models.ForeignKey("Release", on_delete=models.CASCADE, related_name="grants")


APP_GRANT = register(
    ResourceType(
        name="app_grant",
        model=PluginAppUserObjectPermission,
        actions={"app_grant.view": "read", "app_grant.create": "operate", "app_grant.revoke": "operate"},
        attributes=(
            Attribute("user", Kind.ID),
            Attribute("permission", Kind.TEXT, "permission__codename"),
            Attribute("app", Kind.NUMBER, "content_object__number"),
            Attribute("organization", Kind.ID, "content_object__organization"),
        ),
        organization="content_object__organization",
        app="content_object",
        creates={"app_grant.create": ("app", lambda app: PluginAppUserObjectPermission(content_object=app))},
    )
)
RELEASE_GRANT = register(
    ResourceType(
        name="release_grant",
        model=ReleaseUserObjectPermission,
        actions={"release_grant.view": "read", "release_grant.create": "operate", "release_grant.revoke": "operate"},
        attributes=(
            Attribute("user", Kind.ID),
            Attribute("permission", Kind.TEXT, "permission__codename"),
            Attribute("release", Kind.ID, "content_object"),
            Attribute("app", Kind.NUMBER, "content_object__app__number"),
            Attribute("organization", Kind.ID, "content_object__app__organization"),
        ),
        organization="content_object__app__organization",
        app="content_object__app",
        creates={
            "release_grant.create": ("release", lambda release: ReleaseUserObjectPermission(content_object=release))
        },
    )
)
