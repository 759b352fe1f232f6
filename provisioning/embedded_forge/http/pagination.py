"""Offset pages with GitLab's headers, and keyset pages by id."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet

from provisioning.embedded_forge.http.call import Call
from provisioning.embedded_forge.http.parameters import Field
from provisioning.embedded_forge.http.reply import Reply

MAX_PER_PAGE = 100


def paginate(call: Call, rows: Sequence[Any] | QuerySet[Any], show: Callable[[Any], Any]) -> Reply:
    """One page of `rows`, each as `show` makes it."""
    values = call.fields(
        page=Field("integer", default=1),
        per_page=Field("integer", default=20),
        pagination=Field(),
        id_after=Field("integer"),
    )
    per_page = min(max(values["per_page"], 1), MAX_PER_PAGE)
    if values.get("pagination") == "keyset" and isinstance(rows, QuerySet):
        return _keyset(call, rows, show, per_page, values.get("id_after"))
    page = max(values["page"], 1)
    total = rows.count() if isinstance(rows, QuerySet) else len(rows)
    start = (page - 1) * per_page
    return page_of(
        call, [show(row) for row in rows[start : start + per_page]], page=page, per_page=per_page, total=total
    )


def page_of(call: Call, shown: list[Any], *, page: int, per_page: int, total: int) -> Reply:
    """The answer with the headers of page `page` out of `total` rows."""
    pages = max(-(-total // per_page), 1)
    following = page + 1 if page < pages else None
    previous = page - 1 if page > 1 else None
    numbers = (("prev", previous), ("next", following), ("first", 1), ("last", pages))
    links = [
        f'<{_link(call, page=number, per_page=per_page)}>; rel="{name}"'
        for name, number in numbers
        if number is not None
    ]
    headers = {
        "Link": ", ".join(links),
        "X-Page": str(page),
        "X-Per-Page": str(per_page),
        "X-Next-Page": str(following or ""),
        "X-Prev-Page": str(previous or ""),
        "X-Total": str(total),
        "X-Total-Pages": str(pages),
    }
    return Reply(shown, headers=headers)


def _keyset(call: Call, rows: QuerySet[Any], show: Callable[[Any], Any], per_page: int, after: int | None) -> Reply:
    descending = str(call.sent.get("sort", "desc")).lower() != "asc"
    rows = rows.order_by("-pk" if descending else "pk")
    if after is not None:
        rows = rows.filter(pk__lt=after) if descending else rows.filter(pk__gt=after)
    found = list(rows[: per_page + 1])
    headers = {}
    if len(found) > per_page:
        headers["Link"] = f'<{_link(call, id_after=found[per_page - 1].pk, per_page=per_page)}>; rel="next"'
    return Reply([show(row) for row in found[:per_page]], headers=headers)


def _link(call: Call, **changed: int) -> str:
    query = {name: value for name, value in call.sent.items() if name not in changed}
    pairs: list[tuple[str, Any]] = []
    for name, value in (query | changed).items():
        if isinstance(value, list):
            pairs += [(f"{name}[]", item) for item in value]
        elif isinstance(value, dict):
            pairs += [(f"{name}[{key}]", item) for key, item in value.items()]
        else:
            pairs.append((name, value))
    return f"{call.base_url}?{urlencode(pairs)}"
