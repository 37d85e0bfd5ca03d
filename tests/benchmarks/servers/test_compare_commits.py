"""Two records of rounds become ratios, one for each round."""

from pathlib import Path

from benchmarks.harness import peers
from benchmarks.harness.wrk import Load
from benchmarks.servers import compare_commits
from benchmarks.servers.rounds import Case, Record


def record(title: str, rates: list[float]) -> Record:
    one = Record(peers.read("convlens").model_copy(update={"title": title}), Path("python"))
    case = Case("multipart", 1, 8)
    one.loads[case] = [Load(rate, 1.0, 2.0, 100, 0) for rate in rates]
    one.cost[case] = [1e6 / rate for rate in rates]
    one.memory, one.starts = [100.0] * len(rates), [2.0] * len(rates)
    return one


def test_a_ratio_compares_the_figures_of_one_round() -> None:
    base, changed = record("base", [1000, 2000, 4000]), record("now", [1100, 2000, 2000])
    lines = compare_commits.table(base, changed, [8]).splitlines()
    assert lines[0] == "| figure | base | now | ratio | range |"
    assert lines[2] == "| answers/s, c=8 | 2,000.0 | 2,000.0 | 1.000 | 0.500 to 1.100 |"
    assert lines[3] == "| CPU µs per answer, c=8 | 500.0 | 500.0 | 1.000 | 0.909 to 2.000 |"
    assert [line.split(" | ")[3] for line in lines[4:]] == ["1.000"] * 3
