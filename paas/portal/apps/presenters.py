"""Settings of an environment in the words of a page."""


def cores(cpu_millis: int) -> str:
    """`0.5 of a core`, `2 cores`."""
    return "1 core" if cpu_millis == 1000 else f"{cpu_millis / 1000:g} {'cores' if cpu_millis > 1000 else 'of a core'}"
