"""What every call of the OpenAPI document answers when it refuses, and with which status."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

PROBLEM = {
    "type": "object",
    "description": "A refusal (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "example": "urn:berth:error:invalid_input"},
        "title": {"type": "string"},
        "status": {"type": "integer", "example": 400},
        "detail": {"type": "string"},
        "code": {"type": "string", "example": "invalid_input"},
        "errors": {
            "type": "array",
            "description": "What is wrong, by field. If there are more than 100, or their texts are long, the last has "
            "the code more_errors and says how many are left out.",
            "items": {
                "type": "object",
                "required": ["field", "message", "code"],
                "properties": {
                    "field": {"type": "string"},
                    "message": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
        "request_id": {"type": "string"},
        "quota": {
            "type": "object",
            "description": "With the code quota_exceeded: what is limited, how much of it is in use, and the limit.",
            "required": ["name", "used", "limit"],
            "properties": {
                "name": {"type": "string", "example": "apps"},
                "used": {"type": "integer"},
                "limit": {"type": "integer"},
            },
        },
    },
}
REFUSALS = {
    400: "Something in the request is not valid; `errors` names the fields",
    401: "No valid token or session, or wrong credentials",
    403: "Not allowed, or the token is not for it; `code` and `detail` say why",
    404: "Nothing here that you may see",
    406: "The API speaks JSON: accept it",
    409: "Not as things stand now; `code` and `detail` say what is in the way",
    411: "The body's length is missing",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "The Idempotency-Key was used for another request",
    429: "Too many requests; see Retry-After",
    502: "Something behind Berth refused",
    503: "Not available right now; see Retry-After",
}
# What the operations answer beside what every one of their kind does (see `DocumentedSchema`).
ALSO = {
    "access_explain_retrieve": {403, 404},
    "access_who_can_retrieve": {403, 404},
    "apps_destroy": {409},
    "apps_environments_domains_check_create": {409},
    "apps_environments_domains_destroy": {409},
    "apps_environments_logs_retrieve": {403},
    "apps_environments_partial_update": {409},
    "apps_environments_variables_destroy": {400, 409},
    "apps_environments_variables_update": {409},
    "apps_partial_update": {409},
    "certificates_list": {404},
    "dns_accounts_create": {404, 409},
    "dns_accounts_list": {404},
    "dns_accounts_partial_update": {409},
    "dns_providers_list": {404},
    "freezes_create": {409},
    "freezes_end_create": {409},
    "held_names_list": {404},
    "held_names_release_create": {409},
    "hosts_list": {404},
    "invitations_accept_create": {409},
    "invitations_decline_create": {409},
    "me_git_token_create": {502},
    "me_git_token_destroy": {502},
    "me_git_token_list": {502},
    "me_git_token_revoke": {502},
    "organizations_invitations_destroy": {409},
    "organizations_members_destroy": {400, 409},
    "organizations_members_partial_update": {409},
    "organizations_service_accounts_tokens_create": {409},
    "policies_create": {404, 409},
    "policies_list": {404},
    "policies_partial_update": {409},
    "recovery_codes_renew": {409},
    "releases_approve_create": {409},
    "releases_archive_retrieve": {409, 502},
    "releases_cancel_create": {409},
    "releases_diff_file_retrieve": {409, 502},
    "releases_diff_retrieve": {409, 502},
    "releases_files_content_retrieve": {409, 502},
    "releases_files_retrieve": {409, 502},
    "releases_reject_create": {409},
    "second_factor": {403},
    "token_create": {409},
    "second_factor_confirm": {409},
    "second_factor_enroll": {409},
    "second_factor_remove": {400, 409},
    "user_second_factor_reset": {409},
    "users_partial_update": {409},
    "zones_adopt_create": {409, 502},
    "zones_apply_create": {409, 502},
    "zones_create": {404, 409},
    "zones_hosting_update": {409},
    "zones_list": {404},
    "zones_move_destroy": {400, 409, 502},
    "zones_move_update": {409, 502},
    "zones_plan_retrieve": {403, 409, 502},
}
_WRITES = {"POST", "PUT", "PATCH", "DELETE"}
_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


class DocumentedSchema(AutoSchema):
    """Adds to every operation each refusal that it can answer: by what it takes, and by `ALSO`. There is no `default`:
    a status that is not documented is a fault."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is not None:
            for status in sorted(self._refusals(operation)):
                operation["responses"].setdefault(str(status), _refusal(status))
        return operation

    def _refusals(self, operation: dict[str, Any]) -> set[int]:
        # 400 for a query parameter, a key or a body that it does not take, whatever else it takes.
        statuses = {400, 406, 503} | ALSO.get(operation["operationId"], set())
        asked_for = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", [])}
        if "requestBody" in operation:
            statuses |= {400, 411, 413, 415}
        if any(place != "path" for place, _ in asked_for):
            statuses |= {400}
        if ("header", "Idempotency-Key") in asked_for:
            statuses |= {409, 422}
        if any(place == "path" for place, _ in asked_for):
            statuses |= {404}
        if self.view.throttle_classes:
            statuses |= {429}
        if operation.get("security"):
            statuses |= {401, 403} if self.method in _WRITES else {401}
        return statuses


def _refusal(status: int) -> dict[str, Any]:
    refusal: dict[str, Any] = {"description": REFUSALS[status], "content": _CONTENT}
    if status in {429, 503}:
        refusal["headers"] = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
    return refusal


def document_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Adds the body of a refusal."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    return result
