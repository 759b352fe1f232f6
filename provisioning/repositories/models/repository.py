from django.conf import settings
from django.db import models

from provisioning.repositories.choices import GitTokens
from tenants.fields import EncryptedTextField


class ForgeAccount(models.Model):
    """The forge user of one person, made on first need."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="forge_account")
    forge_user_id = models.PositiveBigIntegerField(unique=True)
    forge_username = models.CharField(max_length=200)
    git_tokens = models.CharField(
        max_length=10,
        choices=GitTokens,
        default=GitTokens.NONE,
        help_text="Whether tokens for git were given out. They end with the account, also where it comes back at once.",
    )

    git_tokens_given_at = models.DateTimeField(
        null=True, blank=True, help_text="Those of a service account end with each person who kept it then."
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(git_tokens__in=GitTokens.values), name="forge_account_git_tokens_known"
            ),
        ]

    def __str__(self) -> str:
        return self.forge_username


class Repository(models.Model):
    """What the forge holds for one app: the developer's code repository and the platform's management repository."""

    app = models.OneToOneField("tenants.PluginApp", on_delete=models.CASCADE, related_name="repository")
    code_project_id = models.PositiveBigIntegerField(null=True, blank=True)
    code_path = models.CharField(max_length=255, blank=True)
    code_http_url = models.CharField(max_length=500, blank=True)
    management_project_id = models.PositiveBigIntegerField(null=True, blank=True)
    management_path = models.CharField(max_length=255, blank=True)
    webhook_id = models.PositiveBigIntegerField(null=True, blank=True)
    webhook_token = EncryptedTextField(blank=True)
    code_webhook_id = models.PositiveBigIntegerField(null=True, blank=True)
    has_all_pushes = models.BooleanField(
        default=True,
        help_text="False: it is older than the record of pushes, which has yet to begin with what there is.",
    )
    pushes_read_at = models.DateTimeField(null=True, blank=True)
    code_read_token_id = models.PositiveBigIntegerField(null=True, blank=True)
    code_read_token_expires_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.code_path


class WebhookDelivery(models.Model):
    """A webhook delivery that was taken: the same one again is without effect."""

    delivery_id = models.CharField(max_length=100, unique=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.delivery_id
