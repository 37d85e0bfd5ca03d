"""bfloat16 is used only on processors that have instructions for it."""

from pathlib import Path

import pytest

from training import recipes
from training.precision import Precision, supported

WITH = "model name\t: one\nflags\t\t: fpu avx2 avx512_bf16 sha_ni\n"
AMX = WITH.replace("avx512_bf16", "amx_bf16")
WITHOUT = "model name\t: another\nflags\t\t: fpu avx2 avx512f sha_ni\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [(WITH, "bfloat16"), (WITHOUT, "float32"), (AMX, "bfloat16")],
)
def test_bfloat16_needs_instructions_of_its_own(
    tmp_path: Path, words: str, found: Precision
) -> None:
    processor = tmp_path / "cpuinfo"
    processor.write_text(words)
    assert supported("bfloat16", processor) == found
    assert supported("float32", processor) == "float32"


def test_unknown_processor_computes_in_float32(tmp_path: Path) -> None:
    assert supported("bfloat16", tmp_path / "nothing") == "float32"


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_recipe_is_found_in_what_suits_this_processor(name: str) -> None:
    assert recipes.find(name).precision == supported(recipes.RECIPES[name].precision)
    assert recipes.RECIPES[name].precision == "bfloat16"
