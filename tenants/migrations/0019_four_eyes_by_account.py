"""Four eyes look at accounts: who pushed, submitted, set a variable, was a member. An address in a commit is a claim."""

import uuid

from django.db import migrations

ALL = {"match_all": True}
DECIDE = ["release.approve", "release.reject"]
OWN_RELEASE = "own_release"

# As in 0005: name, actions, resource, description, code.
NEW = [
    ("release-not-former-member", DECIDE, {"former_members__contains": "$subject.id"},
     "somebody who was no member since the last approved release must decide on it", OWN_RELEASE),
    ("release-pushers-known", ["release.approve"], {"authors_state__ne": "known"},
     "nobody approves a release before it is known who pushed each of its commits", "authors_unknown"),
]
# name: resource and description as they become, and as they were.
CHANGED = {
    "release-not-own-commit": (
        ({"pushers__contains": "$subject.id"}, "somebody who pushed none of its commits must decide on it"),
        ({"commit_author_emails__contains": "$subject.email"},
         "the commit's author or committer has your e-mail address: somebody else must decide on it"),
    ),
    "release-not-own-submission": (
        ({"submitters__contains": "$subject.id"}, "somebody else must decide on it"),
        ({"submitted_by": "$subject.id"}, "you submitted this release: somebody else must decide on it"),
    ),
    "release-not-own-variables": (
        ({"variable_editors__contains": "$subject.id"}, "somebody who set none of its variables must decide on it"),
        ({"variable_editors__contains": "$subject.id"},
         "you were the last to change one of the release's variables: somebody else must decide on it"),
    ),
}


def load(apps, schema_editor):
    policies = apps.get_model("tenants", "AccessPolicy")
    versions = apps.get_model("tenants", "AccessPolicyVersion")
    for name, actions, resource, description, code in NEW:
        content = {
            "description": description,
            "effect": "deny",
            "actions": actions,
            "resource_type": "release",
            "subject": ALL,
            "resource": resource,
            "context": ALL,
            "code": code,
            "is_enabled": True,
        }
        row = policies.objects.create(name=name, is_built_in=True, **content)
        versions.objects.create(policy=row, version=1, content={"name": name, **content})
    for name, (new, _old) in CHANGED.items():
        change(apps, name, new)
    renew_stamp(apps)


def unload(apps, schema_editor):
    built_in = apps.get_model("tenants", "AccessPolicy").objects.filter(name__in=[policy[0] for policy in NEW])
    apps.get_model("tenants", "AccessPolicyVersion").objects.filter(policy__in=built_in).delete()
    built_in.delete()
    for name, (_new, old) in CHANGED.items():
        change(apps, name, old)
    renew_stamp(apps)


def change(apps, name, wanted):
    """The next version of a built-in policy. Whether it is enabled stays as operators left it."""
    row = apps.get_model("tenants", "AccessPolicy").objects.filter(name=name, is_built_in=True).first()
    if row is None:
        return
    row.resource, row.description = wanted
    row.version += 1
    row.save(update_fields=["resource", "description", "version"])
    content = {
        field: getattr(row, field)
        for field in ("name", "description", "effect", "actions", "resource_type", "subject", "resource", "context",
                      "code", "is_enabled")
    }
    apps.get_model("tenants", "AccessPolicyVersion").objects.create(policy=row, version=row.version, content=content)


def renew_stamp(apps):
    apps.get_model("tenants", "AccessStamp").objects.update_or_create(name="policies", defaults={"stamp": uuid.uuid4()})


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0018_editors_are_contributors'),
    ]

    operations = [
        migrations.RunPython(load, unload),
    ]
