"""`python -m benchmarks.endurance.reloads`: memory of a process that reloads a model many times.

The version of a copied model is replaced while images are classified: the registry loads the
new version beside the old one, checks it, swaps it in and frees the old one.
"""

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer

from benchmarks import machine
from service.models.registry import Models
from service.models.reloading import Watcher
from service.settings import Settings

SHOWN = 10


def main(
    model: Annotated[Path, typer.Option(help="Model folder.")] = Path("models/mnist-lecture/1"),
    reloads: Annotated[int, typer.Option(min=SHOWN, help="Number of reloads.")] = 50,
    grad_cam: Annotated[
        bool, typer.Option(help="Also compute Grad-CAM with each version, in TensorFlow.")
    ] = False,
) -> None:
    """Prints the memory after every tenth reload."""
    print("\n".join(f"- {line}" for line in machine.describe()) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_reload(model, Path(folder), reloads, grad_cam))


async def _reload(model: Path, folder: Path, reloads: int, grad_cam: bool) -> None:
    _write(model, folder, 1)
    settings = Settings(models=folder, default_model=model.parent.name, versions=1)
    models = Models(settings)
    watcher = Watcher(models, settings)
    await models.load()
    images = np.zeros((16, *models.get().manifest.input_shape), np.uint8)
    print("| reloads | resident MB |\n| ---: | ---: |")
    for version in range(1, reloads + 2):
        if version > 1:
            _write(model, folder, version)
            if refused := await watcher.look():
                raise SystemExit(refused[0])
        served = models.get()
        assert served.manifest.version == version
        for _ in range(20):
            await served.batcher(images)
            await served.activations(images[0])
        if grad_cam:
            await served.grad_cam(images[0], [0, 1])
        del served
        if version == 2 or (version - 1) % SHOWN == 0:
            print(f"| {version - 1} | {psutil.Process().memory_info().rss / 1e6:,.0f} |")
    models.close()


def _write(model: Path, folder: Path, version: int) -> None:
    """Copies the model as `version`; the folder gets its name when it is complete."""
    named, partial = folder / model.parent.name, folder / ".partial"
    shutil.copytree(model, partial)
    record = json.loads((partial / "manifest.json").read_text())
    (partial / "manifest.json").write_text(json.dumps({**record, "version": version}))
    named.mkdir(exist_ok=True)
    partial.rename(named / str(version))
    if version > 1:
        shutil.rmtree(named / str(version - 1))


if __name__ == "__main__":
    typer.run(main)
