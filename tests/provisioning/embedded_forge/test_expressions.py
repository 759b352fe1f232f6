"""Expressions of `rules: if`."""

import pytest

from provisioning.embedded_forge.ci.expressions import InvalidExpression, check, holds

VARIABLES = {"A": "one", "EMPTY": "", "PATTERN": "/^o.e$/", "BRANCH": "release/1.2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", True),
        ("$EMPTY", False),
        ("$ABSENT", False),
        ('$A == "one"', True),
        ("$A != 'one'", False),
        ("$ABSENT == null", True),
        ("$EMPTY == null", False),
        ('$EMPTY == ""', True),
        ('"one" == $A', True),
        ("$A =~ /^ONE$/i", True),
        ("$A =~ /two/", False),
        ("$A !~ /two/", True),
        ("$A =~ $PATTERN", True),
        (r"$BRANCH =~ /^release\/\d+\.\d+$/", True),
        ("$ABSENT =~ /./", False),
        ("$ABSENT !~ /./", True),
        ('$A == "one" && $ABSENT', False),
        ('$A == "two" || $A', True),
        # `&&` binds more tightly than `||`.
        ("$A || $ABSENT && $ABSENT", True),
        ("($A || $ABSENT) && $ABSENT", False),
        ("  ( ( $A ) )  ", True),
    ],
)
def test_an_expression_is_evaluated_as_gitlab_does(text: str, expected: bool) -> None:
    assert holds(text, VARIABLES) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$A ==",
        "== $A",
        "$A = 'x'",
        "($A",
        "$A)",
        "$A $A",
        "A",
        "$A && ",
        "!$A",
        "'open",
        "(" * 100 + "$A" + ")" * 100,
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(InvalidExpression):
        check(text)


def test_a_regular_expression_that_never_ends_is_given_up() -> None:
    with pytest.raises(InvalidExpression):
        holds("$A =~ /^(a+)+$/", {"A": "a" * 5000 + "b"})
