"""`convlens serve` on a machine whose disk is full."""

import http.client
import socket
import subprocess
import sys
from pathlib import Path

from tests.convlens.test_serving import ROOT, ready, until
from tests.pictures import save, seven

# With a limit of 0 bytes a file, every write to one fails, as on a full disk.
# Nor can a measurement of coverage be written there.
FULL = [
    "env",
    "-u",
    "COVERAGE_PROCESS_CONFIG",
    "bash",
    "-c",
    'ulimit -f 0; exec "$@"',
    "full",
    sys.executable,
    "-m",
    "convlens",
    "serve",
]


def options(models: Path, port: int, workers: int) -> list[str]:
    said = ["--models", str(models), "--default-model", "tiny-digit", "--port", str(port)]
    return [*said, "--workers", str(workers), "--drain-seconds", "0"]


def test_full_disk_does_not_stop_answers(tiny_models: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*FULL, *options(tiny_models, port, 1)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: ready(port))
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for body in (
                save(seven()),
                save(seven(1500), "BMP"),
            ):  # 7 MB, which must not be spooled to a file.
                connection.request("POST", "/predict", body)
                response = connection.getresponse()
                assert response.status == 200, response.read()
                response.read()
            connection.request("GET", "/metrics")
            assert b"convlens_images_total" in connection.getresponse().read()
            connection.close()
        finally:
            process.terminate()
        assert process.wait(30) == 0


def test_workers_without_room_to_share_are_not_started(tiny_models: Path) -> None:
    command = [*FULL, *options(tiny_models, 0, 2)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--workers 1" in done.stderr
    assert "Traceback" not in done.stderr
