"""What a text from outside may look like: the promises in the messages, and what hostile texts get."""

import re
import subprocess
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants import validators
from tenants.exceptions import InvalidInput

TEXT = st.text(max_size=60)


def is_taken(check: Callable[..., Any], *args: Any) -> bool:
    try:
        check(*args)
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize("slug", ["a", "a1", "my-plugin", "a" * 40, "x-y-z"])
def test_plain_slugs_are_taken(slug: str) -> None:
    assert validators.slug(slug) == slug


@pytest.mark.parametrize(
    "slug",
    [
        *(
            "",
            "-a",
            "a-",
            "1a",
            "A",
            "a_b",
            "a.b",
            "a b",
            "a\n",
            "a/b",
            "../x",
            "-rf",
            "ä",
            "a" * 41,
            "xn--abc",
            "ab--c",
        ),
        *("admin", "www", "api", "forge", "edge", "mail", "con", "nul", "aux", "com1", "lpt9", "a\x00", "a;b", "${x}"),
    ],
)
def test_slugs_that_could_break_out_or_are_reserved_are_refused(slug: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        validators.slug(slug)
    assert list(refused.value.errors) == ["slug"]


@given(TEXT)
def test_a_taken_slug_is_a_dns_label(slug: str) -> None:
    if is_taken(validators.slug, slug):
        assert re.fullmatch(r"[a-z0-9-]{1,63}", slug)
        assert not slug.startswith("-")
        assert not slug.endswith("-")
        assert slug.encode("idna").decode() == slug


@given(TEXT)
def test_a_taken_name_is_one_printable_line(name: str) -> None:
    if is_taken(validators.display_name, name):
        # Python calls no space but the first printable; there are others, for other scripts.
        assert all(char.isprintable() or unicodedata.category(char) == "Zs" for char in name)
        assert len(name.splitlines()) == 1
        assert 1 <= len(name) <= 100


@pytest.mark.parametrize(
    "name", ["", "a" * 101, "a\x00b", "a\nb", "a\x1b[31m", " a", "a ", "a\u202eb", "a\u200bb", "a\u2028b", "\ud800"]
)
def test_names_with_what_cannot_be_seen_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        validators.display_name(name)


@pytest.mark.parametrize("name", ["A", "Straße 7", "日本語", "O'Neil & Sons <b>", "a" * 100])
def test_names_in_any_script_are_taken(name: str) -> None:
    assert validators.display_name(name) == name


@pytest.mark.parametrize("ref", ["main", "v1.0", "feature/x", "refs/heads/main", "0" * 40, "abc1234", "a-b_c", "größe"])
def test_refs_that_git_knows_are_taken(ref: str) -> None:
    assert validators.ref(ref) == ref


@pytest.mark.parametrize(
    "ref",
    [
        *("", "-x", "--upload-pack=x", "a..b", "a@{1}", "@", "a b", "a\tb", "a~1", "a^", "a:b", "a?b", "a*b", "a[b"),
        *("a\\b", "a.", "a/", "/a", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a\x00", "a\x7f", "a\n", "x" * 256),
        *("ä" * 128, "a\u202eb"),
    ],
)
def test_refs_that_git_or_a_shell_could_read_otherwise_are_refused(ref: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        validators.ref(ref)
    assert list(refused.value.errors) == ["ref"]


_REF_PIECES = st.lists(
    st.sampled_from(
        ["a", "b", "/", ".", "..", "@", "{", "@{", "-", "~", "^", ":", " ", "\\", ".lock", "*", "é", "\x01"]
    ),
    min_size=1,
    max_size=6,
).map("".join)


@given(_REF_PIECES)
def test_a_taken_ref_is_one_that_git_takes(ref: str) -> None:
    if is_taken(validators.ref, ref):
        git = subprocess.run(["git", "check-ref-format", f"refs/heads/{ref}"], check=False, capture_output=True)
        assert git.returncode == 0


@pytest.mark.parametrize("name", ["A", "API_KEY", "X9", "PATHS", "A" * 64])
def test_plain_variable_names_are_taken(name: str) -> None:
    assert validators.variable_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "a",
            "1A",
            "_A",
            "A-B",
            "A=B",
            "A B",
            "A\n",
            "A" * 65,
            "Ä",
            "PATH",
            "HOME",
            "TMPDIR",
            "HTTP_PROXY",
            "HTTP_HOST",
            "REMOTE_ADDR",
            "SCRIPT_FILENAME",
            "BERTH_X",
        ),
    ],
)
def test_variable_names_that_a_request_or_the_platform_sets_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        validators.variable_name(name)


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PERL5OPT", "OPENSSL_CONF", "PHPRC", "GCONV_PATH", "SERVER_KEY", "CI"])
def test_names_that_programs_act_on_are_the_plugins_own_since_no_program_gets_them(name: str) -> None:
    assert validators.variable_name(name) == name


def test_a_refused_value_is_not_repeated_in_the_error() -> None:
    for value in ("s3cret\x00", "s3cret" * 1000, "s3cret\ud800"):
        with pytest.raises(InvalidInput) as refused:
            validators.variable_value(value)
        assert "s3cret" not in str(refused.value.errors)
        assert "s3cret" not in refused.value.detail


@given(st.text(max_size=5000))
def test_a_taken_value_fits_and_has_no_nul(value: str) -> None:
    if is_taken(validators.variable_value, value):
        assert len(value.encode()) <= 4096
        assert "\x00" not in value


def test_an_environments_variables_together_have_at_most_6000_bytes_as_json() -> None:
    validators.variables_size({"A": "x" * (6000 - len('{"A":""}'))})
    with pytest.raises(InvalidInput, match="6000"):
        validators.variables_size({"A": "x" * (6001 - len('{"A":""}'))})


@pytest.mark.parametrize("path", ["/", "/health", "/a/b.php?x=1&y=2", "/~me/%20", "/a..b"])
def test_plain_health_check_paths_are_taken(path: str) -> None:
    assert validators.health_check_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "health",
            "http://x/",
            "/a b",
            "/a\n",
            "/a;b",
            "/a{",
            "/$x",
            "/a'b",
            '/a"',
            "/`id`",
            "/a?b?c",
            "/#x",
            "/ä",
        ),
        *("/..", "/../x", "/a/../b", "/%2e%2e/x", "/%2E./x", "/..%2fx", "/" + "a" * 200, "/a\\b"),
    ],
)
def test_health_check_paths_that_could_break_out_are_refused(path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        validators.health_check_path(path)
    assert list(refused.value.errors) == ["health_check_path"]


@given(TEXT.map("/".__add__))
def test_a_taken_health_check_path_has_only_what_the_grammar_names(path: str) -> None:
    if is_taken(validators.health_check_path, path):
        assert re.fullmatch(r"[A-Za-z0-9._~/%?=&-]+", path)
        assert "/../" not in f"{path}/"


@pytest.mark.parametrize(("name", "bounds"), validators.LIMITS.items())
def test_limits_take_their_range_and_name_it_when_they_refuse(name: str, bounds: tuple[int, int]) -> None:
    low, high = bounds
    assert (validators.limit(name, low), validators.limit(name, high)) == bounds
    for value in (low - 1, high + 1, -1, 10**30, True, "64", 1.5, None):
        with pytest.raises(InvalidInput, match=f"from {low} to {high}"):
            validators.limit(name, value)


def test_all_refused_fields_are_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        validators.together(
            lambda: validators.slug("A"), lambda: validators.display_name("x"), lambda: validators.stack("cobol")
        )
    assert set(refused.value.errors) == {"slug", "stack"}


@given(st.text(max_size=200))
def test_a_taken_username_is_plain(name: str) -> None:
    if is_taken(validators.username, name):
        assert re.fullmatch(r"[A-Za-z0-9._@+-]{1,150}", name)
