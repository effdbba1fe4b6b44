"""What `/metrics` tells at a moment, and samples that are wanted in it."""

from typing import NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families


class Want(NamedTuple):
    """A sample: its family, and labels that it has among others. It must grow, or be so much if a number is said."""

    family: str
    labels: dict[str, str]
    value: float | None = None


def want(family: str, value: float | None = None, **labels: str) -> Want:
    """Return a sample that is wanted."""
    return Want(family, labels, value)


def finished(backend: str, state: str, code: str) -> Want:
    """Return the count of jobs that ended so."""
    return want("jobs_finished", backend=backend, operation="image.generate", state=state, code=code)


def phases(backend: str, *names: str) -> tuple[Want, ...]:
    """Return the histograms of phases."""
    return tuple(want("job_phase_seconds", backend=backend, operation="image.generate", phase=name) for name in names)


class Scrape:
    """What `/metrics` tells at a moment."""

    def __init__(self, http: httpx.Client) -> None:
        """Ask."""
        self.text = http.get("/metrics").raise_for_status().text
        families = list(text_string_to_metric_families(self.text))
        ours = [family for family in families if family.name.startswith("triptych_")]
        self.labels = {name for family in ours for sample in family.samples for name in sample.labels}
        self._gauges = {family.name for family in families if family.type == "gauge"}
        self._samples = [sample for family in families for sample in family.samples]

    def is_gauge(self, family: str) -> bool:
        """Say whether a family goes up and down."""
        return f"triptych_{family}" in self._gauges

    def value(self, wanted: Want) -> float | None:
        """Return the sum of the samples that fit; None when there are none."""
        names = {f"triptych_{wanted.family}{end}" for end in ("", "_total", "_count")}
        found = [s.value for s in self._samples if s.name in names and wanted.labels.items() <= s.labels.items()]
        return sum(found) if found else None

    def shows(self, wanted: Want, before: "Scrape") -> bool:
        """Say whether a sample is as it is wanted."""
        now = self.value(wanted)
        if now is None or wanted.value is not None:
            return now is not None and now == wanted.value
        return now > (0 if self.is_gauge(wanted.family) else before.value(wanted) or 0)
