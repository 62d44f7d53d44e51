"""A bound on what a worker allocates while it looks into something that a stranger wrote."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def bounded(space: int) -> Generator[None]:
    """Leaves the process so many bytes of new addresses; no bound where the platform has none.

    It holds for every thread: nothing else may take much meanwhile.
    """
    taken = _addresses()
    if taken is None:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    bound = taken + space
    if hard != resource.RLIM_INFINITY:
        bound = min(bound, hard)
    resource.setrlimit(resource.RLIMIT_AS, (bound, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _addresses() -> int | None:
    """Bytes of addresses that the process has taken; None where nobody says."""
    try:
        with open("/proc/self/statm", "rb") as told:  # noqa: PTH123  not worth a Path
            pages = int(told.read().split()[0])
    except OSError:
        return None
    import resource

    return pages * resource.getpagesize()
