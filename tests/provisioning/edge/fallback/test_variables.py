"""What a worker of the real php-fpm has of variables: every value to the letter, wherever a plugin looks."""

import json

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from provisioning.containers.rendering.php_stack import VARIABLES
from provisioning.containers.rendering.variables import render_variables
from tests.provisioning.edge.fallback.stage import Machine, Plugin

NAMES = st.from_regex(r"\A(?:V_[A-Z0-9_]{0,20}|PERL5OPT|OPENSSL_CONF|LD_PRELOAD|PHPRC|TZ|LC_ALL|NULL|E_ALL|TRUE)\Z")
PLAIN = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=60)
ODD = st.text(st.sampled_from(list("'\"\\${}()`;#?><\n\r\t =@[]%&|~!ä\U0001f600\u2028\x01\x7f")), max_size=40)
PAGE = """<?php
$found = [];
foreach (json_decode(file_get_contents('php://input')) as $name) {
    $found[$name] = array_map(fn ($value) => is_string($value) ? bin2hex($value) : null,
        [getenv($name), getenv($name, true), $_ENV[$name] ?? null, $_SERVER[$name] ?? null]);
}
echo json_encode((object) $found);"""


def test_every_value_arrives_to_the_letter(machine: Machine) -> None:
    plugin = machine.plugin(31, {"index.php": PAGE}).served()
    file = plugin.root / VARIABLES[1:]

    @given(variables=st.dictionaries(NAMES, PLAIN | ODD, min_size=1, max_size=20))
    @hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def arrive(variables: dict[str, str]) -> None:
        # The host keeps no compiled code: each request reads the file again.
        file.write_bytes(render_variables(variables).encode())
        assert asked(plugin, variables) == {name: [value.encode().hex()] * 4 for name, value in variables.items()}

    arrive()


def asked(plugin: Plugin, variables: dict[str, str]) -> object:
    return json.loads(plugin.get("/", method="POST", body=json.dumps(sorted(variables))).body)


def test_what_a_request_says_is_not_written_over(machine: Machine) -> None:
    page = "<?php echo $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['HTTP_X_OWN'], ' ', getenv('HTTP_X_OWN');"
    plugin = machine.plugin(32, {"index.php": page}).served({"REQUEST_METHOD": "PUT", "HTTP_X_OWN": "variable"})
    assert plugin.get("/", **{"X-Own": "visitor"}).body == "GET visitor visitor"


def test_values_of_one_request_are_not_left_to_the_next(machine: Machine) -> None:
    page = "<?php echo getenv('KEY'), getenv('OTHER') ?: '-'; putenv('KEY=changed'); putenv('OTHER=left');"
    plugin = machine.plugin(33, {"index.php": page}).served({"KEY": "kept"})
    assert {plugin.get().body for _ in range(6)} == {"kept-"}
