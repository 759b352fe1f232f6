"""Pagination headers, parameters and error bodies."""

from typing import Any
from urllib.parse import urlsplit

import gitlab
import pytest

from tests.contracts.forge.conftest import Person, Raw
from tests.contracts.forge.server import Forge


@pytest.fixture
def five(filled: Any) -> Any:
    for number in range(5):
        filled.variables.create({"key": f"V{number}", "value": str(number)})
    return filled


def test_a_page_says_where_it_stands(raw: Raw, five: Any) -> None:
    answer = raw("GET", f"projects/{five.id}/variables?per_page=2&page=2")
    names = ("X-Page", "X-Per-Page", "X-Next-Page", "X-Prev-Page", "X-Total", "X-Total-Pages")
    assert [answer.headers[name] for name in names] == ["2", "2", "3", "1", "5", "3"]
    assert set(answer.links) == {"prev", "next", "first", "last"}
    assert "page=3" in answer.links["next"]["url"]


def test_links_lead_back_to_the_host_that_was_asked(raw: Raw, five: Any, forge: Forge) -> None:
    answer = raw("GET", f"projects/{five.id}/variables?per_page=2")
    following = answer.links["next"]["url"]
    assert urlsplit(following).netloc == urlsplit(forge.url).netloc
    assert [item["key"] for item in raw("GET", following.split("/api/v4/")[1]).json()] == ["V2", "V3"]


def test_the_last_page_has_no_next_and_an_empty_list_has_one_page(raw: Raw, five: Any) -> None:
    answer = raw("GET", f"projects/{five.id}/variables?per_page=2&page=3")
    assert answer.headers["X-Next-Page"] == ""
    assert "next" not in answer.links
    answer = raw("GET", f"projects/{five.id}/hooks")
    assert (answer.headers["X-Total"], answer.headers["X-Total-Pages"], answer.json()) == ("0", "1", [])


def test_a_link_carries_the_filters_along(raw: Raw, five: Any) -> None:
    for number in range(3):
        five.branches.create({"branch": f"f/{number}", "ref": "main"})
    answer = raw("GET", f"projects/{five.id}/repository/branches?search=f/&per_page=2")
    assert "search=f" in answer.links["next"]["url"]


def test_python_gitlab_walks_all_pages(five: Any) -> None:
    assert len(five.variables.list(iterator=True, per_page=2)) == 5
    assert [item.key for item in five.variables.list(get_all=True, per_page=2)] == ["V0", "V1", "V2", "V3", "V4"]


def test_keyset_pages_go_by_id(raw: Raw, five: Any, group: Any) -> None:
    for number in range(3):
        raw("POST", "projects", json={"name": f"p{number}", "namespace_id": group.id})
    answer = raw("GET", "projects?pagination=keyset&order_by=id&sort=asc&per_page=2")
    assert set(answer.links) == {"next"}
    first = [item["id"] for item in answer.json()]
    second = [item["id"] for item in raw("GET", answer.links["next"]["url"].split("/api/v4/")[1]).json()]
    assert max(first) < min(second)


def test_an_unknown_route_is_a_404_of_its_own_kind(raw: Raw) -> None:
    answer = raw("GET", "no/such/route")
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})
    assert answer.headers["Content-Type"] == "application/json"


def test_the_wrong_method_is_a_405(raw: Raw) -> None:
    assert raw("PATCH", "version").status_code == 405


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"name": "\\ud800"}'])
def test_a_body_that_is_no_json_object_is_a_400(raw: Raw, body: bytes) -> None:
    answer = raw("POST", "groups", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_forms_and_queries_nest_as_in_rails(raw: Raw, filled: Any) -> None:
    form = {"branch": "main", "commit_message": "form", "actions[][action]": "create", "actions[][file_path]": "f",
            "actions[][content]": "x"}  # fmt: skip
    assert raw("POST", f"projects/{filled.id}/repository/commits", data=form).status_code == 201
    answer = raw("GET", f"projects/{filled.id}/pipelines/1/jobs?scope[]=failed&scope[]=success")
    assert answer.status_code in {200, 404}


def test_an_empty_body_with_a_json_type_is_no_error(raw: Raw) -> None:
    assert raw("GET", "user", headers={"Content-Type": "application/json"}, data=b"").status_code == 200


def test_an_id_that_is_no_number_does_not_exist(raw: Raw, filled: Any) -> None:
    for path in ("users/9999999999999999999999", f"projects/{filled.id}/hooks/x", f"projects/{filled.id}/pipelines/-1"):
        assert raw("GET", path).status_code == 404, path


def test_a_null_byte_gets_nowhere(raw: Raw, filled: Any) -> None:
    answer = raw("POST", f"projects/{filled.id}/variables", json={"key": "K", "value": "a\0b"})
    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["path=../..", "path=/etc/../..", "path=a//b"])
def test_a_path_that_leaves_the_repository_is_not_there(raw: Raw, filled: Any, query: str) -> None:
    for what in ("tree", "commits"):
        answer = raw("GET", f"projects/{filled.id}/repository/{what}?{query}")
        assert answer.status_code in {404, 200}
        assert "etc" not in answer.text


@pytest.mark.parametrize("query", ["updated_after=yesterday", "status=unknown", "order_by=secret", "per_page=x"])
def test_a_filter_that_makes_no_sense_is_a_400(raw: Raw, filled: Any, query: str) -> None:
    assert raw("GET", f"projects/{filled.id}/pipelines?{query}").status_code == 400


def test_an_author_is_a_text_and_no_pattern(raw: Raw, filled: Any) -> None:
    answer = raw("GET", f"projects/{filled.id}/repository/commits", params={"author": "[a-"})
    assert (answer.status_code, answer.json()) == (200, [])


def test_an_administrator_may_act_for_somebody(admin: gitlab.Gitlab, raw: Raw, developer: Person, project: Any) -> None:
    assert raw("GET", f"user?sudo={developer.username}").json()["id"] == developer.id
    assert raw("GET", "user", headers={"Sudo": str(developer.id)}).json()["id"] == developer.id
    assert raw("PUT", f"projects/{project.id}?sudo={developer.id}", json={"description": "x"}).status_code == 403
    answer = raw("GET", "user?sudo=nobody-at-all")
    assert answer.status_code == 404
    with pytest.raises(gitlab.GitlabListError) as caught:
        developer.api.projects.list(sudo=admin.user.id if admin.user else 1, get_all=True)
    assert caught.value.response_code == 403
