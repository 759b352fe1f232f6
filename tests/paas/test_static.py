"""The portal's files are served, and nothing else of the disk."""

import pytest
from django.test import Client


def test_a_file_is_served_with_its_type_and_may_be_kept() -> None:
    response = Client().get("/static/portal/portal.css")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/css")
    assert response.headers["Cache-Control"] == "max-age=3600"
    again = Client().get("/static/portal/portal.css", headers={"If-Modified-Since": response.headers["Last-Modified"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["../../manage.py", "%2e%2e/%2e%2e/manage.py", "/etc/passwd", "portal", "portal/", "absent.css", "portal/../../x"],
)
def test_nothing_else_is(path: str) -> None:
    assert Client().get(f"/static/{path}").status_code == 404


def test_it_is_not_written_to() -> None:
    assert Client().post("/static/portal/portal.css").status_code == 405
