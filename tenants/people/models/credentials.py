from django.conf import settings
from django.db import models

from tenants.policies.resources import Attribute, Kind, ResourceType, register


class ApiToken(models.Model):
    """A REST client's credential. The token is shown once; only its SHA-256 is kept.

    It can do what its user can, within `scopes`, and where one is named within one organization or one app.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    scopes = models.JSONField(default=list, help_text="Of read, deploy, review, operate.")
    organization = models.ForeignKey("Organization", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    app = models.ForeignKey("PluginApp", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    has_second_factor = models.BooleanField(
        default=False, help_text="Whether whoever made it had shown a second factor; policies may ask for it."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Of a service account's token alone. `created_by` is the account itself if the token was made with another one.
    keeper = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The person with whom a service account's token ends.",
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(organization=None) | models.Q(app=None), name="token_for_organization_or_app"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.name}"


class IdempotencyKey(models.Model):
    """The answer to a POST that carried `Idempotency-Key`: the same key again gets the same answer, once done.

    A row without `response_status` is a request under way (or one whose process died).
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    path = models.CharField(max_length=300)
    request_sha256 = models.CharField(max_length=64)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_body = models.JSONField(null=True, blank=True)
    # No foreign key: of what kind it is follows from the path.
    row_id = models.BigIntegerField(null=True, blank=True, help_text="What was created, and is in the answer.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_user")]

    def __str__(self) -> str:
        return self.key


TOKEN = register(
    ResourceType(
        name="token",
        model=ApiToken,
        actions={"token.view": "read", "token.create": "operate", "token.revoke": "operate"},
        attributes=(
            Attribute("user", Kind.ID),
            Attribute(
                "is_for_service_account",
                Kind.FLAG,
                matches=lambda is_one: models.Q(user__service_organization__isnull=not is_one),
                read=lambda row: row.user.is_service_account,
            ),
            Attribute("organization", Kind.ID, is_nullable=True),
        ),
        # Whose service account it is for: a person's token belongs to no organization.
        organization="user__service_organization",
        creates={"token.create": ("user", lambda user: ApiToken(user=user))},
    )
)
