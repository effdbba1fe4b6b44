"""What deploy/ names exists: metrics in alerts and dashboards, settings in the example."""

import json
import re
from pathlib import Path

import pytest
import yaml

from gateway.ops.metrics import Metrics
from gateway.settings import load, remarks

DEPLOY = Path(__file__).parents[2] / "deploy"
ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def declared() -> set[str]:
    """Return every name under which a series can appear."""
    return {
        family.name + ending for family in Metrics().registry.collect() for ending in ENDINGS.get(family.type, ("",))
    }


@pytest.mark.parametrize("name", ["prometheus/rules.yml", "grafana/triptych.json"])
def test_alerts_and_dashboards_name_metrics_that_exist(name: str) -> None:
    """A metric that was renamed must not leave an alert that never fires."""
    named = set(re.findall(r"\btriptych_[a-z_]+", "\n".join(expressions(DEPLOY / name))))
    assert named
    assert named <= declared()


def expressions(path: Path) -> list[str]:
    """Return the queries of an alert file or a dashboard."""
    if path.suffix == ".json":
        panels = json.loads(path.read_text())["panels"]
        return [target["expr"] for panel in panels for target in panel["targets"]]
    return [rule["expr"] for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def test_the_example_settings_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """They load, and nothing about them is wrong or doubtful."""
    monkeypatch.setenv("IMGEN_KEY", "secret")
    settings = load(DEPLOY / "triptych.toml", {})
    assert remarks(settings, frozenset({"ima2", "sdcpp", "imgen"})) == []


@pytest.mark.parametrize("name", ["compose.yaml", "kubernetes.yaml", "prometheus/prometheus.yml"])
def test_manifests_can_be_read(name: str) -> None:
    """They are YAML, and not empty."""
    assert all(yaml.safe_load_all((DEPLOY / name).read_text()))
