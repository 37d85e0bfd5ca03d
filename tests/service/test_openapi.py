"""The service holds to its own OpenAPI document, whatever is sent to it."""

from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import allow_header_conformance, unsupported_method

from service.app import create_app
from service.images import tokens
from service.settings import Settings

# What a schema cannot say: whether a text is the token of an image, bytes are a picture, a window
# fits its input, a layer is of the right kind. A refusal must still be one that is documented.
REFUSED = [400, 403, 404, 406, 409, 413, 415, 422]
CONFIG = {
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", *map(str, REFUSED)]},
        "negative_data_rejection": {"expected-statuses": list(map(str, REFUSED))},
    }
}

TOKEN = tokens.encode(np.arange(144, dtype=np.uint8).reshape(12, 12, 1))

# Random names would only ever find a 404: these are mostly what the tiny models have.
KNOWN: dict[str, list[Any]] = {
    "name": ["conv1", "pool1", "conv2", "pool2", "dense1", "tiny-digit", "none"],
    "model": ["tiny-digit", "tiny-photo", "none"],
    "model_name": ["tiny-digit", "tiny-photo", "none"],
    "version": [1, 9],
    "index": [0, 1, 2, 3, -1, 900],
    "row": [0, 1, 500],
    "col": [0, 1, -2],
    "image": [TOKEN, TOKEN[:-3], "", "é"],
    "label": ["one", "three", "none"],
    "layers": ["conv1", "conv1,pool2", "none"],
    "zero": ["conv2:1", "conv2:99", "conv2"],
    "format": ["json", "png", "npy", "gif"],
}


def document() -> dict[str, Any]:
    """The service's document, its parameters narrowed to values that reach the models."""
    described = create_app(Settings()).openapi()
    for path, operations in described["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                values = KNOWN.get(parameter["name"])
                if values and not path.startswith("/samples"):
                    kind = parameter["schema"].get("type")
                    listed = kind == "array" or "array" in str(parameter["schema"].get("anyOf"))
                    one = {"enum": values}
                    parameter["schema"] = {"type": "array", "items": one} if listed else one
    _without_tuples(described["components"])
    return described


def _without_tuples(node: Any) -> None:
    """Lists in the place of tuples, which Schemathesis 4.32 cannot read in some answers."""
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict) and "prefixItems" in value:
            value["items"] = value.pop("prefixItems")[0]
        if isinstance(value, dict | list):
            _without_tuples(value)


@schemathesis.serializer("application/x-npy")
def npy(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Bytes as they are; the schema knows them as binary."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture
def described(request: pytest.FixtureRequest) -> schemathesis.BaseSchema:
    """The document, read in the test: collecting a test an operation takes every worker 5 s."""
    # Schemathesis 4.32 reads this name, which pytest 9.2 no longer has.
    request.node._nodeid = request.node.nodeid
    return schemathesis.openapi.from_dict(document(), config=SchemathesisConfig.from_dict(CONFIG))


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_does_what_it_says(case: schemathesis.Case[Any], live: str) -> None:
    # NAME:predict and reload could be names of models: GET is not refused there, it finds none.
    excluded = [allow_header_conformance, unsupported_method]
    case.call_and_validate(
        base_url=live,
        excluded_checks=excluded if case.path.endswith((":predict", "/reload")) else [],
    )
