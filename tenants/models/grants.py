"""Explicit grants on one row, as django-guardian keeps them, with direct foreign keys: policies' allows or these."""

from django.conf import settings
from django.db import models
from guardian.models import UserObjectPermissionBase


class PluginAppUserObjectPermission(UserObjectPermissionBase):
    """One person may do something with one app and all that belongs to it."""

    content_object = models.ForeignKey("PluginApp", on_delete=models.CASCADE, related_name="grants")
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(UserObjectPermissionBase.Meta):
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.user} may {self.permission.codename} {self.content_object}"


class ReleaseUserObjectPermission(UserObjectPermissionBase):
    """One person may do something with one release."""

    content_object = models.ForeignKey("Release", on_delete=models.CASCADE, related_name="grants")
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(UserObjectPermissionBase.Meta):
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.user} may {self.permission.codename} {self.content_object}"
