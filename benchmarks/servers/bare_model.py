"""Runs the SavedModel without a server: its probabilities, its start-up time and its speed.

`measure` starts this module as a process of its own, which prints JSON, so that the start can be
timed and the measuring process does not import TensorFlow.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCHES = (1, 8, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class Bare:
    """Probabilities (n, classes); seconds from the start to the first; images/s by batch size."""

    probabilities: NDArray[np.float64]
    seconds: float
    rates: dict[int, float]


def measure(model: Path, digits: NDArray[np.uint8], threads: int, speed: bool = True) -> Bare:
    """Runs the model on `digits`, uint8 (n, h, w) or (n, h, w, 3), in a process of its own.

    TensorFlow gets `threads` threads; without `speed` no rates are measured.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "digits.npy"
        np.save(file, digits)
        command = [sys.executable, "-m", "benchmarks.servers.bare_model", str(model), str(file)]
        arguments = [repr(time.time()), str(threads), str(int(speed))]
        done = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
    answer = json.loads(done.stdout)
    rates = {int(size): rate for size, rate in answer["rates"].items()}
    return Bare(np.array(answer["probabilities"]), answer["seconds"], rates)


def _main(model: str, file: str, began: str, threads: str, speed: str) -> dict[str, Any]:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(int(threads))
    tf.config.threading.set_inter_op_parallelism_threads(1)
    loaded = tf.saved_model.load(model)
    run = loaded.signatures["serving_default"]
    digits = np.load(file)
    digits = digits.reshape(*digits.shape[:3], -1)  # (n, h, w, channels)
    run(images=tf.constant(digits[:1]))
    seconds = time.time() - float(began)
    rows = [run(images=tf.constant(digit[np.newaxis]))["probabilities"][0] for digit in digits]
    rates = {size: _rate(tf, run, digits, size) for size in BATCHES} if int(speed) else {}
    return {"probabilities": [row.numpy().tolist() for row in rows], "seconds": seconds} | {
        "rates": rates
    }


def _rate(tf: Any, run: Any, digits: NDArray[np.uint8], size: int, seconds: float = 0.7) -> float:
    """Images a second at one batch size, from NumPy array to NumPy array."""
    batch = np.resize(digits, (size, *digits.shape[1:]))
    for _ in range(5):
        run(images=tf.constant(batch))
    count, began = 0, time.perf_counter()
    while (taken := time.perf_counter() - began) < seconds:
        run(images=tf.constant(batch))["probabilities"].numpy()
        count += size
    return count / taken


if __name__ == "__main__":
    print(json.dumps(_main(*sys.argv[1:])))
