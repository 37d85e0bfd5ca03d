"""What numbers a processor computes in fast: bfloat16 takes half the memory of float32, but wants
instructions of its own. Without them TensorFlow falls back to loops that are many times slower.
"""

from pathlib import Path
from typing import Literal

Precision = Literal["float32", "bfloat16"]

_PROCESSOR = Path("/proc/cpuinfo")
_INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}


def suited(wanted: Precision, processor: Path = _PROCESSOR) -> Precision:
    """`wanted`, or float32 where `processor`, Linux' description of it, lacks the instructions."""
    return wanted if wanted == "float32" or _has_bfloat16(processor) else "float32"


def _has_bfloat16(processor: Path) -> bool:
    try:
        words = processor.read_text().split()
    except OSError:  # Not Linux.
        return False
    return not _INSTRUCTIONS.isdisjoint(words)
