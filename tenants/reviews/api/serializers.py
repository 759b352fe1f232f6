"""Decisions on releases, as clients send and get them."""

from typing import Any

from rest_framework import serializers

from tenants.releases.models.release import Review
from tenants.rest.fields import StrictSerializer, Text
from tenants.reviews.choices import ReviewDecision
from tenants.reviews.services.readings import NOT_SAID


class ReviewSerializer(serializers.ModelSerializer[Review]):
    reviewer = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    decision = serializers.ChoiceField(choices=ReviewDecision.choices, read_only=True)

    class Meta:
        model = Review
        fields = ["reviewer", "decision", "comment", "digest", "created_at"]


class EarlierDecisionSerializer(serializers.ModelSerializer[Review]):
    """What somebody decided on the same commit before, in any environment of the app."""

    release = serializers.IntegerField(source="release_id", read_only=True)
    release_number = serializers.IntegerField(source="release.number", read_only=True)
    environment = serializers.CharField(source="release.environment.name", read_only=True)
    reviewer = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)

    class Meta:
        model = Review
        fields = ["release", "release_number", "environment", "decision", "reviewer", "comment", "digest", "created_at"]
        read_only_fields = fields


class Decision(StrictSerializer):
    digest = Text(help_text="The digest of the release as you read it")
    comment = Text(required=False, default="")


class Approval(Decision):
    base_release = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=NOT_SAID,
        help_text="The difference's `base_release`: refused if something else is live by now",
    )
    acknowledged = serializers.ListField(
        child=Text(),
        required=False,
        default=list,
        max_length=50_000,
        help_text="The paths, as the difference names them, of changed files that it does not show you whole",
    )


class Rejection(Decision):
    comment = Text(help_text="Why: the developers read it. Not empty.")
