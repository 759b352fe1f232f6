"""Serializer fields that take a JSON type as it is, and serializers that take no field they don't know."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class Text(serializers.CharField):
    """A JSON string. No number is made into one, no space is cut off: the service says what is allowed."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        kwargs.setdefault("allow_blank", True)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a text", code="wrong_type")
        return data


class WholeNumber(serializers.IntegerField):
    """A JSON number without a fraction; no text, no boolean."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("must be a whole number", code="wrong_type")
        return data


class Flag(serializers.BooleanField):
    """JSON true or false; no text, no number."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false", code="wrong_type")
        return data


class StrictSerializer(serializers.Serializer[Any]):
    """What a client sends: a field that is not declared is refused by its name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data if name not in self.fields)
            if unknown:
                raise serializers.ValidationError(
                    {name: ["is not a field of this call: remove it"] for name in unknown}, code="unknown_field"
                )
        return super().to_internal_value(data)


MAX_LISTED = 50


class TextList(serializers.ListField):
    """A JSON list of texts, at most 50."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Text(max_length=100), max_length=MAX_LISTED, **kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        # Before each is looked at, so that the refusal of many is no longer than that of one.
        if isinstance(data, list) and len(data) > MAX_LISTED:
            raise serializers.ValidationError(f"has {len(data)} values: use at most {MAX_LISTED}", code="max_length")
        return list(super().to_internal_value(data))
