"""The CPU time of requests that never leave the process."""

import asyncio
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient

from benchmarks import cpu_time
from benchmarks.harness import http_requests
from benchmarks.harness.peers import Endpoint
from service.app import create_app
from service.http.admission import Admission
from service.settings import Settings


def test_whole_answers_are_measured(tiny_models: Path) -> None:
    settings = Settings(models=tiny_models, default_model="tiny-digit")
    app = create_app(settings)
    state = {"arrival_seconds": 30.0, "admission": Admission(settings.concurrency)}
    digits = np.zeros((2, 12, 12), np.uint8)
    digits[:, 3:9, 5:7] = 200
    built = http_requests.build(digits, Endpoint(path="/predict", body="multipart"), 1)
    with TestClient(app):
        raw = [one.raw for one in built]
        assert asyncio.run(cpu_time.per_request(app, state, raw)) > 0
