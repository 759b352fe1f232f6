"""The file of variables is PHP that gives every value back to the letter, as PHP itself says."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from provisioning.containers.rendering.variables import encode_variables, render_variables

NAMES = st.from_regex(r"\A[A-Z_][A-Z0-9_]{0,20}\Z")
TEXTS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=60)
ODD = st.text(st.sampled_from(list("'\"\\${}()`;#?><\n\r\t =@[]%&|~!ä\U0001f600\u2028\x01\x7f")), max_size=40)
# Names and values in hexadecimal, one a line.
READ = "<?php foreach (require $argv[1] as $n => $v) { echo bin2hex((string) $n), ' ', bin2hex($v), \"\\n\"; }"


@given(variables=st.dictionaries(NAMES, TEXTS | ODD, max_size=30))
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_the_real_php_reads_every_value_to_the_letter(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "variables.php").write_bytes(render_variables(variables).encode())
    (tmp_path / "read.php").write_text(READ)
    said = subprocess.run(
        ["php8.2", "-n", str(tmp_path / "read.php"), str(tmp_path / "variables.php")],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = dict(line.split(" ") for line in said.splitlines())
    assert {bytes.fromhex(name).decode(): bytes.fromhex(value).decode() for name, value in found.items()} == variables


@pytest.mark.parametrize("name", ["A=B", "A B", "", "1A", "A\nB", "Ä", "A" * 65, "A'", "A\\"])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="variables"):
        render_variables({name: "the-value"})


@pytest.mark.parametrize("value", ["the-value\0", "the-value\ud800", "the-value" * 4096])
def test_a_refused_variable_keeps_its_value_to_itself(value: str) -> None:
    with pytest.raises(ValueError, match="TOKEN") as refused:
        render_variables({"TOKEN": value})
    assert "the-value" not in str(refused.value)


def test_variables_that_no_ci_variable_can_carry_are_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="too large"):
        encode_variables(render_variables({"BIG": os.urandom(9000).hex()}))
    assert len(encode_variables(render_variables({"SMALL": "x"}))) < 1000
