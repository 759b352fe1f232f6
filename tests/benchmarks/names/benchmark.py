"""How soon a new app's name is answered for, what a plan of a large zone takes, and 100 apps that come at once."""

from tests.benchmarks.figures import Figure
from tests.benchmarks.names import allocation, burst, planning
from tests.benchmarks.stage import Stage


def measure(stage: Stage) -> list[Figure]:
    return [*allocation.measure(stage), *burst.measure(stage), *planning.measure(stage)]
