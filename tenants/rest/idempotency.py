"""POSTs that create: the same `Idempotency-Key` with the same body gets the same answer and creates once.

The answer is kept in the transaction that creates, so a process that dies leaves both or neither. A key under which
nothing was created in 60 s may be taken over; a slow first holder then finds its claim gone and is rolled back.

Who may not see any more what was created gets no answer about it either, and still creates nothing.
"""

import hashlib
import re
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.access.finding import get_visible
from tenants.audit.services.unit_of_work import unit_of_work
from tenants.canonical import canonical_json
from tenants.exceptions import IdempotencyInProgress, IdempotencyKeyReused, InvalidInput
from tenants.people.models.credentials import IdempotencyKey
from tenants.policies.resources import ACTIONS, RESOURCE_TYPES
from tenants.rest.base import signed_in
from tenants.rest.permissions import declared_by

TAKE_OVER_AFTER = timedelta(seconds=60)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Your own name for this request, 1 to 200 printable ASCII characters. The same key with the same body "
    "gets the same answer again (with `Idempotency-Replayed: true`) and creates once.",
)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class IdempotentCreate(APIView):
    """A view whose POST creates one row. Fill in `create` and `represent`; document `IDEMPOTENCY_KEY`.

    `creates` names the row's resource type where it is another one than that of the action.

    `create` runs in a unit of work and raises to refuse. `represent` is asked twice: inside the transaction, and after
    it with the row read again, since receivers may have gone on with it. Keep secrets out of it: the answer is stored.
    """

    creates = ""

    def create(self, request: Request, **kwargs: Any) -> models.Model:
        raise NotImplementedError

    def represent(self, row: Any) -> Any:
        raise NotImplementedError

    def post(self, request: Request, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            with unit_of_work():
                row = self.create(request, **kwargs)
            row.refresh_from_db()
            return Response(self.represent(row), status=status.HTTP_201_CREATED)
        claim = _claim(request, key)
        if claim.response_status is not None:
            self._require_visible(request, claim)
            return Response(claim.response_body, status=claim.response_status, headers={"Idempotency-Replayed": "true"})
        try:
            with unit_of_work():
                row = self.create(request, **kwargs)
                _keep(claim, row, self.represent(row))
        except BaseException:
            # Nothing was created: the key is free for another try.
            _held(claim).delete()
            raise
        row.refresh_from_db()
        body = self.represent(row)
        IdempotencyKey.objects.filter(pk=claim.pk).update(response_body=body)
        return Response(body, status=status.HTTP_201_CREATED)

    def _require_visible(self, request: Request, claim: IdempotencyKey) -> None:
        """Raises `Http404` for a row that is gone, or that this person, with this token, may not see any more."""
        action = str(declared_by(self, "POST"))
        created = RESOURCE_TYPES[self.creates] if self.creates else ACTIONS[action]
        rows = created.model._default_manager.all()
        get_visible(rows, user=request.user, action=created.view_action, pk=claim.row_id)


def _claim(request: Request, key: str) -> IdempotencyKey:
    if not _KEY.fullmatch(key):
        raise InvalidInput.field("Idempotency-Key", "must be 1 to 200 printable ASCII characters without spaces")
    fingerprint = hashlib.sha256(
        canonical_json({"method": request.method, "path": request.path, "body": request.data})
    ).hexdigest()
    user = signed_in(request)
    now = timezone.now()
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                user=user, key=key, path=request.path[:300], request_sha256=fingerprint
            )
    except IntegrityError:
        row = IdempotencyKey.objects.filter(user=user, key=key).first()
    if row is None:
        raise IdempotencyInProgress("the first request with this key has just ended: send it again")
    if row.request_sha256 != fingerprint:
        raise IdempotencyKeyReused("Idempotency-Key: this key was used for another request: use a new one")
    if row.response_status is None:
        is_mine = row.created_at < now - TAKE_OVER_AFTER and _held(row).update(created_at=now)
        if not is_mine:
            raise IdempotencyInProgress("the first request with this key is still under way: ask again in a moment")
        row.created_at = now
    return row


def _held(claim: IdempotencyKey) -> models.QuerySet[IdempotencyKey]:
    """The claim's row, as long as nobody took it over and nothing was answered."""
    return IdempotencyKey.objects.filter(pk=claim.pk, created_at=claim.created_at, response_status=None)


def _keep(claim: IdempotencyKey, row: models.Model, body: Any) -> None:
    kept = {"response_status": status.HTTP_201_CREATED, "response_body": body, "row_id": row.pk}
    if not _held(claim).update(**kept):
        raise IdempotencyInProgress("another request took this key over: ask again in a moment")
