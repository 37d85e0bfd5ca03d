"""The alert rules, as Prometheus' own tool reads and tries them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from service import metrics

FOLDER = Path(__file__).parents[1] / "deploy" / "monitoring"


@pytest.mark.parametrize(
    "arguments", [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml")]
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is missing: apt-get install prometheus")
    done = subprocess.run([promtool, *arguments], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_ask_for_numbers_that_there_are() -> None:
    asked = set(re.findall(r"convlens_\w+", (FOLDER / "alerts.yaml").read_text()))
    told = set(re.findall(r"convlens_\w+", metrics.exposition().decode()))
    told |= {f"{name}_bucket" for name in told}
    assert {name.removesuffix("_bucket").removesuffix("_total") for name in asked} <= {
        name.removesuffix("_bucket").removesuffix("_total") for name in told
    }
