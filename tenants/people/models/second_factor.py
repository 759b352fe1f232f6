from django.conf import settings
from django.db import models
from django_otp.models import Device, ThrottlingMixin, TimestampMixin

from tenants.fields import EncryptedTextField


class SecondFactor(TimestampMixin, ThrottlingMixin, Device):
    """Somebody's authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 s), at most one each.

    It counts once it is confirmed by a code. `secret` is encrypted at rest and shown once, when it is made.
    """

    # From the eleventh wrong code on the wait is 1,024 s: 84 guesses a day, of which each hits with 3 in a million, for
    # who has the password; and the owner is not shut out for days.
    MAX_FAILURES_COUNTED = 11

    name = None
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor")
    secret = EncryptedTextField(help_text="Base32, as authenticator apps take it.")
    confirmed = models.BooleanField(default=False)
    last_step = models.BigIntegerField(
        default=-1, help_text="The time step of the last code taken: only later ones are taken after it."
    )

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"the second factor of {self.user}"

    def get_throttle_factor(self) -> int:
        return 1


class RecoveryCode(models.Model):
    """One of the codes that stand in for a lost authenticator, each once. Only its SHA-256 is kept.

    It has 80 random bits, so that neither a slow hash nor a wait after wrong ones is needed.
    """

    second_factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes")
    code_sha256 = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["second_factor", "code_sha256"], name="recovery_code_once_per_person"),
        ]

    def __str__(self) -> str:
        return f"a recovery code of {self.second_factor.user}"
