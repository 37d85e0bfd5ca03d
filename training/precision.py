"""A recipe's precision becomes one that this processor computes fast.

bfloat16 takes half the memory of float32 but needs its own processor instructions. Without them
TensorFlow falls back to loops that are many times slower.
"""

from pathlib import Path
from typing import Literal

Precision = Literal["float32", "bfloat16"]

_CPUINFO = Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def supported(wanted: Precision, cpuinfo: Path = _CPUINFO) -> Precision:
    """`wanted`, or float32 if `cpuinfo`, Linux' list of processor flags, has none for bfloat16."""
    return wanted if wanted == "float32" or _has_bfloat16(cpuinfo) else "float32"


def _has_bfloat16(cpuinfo: Path) -> bool:
    try:
        words = cpuinfo.read_text().split()
    except OSError:  # Other systems have no such file.
        return False
    return not _BFLOAT16_FLAGS.isdisjoint(words)
