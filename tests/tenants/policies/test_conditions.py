"""What a policy may say: everything else is refused by the model itself, by path and with what is allowed instead."""

from typing import Any

import pytest

from tenants.exceptions import InvalidInput
from tenants.models import AccessPolicy

ALL = {"match_all": True}


EVERY_DAY = {"zone": "UTC", "weekdays": ["mon"]}


def policy(**fields: Any) -> AccessPolicy:
    said = {
        "name": "one",
        "description": "One.",
        "effect": "allow",
        "actions": ["release.view"],
        "resource_type": "release",
        "subject": ALL,
        "resource": ALL,
        "context": ALL,
    }
    return AccessPolicy(**said | fields)


REFUSED: list[tuple[dict[str, Any], str, list[str]]] = [
    # Effect, type, actions
    ({"effect": "permit"}, "effect", ["'permit'", "allow or deny"]),
    ({"effect": None}, "effect", ["None", "allow or deny"]),
    ({"resource_type": "server"}, "resource_type", ["'server'", "release", "app", "host"]),
    ({"resource_type": ["release"]}, "resource_type", ["release"]),
    ({"actions": ["release.destroy"]}, "actions", ["'release.destroy'", "release.view", "release.approve"]),
    ({"actions": ["app.view"]}, "actions", ["'app.view'", "release.view"]),
    ({"actions": ["release.view", "release.view"]}, "actions", ["twice"]),
    ({"actions": []}, "actions", ["release.view"]),
    ({"actions": "release.view"}, "actions", ["list", "release.view"]),
    ({"actions": {"release.view": True}}, "actions", ["list"]),
    ({"actions": [["release.view"]]}, "actions", ["release.view"]),
    ({"actions": None}, "actions", ["list"]),
    # Empty conditions, match_all
    *[
        ({field: empty}, field, ["empty condition", "match_all"])
        for field in ("subject", "resource", "context")
        for empty in ({}, [], [{}], [ALL, {}], None, "", "match_all", 0, True, [[]], [None])
    ],
    ({"subject": {"match_all": False}}, "subject", ["match_all"]),
    ({"subject": {"match_all": 1}}, "subject", ["match_all"]),
    ({"subject": {"match_all": "true"}}, "subject", ["match_all"]),
    ({"subject": {"match_all": True, "username": "ada"}}, "subject", ["match_all stands alone"]),
    ({"subject": [ALL]}, "subject", ["match_all stands alone"]),
    ({"resource": [{"state": "live"}, ALL]}, "resource", ["match_all stands alone"]),
    # Attributes
    ({"subject": {"is_superuser": True}}, "subject", ["is_superuser", "platform_roles", "username"]),
    ({"subject": {"password": "x"}}, "subject", ["password", "username"]),
    ({"subject": {"state": "live"}}, "subject", ["state", "username"]),
    ({"context": {"username": "ada"}}, "context", ["username", "address", "freeze", "time"]),
    ({"resource": {"notes": "x"}}, "resource", ["notes", "requested_ref", "state"]),
    ({"resource": {"variables": "x"}}, "resource", ["variables", "requested_ref"]),
    ({"resource": {"pk": 1}}, "resource", ["pk", "number"]),
    ({"resource": {"": 1}}, "resource", ["number"]),
    ({"resource": {"__exact": 1}}, "resource", ["__exact", "number"]),
    ({"resource": {1: 1}}, "resource", ["1", "number"]),
    ({"resource": {"State": "live"}}, "resource", ["State", "state"]),
    # Relations are not walked
    ({"resource": {"app__organization__name": "x"}}, "resource", ["app__organization__name", "organization_slug"]),
    ({"resource": {"app__number": 1}}, "resource", ["app__number", "lookup number", "exact"]),
    ({"resource": {"submitted_by__password": "x"}}, "resource", ["submitted_by__password", "lookup password", "in"]),
    ({"resource": {"submitted_by__password__startswith": "x"}}, "resource", ["submitted_by__password__startswith"]),
    ({"resource": {"submitted_by__username": "ada"}}, "resource", ["submitted_by__username"]),
    # Lookups
    ({"resource": {"state__regex": "a+$"}}, "resource", ["state__regex", "exact, ne, in, not_in, startswith"]),
    ({"resource": {"requested_ref__iexact": "x"}}, "resource", ["requested_ref__iexact", "startswith"]),
    ({"resource": {"number__in": [1]}}, "resource", ["number__in", "lt, lte, gt, gte"]),
    ({"resource": {"submitted_by__lt": 1}}, "resource", ["submitted_by__lt", "not_in"]),
    ({"resource": {"commit_author_emails": "a@x.test"}}, "resource", ["contains, excludes, overlaps, disjoint"]),
    ({"resource": {"created_at__isnull": True}}, "resource", ["created_at__isnull", "exact"]),
    ({"subject": {"has_second_factor__ne": True}}, "subject", ["has_second_factor__ne", "exact"]),
    ({"subject": {"groups": "staff"}}, "subject", ["groups", "contains"]),
    ({"context": {"time": EVERY_DAY}}, "context", ["time", "within, outside"]),
    ({"context": {"address": "10.0.0.1"}}, "context", ["address", "in_network, not_in_network, isnull"]),
    # Placeholders
    ({"resource": {"submitted_by": "$subject.pk"}}, "resource.submitted_by", ["$subject.pk", "$subject.id"]),
    ({"resource": {"submitted_by": "$user.id"}}, "resource.submitted_by", ["$user.id", "$subject.id"]),
    (
        {"resource": {"submitted_by": "$subject.username"}},
        "resource.submitted_by",
        ["$subject.username", "$subject.id"],
    ),
    ({"resource": {"organization__in": "$subject.id"}}, "resource.organization__in", ["$subject.organizations"]),
    ({"resource": {"organization": "$subject.organizations"}}, "resource.organization", ["$subject.id"]),
    ({"resource": {"organization__in": ["$subject.id"]}}, "resource.organization__in", ["$subject.id"]),
    ({"resource": {"state__in": ["$subject.groups"]}}, "resource.state__in", ["$subject.groups", "whole value"]),
    ({"resource": {"requested_ref__startswith": "$subject.username"}}, "resource.requested_ref__startswith", ["none"]),
    ({"resource": {"number": "$subject.id"}}, "resource.number", ["$subject.id", "none"]),
    ({"resource": {"went_live_at__isnull": "$subject.has_second_factor"}}, "resource.went_live_at__isnull", ["none"]),
    ({"resource": {"state": "$subject.role"}}, "resource.state", ["$subject.role", "$subject.username"]),
    ({"resource": {"created_at__lt": "$context.now"}}, "resource.created_at__lt", ["$context.now", "$context.time"]),
    ({"subject": {"username": "$subject.username"}}, "subject.username", ["resource conditions only"]),
    ({"context": {"address__in_network": "$subject.x"}}, "context.address__in_network", ["resource conditions only"]),
    # Types of values
    ({"resource": {"number": "1"}}, "resource.number", ["'1'", "whole number"]),
    ({"resource": {"number": True}}, "resource.number", ["True", "whole number"]),
    ({"resource": {"number": 1.0}}, "resource.number", ["1.0", "whole number"]),
    ({"resource": {"number": -1}}, "resource.number", ["-1", "whole number"]),
    ({"resource": {"number": 2**63}}, "resource.number", [str(2**63), "whole number"]),
    ({"resource": {"number": None}}, "resource.number", ["None", "whole number"]),
    ({"resource": {"submitted_by__in": 1}}, "resource.submitted_by__in", ["list"]),
    ({"resource": {"submitted_by__in": []}}, "resource.submitted_by__in", ["at least one"]),
    ({"resource": {"submitted_by__in": [1, True]}}, "resource.submitted_by__in", ["True", "whole number"]),
    ({"resource": {"requested_ref": 1}}, "resource.requested_ref", ["1", "text"]),
    ({"resource": {"requested_ref": None}}, "resource.requested_ref", ["None", "text"]),
    ({"resource": {"requested_ref": ["main"]}}, "resource.requested_ref", ["text"]),
    ({"resource": {"requested_ref": "a\x00"}}, "resource.requested_ref", ["text"]),
    ({"resource": {"requested_ref": "\ud800"}}, "resource.requested_ref", ["text"]),
    ({"resource": {"requested_ref": "a\udfff"}}, "resource.requested_ref", ["text"]),
    ({"resource": {"state": "alive"}}, "resource.state", ["'alive'", "live", "awaiting_review"]),
    ({"resource": {"state__in": ["live", "alive"]}}, "resource.state__in", ["'alive'", "live"]),
    ({"subject": {"platform_roles__contains": "root"}}, "subject.platform_roles__contains", ["'root'", "operator"]),
    ({"subject": {"role": "boss"}}, "subject.role", ["'boss'", "owner, maintainer, developer, none"]),
    ({"subject": {"has_second_factor": 1}}, "subject.has_second_factor", ["1", "true or false"]),
    ({"subject": {"has_second_factor": "yes"}}, "subject.has_second_factor", ["'yes'", "true or false"]),
    ({"resource": {"went_live_at__isnull": 0}}, "resource.went_live_at__isnull", ["0", "true or false"]),
    ({"resource": {"created_at__lt": "yesterday"}}, "resource.created_at__lt", ["'yesterday'", "zone"]),
    ({"resource": {"created_at__lt": "2026-01-31T12:00:00"}}, "resource.created_at__lt", ["zone"]),
    ({"resource": {"created_at__lt": "2026-02-31T12:00:00Z"}}, "resource.created_at__lt", ["zone"]),
    ({"resource": {"created_at__lt": "0001-01-01T00:00:00+02:00"}}, "resource.created_at__lt", ["zone"]),
    ({"resource": {"created_at__lt": 1}}, "resource.created_at__lt", ["1"]),
    ({"context": {"authentication_method": "magic"}}, "context.authentication_method", ["'magic'", "session", "token"]),
    # Networks
    ({"context": {"address__in_network": "10.0.0.0/33"}}, "context.address__in_network", ["10.0.0.0/33", "10.0.0.0/8"]),
    ({"context": {"address__in_network": "10.0.0.1/8"}}, "context.address__in_network", ["10.0.0.1/8"]),
    ({"context": {"address__in_network": "intranet"}}, "context.address__in_network", ["'intranet'"]),
    ({"context": {"address__in_network": []}}, "context.address__in_network", ["at least one"]),
    ({"context": {"address__in_network": [10]}}, "context.address__in_network", ["network"]),
    ({"context": {"address__in_network": 167772160}}, "context.address__in_network", ["network"]),
    ({"context": {"address__in_network": {}}}, "context.address__in_network", ["network"]),
    # Sizes
    ({"subject": [{"username": "ada"}] * 21}, "subject", ["at most 20 alternatives of 20"]),
    ({"resource": [{"number": 1}, dict.fromkeys("abcdefghijklmnopqrstu", 1)]}, "resource", ["of 20 attributes"]),
    ({"resource": {"submitted_by__in": list(range(201))}}, "resource.submitted_by__in", ["201 values", "at most 200"]),
    ({"resource": {"requested_ref": "x" * 301}}, "resource.requested_ref", ["301 characters", "at most 300"]),
    ({"context": {"address__in_network": ["10.0.0.1"] * 201}}, "context.address__in_network", ["at most 200"]),
    # Windows
    *[
        ({"context": {"time__within": value}}, f"context.time__within{path}", said)
        for value, path, said in [
            ("09:00-17:00", "", ["object with zone"]),
            ({"from": "09:00", "to": "17:00"}, "", ["zone"]),
            ({"zone": "UTC"}, "", ["zone alone"]),
            ({"zone": "UTC", "from": None, "to": None}, "", ["zone alone"]),
            ({"zone": "Mars/Olympus", "from": "09:00"}, "", ["'Mars/Olympus'", "IANA", "Europe/Berlin"]),
            ({"zone": "../../etc/passwd", "from": "09:00"}, "", ["no time zone"]),
            ({"zone": "", "from": "09:00"}, "", ["no time zone"]),
            ({"zone": ["UTC"], "from": "09:00"}, "", ["no time zone"]),
            ({"zone": "UTC", "weekdays": ["monday"]}, "", ["weekdays", "mon, tue"]),
            ({"zone": "UTC", "weekdays": ["mon", "tuesday"]}, "", ["weekdays", "mon, tue"]),
            ({"zone": "UTC", "weekdays": []}, "", ["weekdays", "at least one"]),
            ({"zone": "UTC", "weekdays": None}, "", ["weekdays"]),
            ({"zone": "UTC", "weekdays": "mon"}, "", ["weekdays"]),
            ({"zone": "UTC", "weekdays": [["mon"]]}, "", ["weekdays"]),
            ({"zone": "UTC", "weekdays": [0]}, "", ["weekdays"]),
            ({"zone": "UTC", "from": "09:00", "to": "09:00"}, "", ["the same"]),
            ({"zone": "UTC", "from": "24:00"}, ".from", ["'24:00'", "23:59"]),
            ({"zone": "UTC", "to": "9:00"}, ".to", ["'9:00'"]),
            ({"zone": "UTC", "to": 9}, ".to", ["9"]),
            ({"zone": "UTC", "from": "09:00\n"}, ".from", ["09:00"]),
            ({"zone": "UTC", "from": "09:00", "until": "10:00"}, "", ["zone, and of weekdays, from and to"]),
        ]
    ],
]


@pytest.mark.django_db
@pytest.mark.parametrize(("fields", "path", "said"), REFUSED)
def test_what_is_not_declared_is_refused_by_the_model(fields: dict[str, Any], path: str, said: list[str]) -> None:
    before = AccessPolicy.objects.count()
    with pytest.raises(InvalidInput) as refusal:
        policy(**fields).save()
    assert list(refusal.value.errors) == [path]
    [message] = refusal.value.errors[path]
    assert [part for part in said if part not in message] == []
    assert AccessPolicy.objects.count() == before


@pytest.mark.django_db
def test_a_stored_policy_stays_as_it_was_when_a_change_is_refused() -> None:
    row = policy()
    row.save()
    row.resource = {"owner": 1}
    with pytest.raises(InvalidInput):
        row.save()
    row.refresh_from_db()
    assert row.resource == ALL


ACCEPTED: list[dict[str, Any]] = [
    {},
    {"effect": "deny", "actions": ["release.approve", "release.reject"], "resource": {"submitted_by": "$subject.id"}},
    {"resource": {"submitted_by__ne": "$subject.id"}},
    {"resource": {"organization__in": "$subject.organizations"}},
    {"resource": {"organization__not_in": "$subject.organizations", "state__in": ["live", "failed"]}},
    {"resource": {"commit_author_emails__contains": "$subject.email"}},
    {"resource": {"commit_author_emails__overlaps": "$subject.groups"}},
    {"resource": {"variable_editors__excludes": "$subject.id"}},
    {"resource": {"created_at__lte": "$context.time"}},
    {"resource": {"created_at__gt": "2026-01-31T12:00:00+01:00"}},
    {"resource": {"went_live_at__isnull": True}},
    {"resource": {"number": 0, "requested_ref__startswith": "release/"}},
    {"resource": {"requested_ref": ""}},
    {"resource": {"requested_ref": "x" * 300, "submitted_by__in": list(range(200))}},
    {
        "resource": {
            **{f"number__{lookup}": 1 for lookup in ("exact", "ne", "lt", "lte", "gt", "gte")},
            **{f"created_at__{lookup}": "2026-01-31T12:00:00Z" for lookup in ("exact", "ne", "lt", "lte", "gt", "gte")},
            **{f"requested_ref__{lookup}": "x" for lookup in ("exact", "ne", "startswith")},
            **{f"state__{lookup}": "live" for lookup in ("exact", "ne")},
            **{f"submitted_by__{lookup}": 1 for lookup in ("exact", "ne")},
            "app": 1,
        }
    },
    {"subject": [{"username": "ada"}] * 20, "context": {"address__in_network": ["10.0.0.1"] * 200}},
    {"resource": [{"state": "live"}, {"state__exact": "failed", "number__gt": 2**63 - 1}]},
    {"subject": [{"role": "none"}, {"role__in": ["owner", "maintainer"]}]},
    {"subject": {"has_second_factor": True, "is_service_account": False, "groups__disjoint": ["a", "b"]}},
    {"context": {"freeze": False, "authentication_method__ne": "token"}},
    {"context": {"address__in_network": "10.0.0.0/8"}},
    {
        "context": {
            "address__not_in_network": ["10.0.0.1", "2001:db8::/32", "::ffff:192.168.0.0/112", "::ffff:0:0/96", "::/0"]
        }
    },
    {"context": {"address__isnull": True}},
    {
        "context": {
            "time__within": {"zone": "Europe/Berlin", "weekdays": ["mon", "fri"], "from": "22:00", "to": "06:00"}
        }
    },
    {"context": {"time__outside": {"zone": "UTC", "from": "09:00"}}},
    {"context": {"time__outside": {"zone": "UTC", "to": "00:00"}}},
]


@pytest.mark.django_db
@pytest.mark.parametrize("fields", ACCEPTED)
def test_what_is_declared_is_stored_as_it_was_written(fields: dict[str, Any]) -> None:
    row = policy(**fields)
    row.save()
    stored = AccessPolicy.objects.get(pk=row.pk)
    assert {name: getattr(stored, name) for name in fields} == fields
