"""What a version may do to the contract of the one before it: Semantic Versioning, read strictly."""

from contracts.compare.change import Verdict


def needs_release(verdict: Verdict, before: str, now: str) -> str | None:
    """Return in words what version a change needs, if `now` is not enough after `before`; None if it is.

    Breaking changes need a greater major version; below 1.0 a greater minor one. Additive ones can go into any
    version, as long as it is not an older one.
    """
    was, is_now = _numbers(before), _numbers(now)
    if is_now < was:
        return f"{now} is older than {before}"
    if verdict != "breaking":
        return None
    part, place = ("major", 0) if was[0] else ("minor", 1)
    if is_now[: place + 1] > was[: place + 1]:
        return None
    return f"a breaking change after {before} needs a new {part} version, and this is {now}"


def _numbers(version: str) -> tuple[int, int, int]:
    """Return the three numbers of a version; what follows them does not count here."""
    major, minor, patch = version.partition("-")[0].partition("+")[0].split(".")
    return int(major), int(minor), int(patch)
