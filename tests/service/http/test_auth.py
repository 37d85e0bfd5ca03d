"""API keys, rates, CORS and security headers."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.errors import KeyFileError
from service.http import api_keys
from service.http.api_keys import Keys
from service.http.rate_limit import Rate, SharedFile
from service.settings import Settings

ONE, OTHER = api_keys.make(), api_keys.make()


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A service with two keys and no models: lessons need none."""
    file = tmp_path_factory.mktemp("keys") / "keys.txt"
    file.write_text("# who may\n\n" + api_keys.line("one", ONE) + api_keys.line("other", OTHER))
    return TestClient(create_app(Settings(keys=file)))


def lesson(client: TestClient, **headers: str) -> int:
    body = {"input": [[1]], "kernel": [[2]]}
    return client.post("/lessons/convolution", json=body, headers=headers).status_code


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"me:{password}".encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {ONE}"},
        {"authorization": f"bearer {OTHER}"},
        {"x-api-key": OTHER},
        {"authorization": basic(ONE)},
    ],
    ids=["bearer", "lower case", "x-api-key", "browser"],
)
def test_valid_key_is_accepted(shut: TestClient, headers: dict[str, str]) -> None:
    assert lesson(shut, **headers) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {ONE}x"},
        {"authorization": f"Bearer {ONE[:-1]}"},
        {"authorization": f"Digest {ONE}"},
        {"authorization": "Basic %%%"},
        {"authorization": basic("")},
        {"x-api-key": "convlens_"},
        {"x-api-key": "\xe9"},
        {"x-api-key": api_keys.line("one", ONE).split()[1]},
    ],
)
def test_invalid_key_is_refused(shut: TestClient, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = shut.post("/lessons/convolution", json={}, headers=raw)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert "Bearer" in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/web/app.js", "/models", "/v1/models/x", "/nothing"]
)
def test_everything_but_health_needs_a_key(shut: TestClient, path: str) -> None:
    assert shut.get(path).status_code == 401
    assert shut.get("/livez").status_code == 200


def test_key_file_does_not_contain_the_key() -> None:
    made = api_keys.make()
    assert len(made) > 40
    assert made.removeprefix(api_keys.PREFIX) not in api_keys.line("me", made)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "no key"), ("# none\n", "no key"), ("me secret\n", "line 1"), (None, "cannot be read")],
)
def test_malformed_key_file_is_refused(tmp_path: Path, text: str | None, sentence: str) -> None:
    file = tmp_path / "keys.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(KeyFileError, match=sentence):
        Keys.read(file)


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "é", "x" * 65])
def test_malformed_name_of_a_key_is_refused(name: str) -> None:
    with pytest.raises(KeyFileError):
        api_keys.line(name, ONE)


def test_rate_is_counted_for_each_key(shut: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text(api_keys.line("one", ONE) + api_keys.line("other", OTHER))
    client = TestClient(create_app(Settings(keys=file, rate="3/hour")))
    assert [lesson(client, **{"x-api-key": ONE}) for _ in range(5)] == [200] * 3 + [429] * 2
    assert lesson(client, **{"x-api-key": OTHER}) == 200
    assert [lesson(client, **{"x-api-key": "guess"}) for _ in range(4)] == [401] * 3 + [429]
    assert client.get("/livez").status_code == 200


def test_refusal_by_rate_says_when_to_retry() -> None:
    client = TestClient(create_app(Settings(rate="1/minute")))
    assert lesson(client) == 200
    response = client.get("/samples")
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert "1 per 1 minute" in response.json()["detail"]


COUNT = """
import sys
from service.http.rate_limit import SharedFile
file = SharedFile(sys.argv[1])
for _ in range(500):
    file.incr("who", 60)
"""


def test_processes_keep_one_count(tmp_path: Path) -> None:
    address = f"shared://{tmp_path}/rate"
    command = [sys.executable, "-c", COUNT, address]
    for process in [subprocess.Popen(command) for _ in range(2)]:
        assert process.wait(60) == 0
    assert SharedFile(address).get("who") == 1000


def test_window_that_has_ended_begins_anew(tmp_path: Path) -> None:
    file = SharedFile(f"shared://{tmp_path}/rate")
    assert [file.incr("who", 60), file.incr("who", 60), file.incr("else", 60)] == [1, 2, 1]
    assert [file.incr("gone", -1), file.incr("gone", -1)] == [1, 1]
    assert file.get("gone") == 0
    file.clear("who")
    assert file.get("who") == 0


def test_clients_are_counted_by_names_that_every_storage_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """memcached refuses white space in a key."""
    counted: list[str] = []

    async def check(self: Rate, client: str) -> None:
        counted.append(client)

    monkeypatch.setattr(Rate, "check", check)
    file = tmp_path / "keys.txt"
    file.write_text(api_keys.line("one", ONE))
    client = TestClient(create_app(Settings(keys=file, rate="9/second")))
    assert lesson(client, authorization=f"Bearer {ONE}") == 200
    assert lesson(client) == 401
    assert counted == ["key:one", "address:testclient"]


@pytest.mark.parametrize("rule", ["", "often", "5/fortnight"])
def test_rule_that_is_none_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Rate(rule, "memory://")


def test_answers_have_security_headers(client: TestClient) -> None:
    for path in ("/models", "/nothing", "/", "/docs", "/web/app.js"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    page = client.get("/").headers["content-security-policy"]
    assert "unsafe" not in page
    assert client.get("/models").headers["content-security-policy"].startswith("default-src 'none'")


def test_cors_allows_only_the_named_origins(client: TestClient) -> None:
    asked = {"origin": "https://a.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in client.get("/samples", headers=asked).headers
    open_ = TestClient(create_app(Settings(origins="https://a.example, https://b.example")))
    for origin, allowed in (("https://b.example", True), ("https://c.example", False)):
        answer = open_.get("/samples", headers={"origin": origin})
        assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
