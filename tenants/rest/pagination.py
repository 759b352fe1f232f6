"""Lists come in pages, newest first: `results`, `next`, `previous`."""

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

MAX_PAGE_SIZE = 100


class CursorPages(CursorPagination):
    """`page_size` 1 to 100, 50 if left out. A cursor that is not one of ours is a 400."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get("page_size")
        if text is None:
            return self.page_size or 50
        if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_PAGE_SIZE):
            raise ValidationError({"page_size": [f"must be a whole number from 1 to {MAX_PAGE_SIZE}"]})
        return int(text)

    def decode_cursor(self, request: Request) -> Cursor | None:
        try:
            cursor: Any = super().decode_cursor(request)
        except NotFound:
            cursor, is_valid = None, False
        else:
            position = cursor.position if cursor is not None else None
            is_valid = position is None or (position.isascii() and position.isdigit() and len(position) <= 18)
        if not is_valid:
            raise ValidationError(
                {"cursor": ["is not a cursor of this list: follow `next` and `previous` as they are"]}
            )
        return cursor
