"""The image files that paths on the command line stand for."""

from pathlib import Path

from convlens import files


def test_folder_stands_for_the_image_files_in_it(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt", "deep/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = files.listed([tmp_path, tmp_path / "notes.txt"])
    names = [path.relative_to(tmp_path).as_posix() for path in found]
    assert names == ["a.jpg", "b.PNG", "deep/c.png", "notes.txt"]
