"""The answer of a benchmark: figures beside their references, as `bench.json` keeps them and as a table.

Speed is judged as a ratio: Berth and its reference take turns, each pair has a ratio, and the median of the ratios
counts. How fast the machine is at that moment meets both halves of a pair.
"""

import json
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Literal

_COMPARED = {"<=": operator.le, ">=": operator.ge}
Pairs = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Target:
    """The least or the most of a figure: `ratio >= 0.95`, or `value <= 0` for counts and sizes, which are not timed."""

    of: Literal["value", "ratio"]
    comparison: Literal["<=", ">="]
    limit: float

    def __str__(self) -> str:
        return f"{self.of} {self.comparison} {self.limit:g}"

    @property
    def text(self) -> str:
        """For people: `at most 0`, `at least 0.95 times`."""
        times = " times" if self.of == "ratio" else ""
        return f"at {'most' if self.comparison == '<=' else 'least'} {self.limit:g}{times}"


@dataclass(frozen=True)
class Figure:
    """One measured value. `reference` says what `reference_value`, of the same unit, is.

    `ratios` are those of the pairs it was measured in; its ratio is their median. Without pairs it is value by
    reference, and None where the reference is zero: a target on the ratio is then not met.
    """

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float
    target: Target
    ratios: Sequence[float] = ()

    @property
    def ratio(self) -> float | None:
        if self.ratios:
            return median(self.ratios)
        return self.value / self.reference_value if self.reference_value else None

    @property
    def spread(self) -> tuple[float, float] | None:
        """The quartiles of the ratios: half of all pairs lie between them."""
        if len(self.ratios) < 2:
            return None
        low, _median, high = quantiles(self.ratios, n=4, method="inclusive")
        return low, high

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
            "spread": None if self.spread is None else [_rounded(quartile) for quartile in self.spread],
            "pairs": len(self.ratios),
            "target": self.target.text,
            "met": self.is_met,
        }


def paired(name: str, pairs: Pairs, unit: str, reference: str, target: Target) -> Figure:
    """Of pairs of Berth's value and the other's, measured one after the other: their medians, and each pair's ratio."""
    return Figure(
        name,
        median(mine for mine, _theirs in pairs),
        unit,
        reference,
        median(theirs for _mine, theirs in pairs),
        target,
        [mine / theirs for mine, theirs in pairs],
    )


def write(path: Path, figures: Sequence[Figure]) -> None:
    """Replaces what an earlier run wrote."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps([figure.as_json() for figure in figures], indent=1) + "\n")
    beside.replace(path)


def table(figures: Sequence[Figure]) -> str:
    """For people, at the end of a run."""
    heading = ("figure", "value", "reference", "ratio", "quartiles", "target", "met")
    rows = [
        (
            figure.name,
            f"{short(figure.value)} {figure.unit}",
            short(figure.reference_value),
            "" if figure.ratio is None else short(figure.ratio),
            "" if figure.spread is None else " - ".join(short(quartile) for quartile in figure.spread),
            figure.target.text,
            "yes" if figure.is_met else "NO",
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in (heading, *rows)) for column in range(len(heading))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heading, *rows)]
    references = [f"  {figure.name}: against {figure.reference}" for figure in figures]
    return "\n".join([*(line.rstrip() for line in lines), "", *references])


def short(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) or abs(number) >= 1000 else f"{number:.3g}"


def _rounded(number: float) -> float:
    """Four digits are more than a measurement of this kind has; whole numbers stay whole."""
    return number if number == int(number) else float(f"{number:.4g}")
