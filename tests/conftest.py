"""How the tests are shared out between two workers: end-to-end tests first and on one, other files whole."""

from pathlib import Path

import pytest

END_TO_END = Path(__file__).parent / "end_to_end"


# Before pytest-xdist's own, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The end-to-end tests use one platform, and take longest."""
    items.sort(key=lambda item: END_TO_END not in item.path.parents)
    for item in items:
        group = "end-to-end" if END_TO_END in item.path.parents else str(item.path.relative_to(Path(__file__).parent))
        item.add_marker(pytest.mark.xdist_group(group))
