"""What a benchmark answers: figures with what they are compared with, as `bench.json` keeps them and as a table."""

import json
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_COMPARED = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class Target:
    """What a figure is to reach: `value <= 4` in the figure's unit, or `ratio >= 0.95`, which has none."""

    of: Literal["value", "ratio"]
    comparison: Literal["<=", ">="]
    limit: float

    def __str__(self) -> str:
        return f"{self.of} {self.comparison} {self.limit:g}"


@dataclass(frozen=True)
class Figure:
    """One measured value. `reference` says what `reference_value`, of the same unit, is; `samples` are only printed.

    The ratio is value by reference, and None where the reference is zero: a target on the ratio is then not met.
    """

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float
    target: Target
    samples: Sequence[float] = ()

    @property
    def ratio(self) -> float | None:
        return self.value / self.reference_value if self.reference_value else None

    @property
    def is_met(self) -> bool:
        found = self.value if self.target.of == "value" else self.ratio
        return found is not None and bool(_COMPARED[self.target.comparison](found, self.target.limit))

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": _rounded(self.value),
            "unit": self.unit,
            "reference": self.reference,
            "reference_value": _rounded(self.reference_value),
            "ratio": None if self.ratio is None else _rounded(self.ratio),
            "target": str(self.target),
            "met": self.is_met,
        }


def write(path: Path, figures: Sequence[Figure]) -> None:
    """A JSON list, one object for each figure. Nobody ever reads half of it."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")
    partial.replace(path)


def table(figures: Sequence[Figure]) -> str:
    """For a terminal: one line a figure, with least and greatest sample, and below each what it is compared with."""
    heading = ("figure", "value", "min - max", "reference", "ratio", "target", "met")
    rows = [
        (
            figure.name,
            f"{_short(figure.value)} {figure.unit}",
            f"{_short(min(figure.samples))} - {_short(max(figure.samples))}" if figure.samples else "",
            _short(figure.reference_value),
            "" if figure.ratio is None else _short(figure.ratio),
            str(figure.target),
            "yes" if figure.is_met else "NO",
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in (heading, *rows)) for column in range(len(heading))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heading, *rows)]
    references = [f"  {figure.name}: against {figure.reference}" for figure in figures]
    return "\n".join([*(line.rstrip() for line in lines), "", *references])


def _rounded(number: float) -> float:
    """Four digits are more than a measurement of this kind has; whole numbers stay whole."""
    return number if number == int(number) else float(f"{number:.4g}")


def _short(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) or abs(number) >= 1000 else f"{number:.3g}"
