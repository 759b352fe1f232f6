"""What an endpoint gives back."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse

STATUS_BY_METHOD = {"POST": 201, "DELETE": 204}


@dataclass(frozen=True)
class Reply:
    """JSON `data`, or `raw` bytes of `content_type`. Without `status` the method decides, as with Grape."""

    data: Any = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json"

    def response(self, method: str) -> HttpResponse:
        status = self.status or STATUS_BY_METHOD.get(method, 200)
        if status == 204:
            content = b""
        elif self.raw is not None:
            content = self.raw
        else:
            content = json.dumps(self.data, cls=DjangoJSONEncoder, separators=(",", ":")).encode()
        length = str(len(content))
        response = HttpResponse(
            b"" if method == "HEAD" else content, status=status, content_type=self.content_type, headers=self.headers
        )
        if method == "HEAD":
            response["Content-Length"] = length
        if status == 204:
            del response["Content-Type"]
        response["Cache-Control"] = "max-age=0, private, must-revalidate"
        return response
