"""Errors with GitLab's status codes and bodies."""

from typing import Any


class ApiError(Exception):
    """Ends a call with `status` and a JSON `body`."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def unauthorized() -> ApiError:
    return ApiError(401, {"message": "401 Unauthorized"})


def invalid_token(description: str) -> ApiError:
    return ApiError(401, {"error": "invalid_token", "error_description": description})


def insufficient_scope(scopes: set[str]) -> ApiError:
    description = "The request requires higher privileges than provided by the access token."
    body = {"error": "insufficient_scope", "error_description": description, "scope": " ".join(sorted(scopes))}
    return ApiError(403, body)


def forbidden(reason: str = "") -> ApiError:
    return ApiError(403, {"message": f"403 Forbidden - {reason}" if reason else "403 Forbidden"})


def not_found(what: str = "") -> ApiError:
    """`what` is the resource as GitLab names it ("Project"); without one the body is that of a missing row."""
    return ApiError(404, {"message": f"404 {what} Not Found" if what else "404 Not found"})


def no_route() -> ApiError:
    return ApiError(404, {"error": "404 Not Found"})


def bad_request(reason: str) -> ApiError:
    """The services' own failures: the text alone."""
    return ApiError(400, {"message": reason})


def bad_request_prefixed(reason: str) -> ApiError:
    return ApiError(400, {"message": f"400 Bad request - {reason}"})


def invalid_parameters(problems: list[str]) -> ApiError:
    return ApiError(400, {"error": ", ".join(problems)})


def validation(**fields: list[str]) -> ApiError:
    return ApiError(400, {"message": fields})


def conflict(message: str = "409 Conflict") -> ApiError:
    return ApiError(409, {"message": message})


def unprocessable(error: str) -> ApiError:
    return ApiError(422, {"error": error})
