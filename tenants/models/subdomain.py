from django.db import models


class Subdomain(models.Model):
    """A hostname that the edge serves for an environment. Names are stored in lower case, without a trailing dot."""

    environment = models.ForeignKey("Environment", on_delete=models.CASCADE, related_name="subdomains")
    hostname = models.CharField(max_length=253, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.hostname
