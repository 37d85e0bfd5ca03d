"""The alert rules, as Prometheus' own tool reads and tries them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from service.observability import metrics

PARTS = ("bucket", "sum", "count")
NUMBERS = [one for one in vars(metrics).values() if isinstance(one, Counter | Gauge | Histogram)]
FOLDER = Path(__file__).parents[1] / "deploy" / "monitoring"


@pytest.mark.parametrize(
    "arguments", [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml")]
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is missing: apt-get install prometheus")
    done = subprocess.run([promtool, *arguments], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def panels() -> list[tuple[str, str]]:
    """The title and an expression of every panel of the dashboard."""
    board = json.loads((FOLDER / "dashboard.json").read_text())
    return [(one["title"], target["expr"]) for one in board["panels"] for target in one["targets"]]


def test_expressions_of_the_dashboard_can_be_read(tmp_path: Path) -> None:
    """Each as a recording rule: promtool has no other way to check an expression."""
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is missing: apt-get install prometheus")
    rules = [
        {"record": f"panel_{i}", "expr": expression.replace("$__rate_interval", "5m")}
        for i, (_, expression) in enumerate(panels())
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


def test_rules_and_dashboard_ask_for_numbers_that_there_are() -> None:
    texts = [(FOLDER / "alerts.yaml").read_text(), *(expression for _, expression in panels())]
    asked = set(re.findall(r"\bconvlens_\w+", " ".join(texts)))
    told = re.findall(r"# TYPE (\w+) (\w+)", metrics.exposition().decode())
    names = {name for name, _ in told}
    names |= {f"{name}_{of}" for name, kind in told if kind == "histogram" for of in PARTS}
    assert asked <= names


def test_labels_that_are_asked_for_exist() -> None:
    known = {"instance", "le", *(label for one in NUMBERS for label in one._labelnames)}
    for title, expression in panels():
        grouped = re.findall(r"by \(([^)]*)\)", expression)
        assert {label.strip() for part in grouped for label in part.split(",")} <= known, title
