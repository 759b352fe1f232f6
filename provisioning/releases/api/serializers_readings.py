"""How a release's contents look from outside. Texts and paths have every unseen character written out."""

from typing import Any

from rest_framework import serializers

from provisioning.releases.api.serializers import SettingChangeSerializer, VariableChangeSerializer

REASONS = ["binary", "too_large", "long", "other_part"]


class OmittedTextSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(REASONS)
    lines = serializers.IntegerField(help_text="How many lines of the difference are not in this answer.")
    part = serializers.IntegerField(allow_null=True, help_text="The part that has it whole; null for none.")
    detail = serializers.CharField(help_text="What to do about it.")


class OmissionsSerializer(serializers.Serializer[Any]):
    files = serializers.IntegerField(help_text="How many changed files this answer does not show whole.")
    lines = serializers.IntegerField()
    reasons = serializers.DictField(child=serializers.IntegerField(), help_text="How many files for which reason.")


class UnreadFileSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    reason = serializers.ChoiceField(REASONS)
    lines = serializers.IntegerField()


class FileDiffSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="A byte that is not UTF-8 is `\\xff`, a backslash is doubled.")
    address = serializers.CharField(help_text="The path for a query: percent-encoded.")
    old_path = serializers.CharField()
    new_path = serializers.CharField()
    status = serializers.ChoiceField(["added", "deleted", "modified", "renamed", "copied", "type changed"])
    old_type = serializers.CharField(allow_null=True, help_text="file, executable, symbolic link, submodule.")
    new_type = serializers.CharField(allow_null=True)
    old_mode = serializers.CharField(allow_null=True)
    new_mode = serializers.CharField(allow_null=True)
    old_size = serializers.IntegerField(help_text="In bytes.")
    new_size = serializers.IntegerField(help_text="In bytes.")
    old_blob = serializers.CharField(allow_null=True, help_text="git's id of the content: `git hash-object FILE`.")
    new_blob = serializers.CharField(allow_null=True)
    old_target = serializers.CharField(allow_null=True, help_text="Where a symbolic link led.")
    new_target = serializers.CharField(allow_null=True, help_text="Where a symbolic link leads.")
    note = serializers.CharField(help_text="In words: another type, another mode, where a link leads.")
    is_binary = serializers.BooleanField()
    lines = serializers.IntegerField(help_text="Of the whole difference.")
    lines_added = serializers.IntegerField()
    lines_removed = serializers.IntegerField()
    diff = serializers.CharField(help_text="Unified diff without the file header, as far as this answer has it.")
    omitted = OmittedTextSerializer(allow_null=True, help_text="What this answer does not have of the file.")
    is_new = serializers.BooleanField()
    is_deleted = serializers.BooleanField()
    is_renamed = serializers.BooleanField()


class ReleaseDiffSerializer(serializers.Serializer[Any]):
    """The changes in the environment: files, settings, and variables (a secret's value never)."""

    base = serializers.CharField(allow_null=True, help_text="The commit it is held against; null for nothing.")
    base_release = serializers.IntegerField(
        allow_null=True, help_text="The release it is held against: what is live, or was live when it was decided on."
    )
    base_number = serializers.IntegerField(allow_null=True, help_text="That release's number in its app.")
    base_is_gone = serializers.BooleanField(help_text="Its commit is gone from the repository: all files are shown.")
    head = serializers.CharField()
    digest = serializers.CharField()
    part = serializers.IntegerField()
    parts = serializers.IntegerField()
    omitted = OmissionsSerializer(help_text="What this part does not have.")
    unread = UnreadFileSerializer(
        many=True, help_text="What was not shown whole to you yet: an approval has to acknowledge each by its path."
    )
    files = FileDiffSerializer(many=True, help_text="Every changed file, in each part.")
    settings = SettingChangeSerializer(many=True)
    variables = VariableChangeSerializer(many=True)


class FileDiffPieceSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    address = serializers.CharField()
    offset = serializers.IntegerField()
    lines = serializers.IntegerField(help_text="Of the whole difference.")
    next_offset = serializers.IntegerField(allow_null=True, help_text="Null for the last piece.")
    diff = serializers.CharField()
    is_last = serializers.BooleanField()


class TreeFileSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    address = serializers.CharField()
    type = serializers.CharField()
    mode = serializers.CharField()
    size = serializers.IntegerField()
    blob = serializers.CharField()


class ReleaseTreeSerializer(serializers.Serializer[Any]):
    commit_sha = serializers.CharField()
    files = TreeFileSerializer(many=True)
