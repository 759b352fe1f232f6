"""The two decisions of a reviewer."""

from django.db import models


class ReviewDecision(models.TextChoices):
    APPROVE = "approve"
    REJECT = "reject"
