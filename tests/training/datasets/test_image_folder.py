"""A folder of images becomes a data set whose images are prepared like uploads."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from rich.console import Console

from service.images import decode, prepare
from training.datasets import image_folder
from training.datasets.named import Dataset
from training.errors import DataError

SHAPE = (16, 16, 3)
TYPES = ("png", "jpg", "webp", "gif", "bmp", "tiff")


def _picture(kind: str, number: int) -> Image.Image:
    """A dark shape on a light background; `number` decides the size."""
    width, height = 20 + 7 * number, 60 - 5 * number
    image = Image.new("RGB", (width, height), (240, 230 - number, 220))
    side = min(width, height) / 3
    box = (width / 2 - side, height / 2 - side, width / 2 + side, height / 2 + side)
    draw = ImageDraw.Draw(image)
    (draw.ellipse if kind == "원" else draw.rectangle)(box, fill=(20, 40, 60 + number))
    return image


def _fill(place: Path, kind: str, count: int = 6) -> None:
    place.mkdir(parents=True)
    for number in range(count):
        _picture(kind, number).save(place / f"{number}.{TYPES[number % len(TYPES)]}")


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """Two classes with six training images each, and no test images."""
    for kind in ("원", "square"):
        _fill(tmp_path / "train" / kind, kind)
    return tmp_path


def _load(place: Path, shape: tuple[int, int, int] = SHAPE) -> tuple[Dataset, str]:
    written = io.StringIO()
    dataset = image_folder.load(place, shape, "photo", Console(file=written, width=200))
    return dataset, written.getvalue()


def _refusal(place: Path) -> str:
    with pytest.raises(DataError) as caught:
        _load(place)
    return str(caught.value)


def test_without_test_images_a_stated_share_of_each_class_is_set_aside(shapes: Path) -> None:
    dataset, written = _load(shapes)
    assert dataset.labels == ("square", "원")
    for part, count in ((dataset.train, 4), (dataset.validation, 1), (dataset.test, 1)):
        assert np.bincount(part.labels).tolist() == [count, count]
    assert dataset.remark == "one image in 5 of each class, chosen at random"
    assert "원" in written
    everything = [
        image.tobytes()
        for part in (dataset.train, dataset.validation, dataset.test)
        for image in part.images
    ]
    assert len(set(everything)) == len(everything) == 12


def test_test_images_are_those_of_the_folder(shapes: Path) -> None:
    for kind in ("원", "square"):
        _fill(shapes / "test" / kind, kind, 2)
    dataset, _ = _load(shapes)
    assert np.bincount(dataset.test.labels).tolist() == [2, 2]
    assert np.bincount(dataset.train.labels).tolist() == [5, 5]
    assert dataset.remark is None


@pytest.mark.parametrize("shape", [(16, 16, 3), (12, 20, 1)])
def test_training_sees_what_an_upload_becomes(shapes: Path, shape: tuple[int, int, int]) -> None:
    dataset, _ = _load(shapes, shape)
    limits = decode.Limits()
    for path in sorted((shapes / "train" / "원").iterdir()):
        picture = decode.decode(decode.open_image(path.read_bytes(), limits))
        uploaded = prepare.prepare(picture, "photo", shape).pixels
        parts = (dataset.train, dataset.validation, dataset.test)
        found = [(part.images == uploaded).all(axis=(1, 2, 3)) for part in parts]
        labels = {
            int(one) for part, rows in zip(parts, found, strict=True) for one in part.labels[rows]
        }
        assert labels == {1}


def test_same_seed_sets_the_same_images_aside(shapes: Path) -> None:
    assert (_load(shapes)[0].test.images == _load(shapes)[0].test.images).all()


def test_what_is_no_image_is_listed_and_left_out(shapes: Path) -> None:
    place = shapes / "train" / "square"
    (place / "text.png").write_text("text")
    (place / "cut.png").write_bytes((place / "0.png").read_bytes()[:60])
    (place / "nothing.jpg").touch()
    (place / ".DS_Store").touch()
    (place / "more").mkdir()
    dataset, written = _load(shapes)
    assert np.bincount(dataset.train.labels).tolist() == [4, 4]
    for name in ("text.png: This is not an image", "cut.png", "nothing.jpg: The image is empty"):
        assert name in written
    assert "DS_Store" not in written


def test_long_list_of_bad_files_is_cut_short(shapes: Path) -> None:
    for number in range(image_folder.MOST_LISTED + 7):
        (shapes / "train" / "square" / f"bad{number}.png").touch()
    written = _load(shapes)[1]
    assert written.count("The image is empty") == image_folder.MOST_LISTED
    assert "Skipped 7 more." in written


def test_folder_that_is_missing_or_laid_out_otherwise_is_refused(tmp_path: Path) -> None:
    assert "no folder" in _refusal(tmp_path / "nowhere")
    assert "no folder train" in _refusal(tmp_path)
    (tmp_path / "train").mkdir()
    assert "has no folders" in _refusal(tmp_path)


def test_one_class_is_refused(tmp_path: Path) -> None:
    _fill(tmp_path / "train" / "원", "원")
    assert "one class, '원'" in _refusal(tmp_path)


def test_empty_class_is_refused(shapes: Path) -> None:
    (shapes / "train" / "triangle").mkdir()
    assert "The class 'triangle'" in _refusal(shapes)


def test_class_without_a_readable_image_is_refused(shapes: Path) -> None:
    (shapes / "train" / "triangle").mkdir()
    (shapes / "train" / "triangle" / "a.png").write_text("text")
    assert "No image of the class 'triangle' in train" in _refusal(shapes)


def test_too_few_images_to_hold_back_are_refused(shapes: Path) -> None:
    _fill(shapes / "train" / "triangle", "triangle", 2)
    assert "'triangle' has too few images" in _refusal(shapes)


@pytest.mark.parametrize(("part", "words"), [("train", "not in test"), ("test", "test only")])
def test_classes_of_train_and_test_must_be_the_same(shapes: Path, part: str, words: str) -> None:
    for kind in ("원", "square"):
        _fill(shapes / "test" / kind, kind, 1)
    _fill(shapes / part / "triangle", "triangle")
    sentence = _refusal(shapes)
    assert words in sentence
    assert "'triangle'" in sentence


@pytest.mark.parametrize("name", ["two\nlines", "bell\a", "\u202eturned", "x" * 81])
def test_name_that_cannot_be_shown_is_refused(shapes: Path, name: str) -> None:
    _fill(shapes / "train" / name, "square")
    sentence = _refusal(shapes)
    assert sentence.isprintable()
    assert "name" in sentence


def test_accents_are_composed_however_the_disk_writes_them(shapes: Path) -> None:
    _fill(shapes / "train" / "cafe\u0301", "square")
    assert "café" in _load(shapes)[0].labels
    _fill(shapes / "train" / "café", "square")
    assert "Two folders" in _refusal(shapes)


def test_more_pixels_than_fit_in_memory_are_refused_before_reading(
    shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_folder, "MOST_BYTES", 12 * 16 * 16 * 3 - 1)
    assert "Choose a smaller --size" in _refusal(shapes)
