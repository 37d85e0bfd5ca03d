"""Large blocks return to the system when they are freed."""

import platform
import subprocess
import sys

import pytest

# A freed block of 30 MiB raises glibc's threshold above 20 MiB; small blocks at the end of the heap
# keep it from shrinking.
PROGRAM = """
import psutil
from service.workers import malloc_limits

if {bound}:
    malloc_limits.apply()
block = b"x" * (30 * 2**20)
del block
blocks = [b"x" * (20 * 2**20) for _ in range(10)]
pin = [b"x" * 1000 for _ in range(10_000)]
full = psutil.Process().memory_info().rss
del blocks
print(full - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps them")
@pytest.mark.parametrize("bound", [True, False])
def test_large_blocks_are_given_back(bound: bool) -> None:
    command = [sys.executable, "-c", PROGRAM.format(bound=bound)]
    freed = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert (freed > 190 * 2**20) == bound
