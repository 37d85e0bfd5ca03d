"""`python -m training.reproduction.first_maps`: an image becomes feature maps of random kernels.

This is the lecture's step 1. Nothing is trained: five random kernels already respond to edges, and
a stride of 2 and max pooling reduce the size.
"""

import io
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from service.drawing import grid
from service.images import decode, prepare, samples
from service.models import saved_model

Floats = NDArray[np.float32]


def random_maps(image: Floats, filters: int = 5, seed: int = 1) -> tuple[Floats, Floats]:
    """The feature maps of an image, float32 (h, w) in 0..1, and these maps after max pooling.

    With padding SAME, a stride of 2 halves each side, rounded up: an image of 28×28 gives maps of
    (14, 14, filters) and pooled maps of (7, 7, filters), both float32.
    """
    import tensorflow as tf

    kernel = tf.Variable(tf.random.stateless_normal((3, 3, 1, filters), (seed, 0)))
    batch = tf.reshape(tf.constant(image), (1, *image.shape, 1))  # (1, h, w, 1)
    maps = tf.nn.conv2d(batch, kernel, strides=2, padding="SAME")  # (1, h/2, w/2, filters)
    pooled = tf.nn.max_pool2d(maps, ksize=2, strides=2, padding="SAME")
    return maps[0].numpy(), pooled[0].numpy()


def show(
    sample: Annotated[
        str, typer.Option(help="The name of one of the service's sample digits.")
    ] = "5",
    filters: Annotated[int, typer.Option(min=1, max=64, help="Number of kernels and of maps.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random kernels.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write maps.png and pooled.png into.")
    ] = None,
) -> None:
    """Convolve one image with random kernels, pool the maps, and print their shapes.

    Example: python -m training.reproduction.first_maps --out maps
    """
    saved_model.tensorflow()
    if sample not in samples.names("digit"):
        raise typer.BadParameter(f"--sample must be one of {', '.join(samples.names('digit'))}.")
    picture = decode.decode(Image.open(io.BytesIO(samples.data("digit", sample))))
    pixels = prepare.prepare(picture, "digit", (28, 28, 1)).pixels[..., 0]
    image = pixels.astype(np.float32) / np.float32(255)
    steps = dict(zip(("maps", "pooled"), random_maps(image, filters, seed), strict=True))
    typer.echo(f"image {grid.shape(image)}")
    for name, maps in steps.items():
        typer.echo(f"{name} {grid.shape(maps)}")
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{name}.png").write_bytes(grid.grid(maps, f"{name} of random filters"))


app: Any = typer.Typer(add_completion=False)
app.command()(show)

if __name__ == "__main__":
    app(prog_name="python -m training.reproduction.first_maps")
