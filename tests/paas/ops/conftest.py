from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paas.ops.installation import Installation, installation


@pytest.fixture
def berth(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "home") as found:
        yield found
