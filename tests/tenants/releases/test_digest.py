"""The digest: same in, same out; anything else in, something else out; nothing of a value can be read from it."""

import copy
import re

from django.test import override_settings
from hypothesis import assume, given
from hypothesis import strategies as st

from tenants.canonical import canonical_json
from tenants.releases.digest import release_digest

HEX = st.text("0123456789abcdef", min_size=40, max_size=64)
VARIABLES = st.dictionaries(st.text("ABC_", min_size=1, max_size=8), st.text(max_size=20), max_size=4)
PARTS = st.fixed_dictionaries(
    {
        "commit_sha": HEX,
        "configuration": st.fixed_dictionaries(
            {"stack": st.sampled_from(["php", "static"]), "memory_mib": st.integers(32, 4096)}
        ),
        "stack_version": st.integers(1, 99),
        "configuration_sha256": HEX,
        "variables": VARIABLES,
    }
)


@given(
    PARTS, PARTS, st.sampled_from(["commit_sha", "configuration", "stack_version", "configuration_sha256", "variables"])
)
def test_a_change_of_any_part_changes_the_digest(parts: dict, other: dict, name: str) -> None:
    assume(parts[name] != other[name])
    changed = copy.deepcopy(parts) | {name: other[name]}
    assert release_digest(**changed) != release_digest(**parts)


@given(PARTS)
def test_the_order_of_variables_and_their_spelling_do_not_matter(parts: dict) -> None:
    digest = release_digest(**parts)
    turned = dict(reversed(parts["variables"].items()))
    assert release_digest(**parts | {"variables": turned}) == digest
    assert release_digest(**parts | {"variables": canonical_json(turned).decode()}) == digest
    assert re.fullmatch("[0-9a-f]{64}", digest)


@given(PARTS)
def test_who_does_not_have_the_platforms_key_cannot_try_values(parts: dict) -> None:
    digest = release_digest(**parts)
    with override_settings(SECRET_KEY="another-key"):
        assert release_digest(**parts) != digest
