"""Each check of the doctor belongs to a kind, which the documents list."""

import re
from pathlib import Path

import pytest

from paas import doctor
from paas.doctor.examine import ROOMS
from paas.doctor.kinds import KINDS, kind_of


@pytest.mark.django_db
def test_each_check_of_an_installation_has_a_kind_of_its_room() -> None:
    found = {room: [check.name for check in collect()] for room, collect in ROOMS.items()}
    assert {name for names in found.values() for name in names} > {"disk", "database", "repairs", "limits"}
    for room, names in found.items():
        for name in names:
            kind = kind_of(name)
            assert kind is not None, f"{name}: add its kind to paas/doctor/kinds.py"
            assert kind.room == room


def test_each_check_in_the_source_has_a_kind_and_each_kind_a_check() -> None:
    home = Path(doctor.__file__).parent
    written = {
        (path.stem, match[1].strip())
        for path in home.glob("*.py")
        if path.stem in ROOMS
        for match in re.finditer(r'Check\(f?"([^"{]+)', path.read_text())
    }
    assert written == {(kind.room, kind.name) for kind in KINDS}


@pytest.mark.parametrize(
    ("check", "name"),
    [
        ("disk", "disk"),
        ("zone example.com", "zone"),
        ("DNS account main", "DNS account"),
        ("DNS accounts", "DNS accounts"),
        ("engine of local", "engine of"),
        ("disks", None),
        ("zone", None),
    ],
)
def test_the_kind_of_a_check(check: str, name: str | None) -> None:
    kind = kind_of(check)
    assert (kind.name if kind else None) == name
