"""`python -m training.reproduction.first_maps`: the lecture's step 1, maps of random filters.

Nothing is trained: five kernels drawn at random already pick out edges, and a stride of 2 and a
pool make the image small.
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
    """The feature maps of an image, float32 (h, w) in 0..1, and their max-pooled maps.

    Under SAME a stride of 2 halves, rounding up: 28×28 → 14×14×filters → 7×7×filters.
    """
    import tensorflow as tf

    kernel = tf.Variable(tf.random.stateless_normal((3, 3, 1, filters), (seed, 0)))
    batch = tf.reshape(tf.constant(image), (1, *image.shape, 1))  # (1, h, w, 1)
    maps = tf.nn.conv2d(batch, kernel, strides=2, padding="SAME")  # (1, h/2, w/2, filters)
    pooled = tf.nn.max_pool2d(maps, ksize=2, strides=2, padding="SAME")
    return maps[0].numpy(), pooled[0].numpy()


def show(
    sample: Annotated[str, typer.Option(help="A digit that ships with the service.")] = "5",
    filters: Annotated[int, typer.Option(min=1, max=64, help="How many, so many maps.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other filters.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for maps.png and pooled.png.")] = None,
) -> None:
    """Convolve one image with random filters, pool the maps, and say the shapes.

    Example: python -m training.reproduction.first_maps --out maps
    """
    saved_model.tensorflow()
    if sample not in samples.names("digit"):
        raise typer.BadParameter(f"--sample is one of {', '.join(samples.names('digit'))}.")
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
