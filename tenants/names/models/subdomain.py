from django.db import models


class Subdomain(models.Model):
    """A hostname that the edge serves for an environment. Names are stored in lower case, without a trailing dot."""

    environment = models.ForeignKey("Environment", on_delete=models.CASCADE, related_name="subdomains")
    hostname = models.CharField(max_length=253, unique=True)
    zone = models.ForeignKey(
        "Zone",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="subdomains",
        help_text="Where the platform made the name; empty for one of the setting BERTH_APPS_DOMAIN alone.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.hostname
