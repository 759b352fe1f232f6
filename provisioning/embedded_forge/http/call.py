"""One REST call: its path parameters, its checked parameters, its caller, and what the caller may reach."""

from functools import cached_property
from typing import Any

from django.http import HttpRequest

from provisioning.embedded_forge import access, configuration
from provisioning.embedded_forge.http import parameters
from provisioning.embedded_forge.http.authentication import Caller
from provisioning.embedded_forge.http.errors import ApiError, forbidden, not_found, unauthorized
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.models import Namespace, Project, User


class Call:
    """What an endpoint is given. `path` holds the decoded parameters of the route."""

    def __init__(self, request: HttpRequest, path: dict[str, str], caller: Caller, base_url: str) -> None:
        self.request = request
        self.path = path
        self.caller = caller
        # Scheme, host and mount point as the client sees them, for Link headers.
        self.base_url = base_url
        self._found: list[tuple[str, Project | Namespace]] = []

    @property
    def user(self) -> User:
        if self.caller.user is None:
            raise unauthorized()
        return self.caller.user

    @property
    def is_admin(self) -> bool:
        return self.caller.user is not None and self.caller.user.is_admin

    @cached_property
    def sent(self) -> dict[str, Any]:
        """All parameters: the body wins over the query, the path over both."""
        body = self.request.read(configuration.max_request_bytes() + 1)
        if len(body) > configuration.max_request_bytes():
            raise ApiError(413, {"message": "413 Request Entity Too Large"})
        query = parameters.parse_nested(self.request.META.get("QUERY_STRING", ""))
        return query | parameters.parse_body(self.request.content_type or "", body)

    def fields(self, **fields: Field) -> dict[str, Any]:
        return parameters.check(self.sent, fields)

    def number(self, name: str, what: str = "") -> int:
        """A numeric path parameter; anything else does not exist."""
        text = self.path[name]
        if not (text.isascii() and text.isdigit() and len(text) < 18):
            raise not_found(what)
        return int(text)

    def require_admin(self) -> None:
        if not self.is_admin:
            raise forbidden()

    def project(self, name: str = "id") -> Project:
        """The project of the path, by id or full path. What the caller may not see is a 404."""
        reference = self.path[name]
        found = Project.objects.select_related("namespace", "namespace__owner", "creator")
        if reference.isascii() and reference.isdigit() and len(reference) < 18:
            project = found.filter(pk=int(reference)).first()
        else:
            project = found.filter(full_path__iexact=reference).first()
        if project is None or not access.may_see_project(self.caller, project):
            raise not_found("Project")
        self._found.append(("Project", project))
        return project

    def group(self, name: str = "id") -> Namespace:
        reference = self.path[name]
        groups = Namespace.objects.filter(owner=None)
        if reference.isascii() and reference.isdigit() and len(reference) < 18:
            group = groups.filter(pk=int(reference)).first()
        else:
            group = groups.filter(full_path__iexact=reference).first()
        if group is None or not access.may_see_group(self.caller, group):
            raise not_found("Group")
        self._found.append(("Group", group))
        return group

    def level(self, place: Project | Namespace) -> int:
        return access.level(self.caller, place)

    def require_still_there(self) -> None:
        """Raises the 404 of what this call found and somebody else has removed since: whatever failed, that is why."""
        for what, row in self._found:
            if not type(row)._default_manager.filter(pk=row.pk).exists():
                raise not_found(what)

    def require(self, place: Project | Namespace, level: int, reason: str = "") -> None:
        """Raises a 403 where the caller has less than `level` in the project or group."""
        if self.level(place) < level:
            raise forbidden(reason)
