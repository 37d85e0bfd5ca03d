"""The page of looking inside says what the record beside it says."""

import json
from pathlib import Path

from benchmarks.looking_inside import report as report

FOLDER = Path(__file__).parents[3] / "docs" / "reference" / "benchmarks"
RECORD = json.loads((FOLDER / "introspection.json").read_text(encoding="utf-8"))


def test_page_is_made_of_its_record() -> None:
    assert report.page(RECORD) == (FOLDER / "introspection.md").read_text(encoding="utf-8")


def test_parts_that_were_not_measured_are_left_out() -> None:
    page = report.page({"stages": RECORD["stages"]})
    assert "## CPU time of one request" in page
    assert "## Over HTTP" not in page


def test_figures_stand_beside_todays() -> None:
    one = {"case": "a", "kept": False, "p50": 1.0, "p99": 2.0, "errors": 0}
    figures = [{**one, "server": "new", "rate": 3000.0}, {**one, "server": "old", "rate": 1000.0}]
    lines = report._rates(figures).splitlines()
    assert lines[2].split(" | ")[2:4] == ["new", "3,000"]
    assert lines[3].endswith("| 3.0 |")
