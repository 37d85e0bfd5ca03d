"""The `convlens` command and its help, exit statuses and messages."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from convlens.__main__ import app
from service.http.api_keys import Keys
from tests.pictures import save, seven

runner = CliRunner()


def test_help_shows_the_commands_and_a_first_request() -> None:
    shown = runner.invoke(app, ["--help"]).output
    for word in ("serve", "train", "predict", "curl -F file=@digit.png"):
        assert word in shown


@pytest.mark.parametrize("command", ["serve", "train", "predict"])
def test_help_of_a_command_gives_an_example(command: str) -> None:
    assert f"Example: convlens {command}" in runner.invoke(app, [command, "--help"]).output


def test_predict_shows_a_table(tiny_models: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(save(seven()))
    (tmp_path / "b.jpg").write_bytes(save(seven(), "JPEG"))
    files = [str(tmp_path / "a.png"), str(tmp_path / "b.jpg")]
    options = ["--models", str(tiny_models), "--model", "tiny-digit", "--top", "2"]
    done = runner.invoke(app, ["predict", *files, *options])
    assert done.exit_code == 0
    assert "a.png" in done.output
    assert "b.jpg" in done.output
    assert done.output.count("%") == 4


def test_predict_names_the_bad_files_and_fails(tiny_models: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(save(seven()))
    (tmp_path / "bad.png").write_bytes(b"text")
    files = [str(tmp_path / name) for name in ("a.png", "bad.png", "gone.png")]
    done = runner.invoke(
        app, ["predict", *files, "--models", str(tiny_models), "--model", "tiny-digit"]
    )
    assert done.exit_code == 1
    words = " ".join(done.output.replace("│", " ").split())
    assert "not an image" in words
    assert "gone.png" in words
    assert "%" in words


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--models", "nowhere"], "no models folder nowhere"),
        (["--default-model", "none"], "'none' is not in"),
        (["--port", "70000"], "port"),
        (["--workers", "0"], "workers"),
        (["--keys", "nowhere"], "key file"),
        (["--rate", "often"], "couldn't parse"),
        (["--rate", "1/second", "--rate-storage", "nothing://"], "nothing"),
    ],
)
def test_serve_refuses_to_start_with_a_sentence(
    arguments: list[str], sentence: str, tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVLENS_MODELS", str(tiny_models))
    monkeypatch.setenv("CONVLENS_DEFAULT_MODEL", "tiny-digit")
    done = runner.invoke(app, ["serve", *arguments])
    assert done.exit_code == 2
    assert sentence in done.output


def test_key_is_printed_and_its_digest_stored(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    made = [runner.invoke(app, ["key", name, "--file", str(file)]) for name in ("a", "b")]
    assert [one.exit_code for one in made] == [0, 0]
    holders = [Keys.read(file).holder(one.stdout.strip()) for one in made]
    assert holders == ["a", "b"]
    assert file.stat().st_mode & 0o077 == 0
    assert runner.invoke(app, ["key", "a b", "--file", str(file)]).exit_code == 2


def test_predict_without_the_model_lists_those_that_exist(tiny_models: Path) -> None:
    done = runner.invoke(app, ["predict", "a.png", "--models", str(tiny_models), "--model", "huge"])
    assert done.exit_code == 1
    assert "tiny-digit, tiny-photo" in done.output


def test_predict_asks_a_service(address: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "[b]a.png").write_bytes(save(seven()))
    (tmp_path / "c.png").write_bytes(save(seven()))
    options = ["--url", f"http://{address}", "--model", "tiny-digit", "--top", "2"]
    done = runner.invoke(app, ["predict", str(tmp_path), *options])
    assert done.exit_code == 0
    assert "tiny-digit 1" in done.output
    assert "[b]a.png" in done.output
    assert done.output.count("%") == 4


def test_predict_by_a_service_names_the_bad_files_and_fails(address: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(save(seven()))
    (tmp_path / "bad.png").write_bytes(b"text")
    files = [str(tmp_path / name) for name in ("a.png", "bad.png", "gone.png")]
    done = runner.invoke(app, ["predict", *files, "--url", f"http://{address}"])
    assert done.exit_code == 1
    words = " ".join(done.output.replace("│", " ").split())
    assert "not an image" in words
    assert "gone.png" in words
    assert "%" in words


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--url", "http://127.0.0.1:9"], "cannot be reached"),
        (["--url", "{address}", "--model", "none"], "tiny-digit, tiny-photo"),
    ],
)
def test_predict_by_a_service_prints_its_error(
    address: str, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "a.png").write_bytes(save(seven()))
    given = [one.format(address=f"http://{address}") for one in arguments]
    done = runner.invoke(app, ["predict", str(tmp_path), *given])
    assert done.exit_code == 1
    assert sentence in done.output


def test_folder_without_images_is_an_error(tmp_path: Path) -> None:
    done = runner.invoke(app, ["predict", str(tmp_path)])
    assert done.exit_code == 1
    assert "no image file" in done.output
