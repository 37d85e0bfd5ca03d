"""Every error of the service, its status, and the table of who refuses what.

ServiceError                 500  a fault of the service
├── Malformed                400
│   └── BadToken             400
├── NoKey                    401
├── Forbidden                403
├── NotFound                 404
├── UnknownPath              404
├── WrongMethod              405
├── NotAcceptable            406
├── TooSlow                  408
├── WrongKind                409
├── TooLarge                 413
├── TargetTooLong            414
├── UnsupportedType          415
│   └── UnsupportedImage     415
├── Invalid                  422
│   └── BadImage             422
├── TooMany                  429
├── HeadTooLarge             431
├── Busy                     503
├── Late                     503
├── NotReady                 503
├── ModelError                    a model folder that cannot be served; never reaches a client
└── KeyFileError                  a key file that cannot be used; stops the start

`REFUSALS`, at the end, says when each is raised and by which modules. A test holds it to the code.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


def protocol_status(status: int) -> int:
    """The status below /v1 and /v2, whose clients tell 400, 404, 413, 429 and 5xx apart only."""
    return 400 if status in (406, 409, 415, 422) else status


class ServiceError(Exception):
    """The root of the tree; its text is one sentence for the person who caused it.

    `members` become further members of the problem document.
    """

    status = 500
    title = "Internal error"

    def __init__(self, detail: str, **members: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members: Mapping[str, object] = members

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer."""
        return {}


class Malformed(ServiceError):
    status = 400
    title = "Malformed request"


class BadToken(Malformed):
    title = "Malformed image token"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The image token cannot be used: {reason}. Take the value of `image` from an answer"
            " of POST /predict for the same model, or leave `image` out to use a sample.",
            parameter="image",
        )


class NoKey(ServiceError):
    status = 401
    title = "No key"

    @property
    def headers(self) -> dict[str, str]:
        # Basic makes a browser ask for a password, which is the key.
        return {"WWW-Authenticate": 'Bearer realm="convlens", Basic realm="convlens"'}


class Forbidden(ServiceError):
    status = 403
    title = "Forbidden"


class NotFound(ServiceError):
    status = 404
    title = "Not found"

    def __init__(self, what: str, name: object, known: Iterable[object]) -> None:
        choices = [str(one) for one in known]
        super().__init__(
            f"There is no {what} {str(name)[:80]!r}; there is: {', '.join(choices) or 'none'}.",
            known=choices,
        )


class UnknownPath(ServiceError):
    status = 404
    title = "Not Found"

    def __init__(self, path: str) -> None:
        super().__init__(f"There is nothing at {path[:200]}. /docs lists what there is.")


class WrongMethod(ServiceError):
    status = 405
    title = "Method Not Allowed"

    def __init__(self, method: str, path: str, allowed: Iterable[str]) -> None:
        super().__init__(f"{method} is not for {path[:200]}. /docs lists what is.")
        self._allowed = ", ".join(allowed)

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": self._allowed}


class NotAcceptable(ServiceError):
    status = 406
    title = "Not acceptable"

    def __init__(self, choices: Iterable[str]) -> None:
        types = list(choices)
        super().__init__(f"This can be had as {', '.join(types)}.", choices=types)


class WrongKind(ServiceError):
    status = 409
    title = "A layer of another kind"


class TooSlow(ServiceError):
    status = 408
    title = "Request timeout"


class TooLarge(ServiceError):
    status = 413
    title = "Too large"


class TargetTooLong(ServiceError):
    status = 414
    title = "URI too long"


class UnsupportedType(ServiceError):
    status = 415
    title = "Unsupported media type"


class UnsupportedImage(UnsupportedType):
    title = "Unsupported image type"


class Invalid(ServiceError):
    status = 422
    title = "Invalid request"


class BadImage(Invalid):
    title = "Unreadable image"


class TooMany(ServiceError):
    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(f"{detail} Send this again in {retry_after} s.")
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class HeadTooLarge(ServiceError):
    status = 431
    title = "Request header fields too large"


class _TryAgain(ServiceError):
    status = 503

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class Busy(_TryAgain):
    title = "Busy"


class Late(_TryAgain):
    title = "Too late"


class NotReady(_TryAgain):
    title = "Not ready"


class ModelError(ServiceError):
    """A model folder that cannot be served: the sentence says which and why."""

    title = "Model cannot be loaded"


class KeyFileError(ServiceError):
    """A file of keys that cannot be used: the sentence says why."""

    title = "Key file cannot be used"


class Refusal(NamedTuple):
    """A row of the table of refusals."""

    error: type[ServiceError]
    when: str
    refused_by: tuple[str, ...]
    """Modules below `service`."""


REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        Malformed,
        "The request cannot be parsed: HTTP, the form, JSON, a compressed body; or it names two"
        " images.",
        (
            "http.connection",
            "images.multipart",
            "lessons.json_body",
            "protocols.compression",
            "protocols.json_body",
            "protocols.open_inference.repository",
            "protocols.open_inference.request",
            "protocols.tfserving.predict",
            "routes.subject",
        ),
    ),
    Refusal(
        BadToken,
        "`?image=` is no token of an input of this model.",
        ("images.tokens",),
    ),
    Refusal(NoKey, "The request has no API key, or an unknown one.", ("http.auth",)),
    Refusal(
        Forbidden,
        "Models are reloaded on request only by a service that asks for keys.",
        ("routes.models",),
    ),
    Refusal(
        NotFound,
        "The model, version, layer, map, cell, sample or label does not exist; the answer lists"
        " those that do.",
        (
            "images.samples",
            "introspection.ablation",
            "models.model",
            "models.registry",
            "protocols.outputs",
            "protocols.tfserving.predict",
            "routes.cells",
            "routes.filters",
            "routes.grad_cam",
            "routes.maps",
        ),
    ),
    Refusal(UnknownPath, "No route has this path.", ("http.problems",)),
    Refusal(WrongMethod, "The path has no route for this method.", ("http.problems",)),
    Refusal(
        NotAcceptable,
        "`Accept` or `?format=` asks for a type that the route does not offer.",
        ("routes.answers",),
    ),
    Refusal(
        TooSlow,
        "The request did not arrive within `arrival_seconds`, or its client left.",
        ("http.connection", "http.problems"),
    ),
    Refusal(
        WrongKind,
        "The layer has another kind: it has no maps, filters or cells of the wanted sort.",
        (
            "introspection.ablation",
            "models.model",
            "routes.cells",
            "routes.filters",
            "routes.links",
            "routes.statistics",
        ),
    ),
    Refusal(
        TooLarge,
        "Too many bytes, pixels, images or values.",
        (
            "http.body_limit",
            "images.decode",
            "images.multipart",
            "images.npy",
            "images.reader",
            "protocols.base64_images",
            "protocols.compression",
            "protocols.json_body",
            "protocols.outputs",
            "protocols.tensors",
            "routes.subject",
        ),
    ),
    Refusal(TargetTooLong, "The path and query are longer than 32 KiB.", ("http.connection",)),
    Refusal(
        UnsupportedType,
        "The body of a lesson has a Content-Type other than JSON.",
        ("lessons.json_body",),
    ),
    Refusal(
        UnsupportedImage, "The upload is not an image of a type that is read.", ("images.decode",)
    ),
    Refusal(
        Invalid,
        "A query parameter, a tensor or a member of the body breaks its rules.",
        (
            "http.problems",
            "introspection.ablation",
            "protocols.base64_images",
            "protocols.json_body",
            "protocols.open_inference.request",
            "protocols.open_inference.response",
            "protocols.tensors",
            "protocols.tfserving.request",
            "protocols.tfserving.signatures",
            "routes.grad_cam",
            "routes.maps",
            "routes.predict",
        ),
    ),
    Refusal(
        BadImage,
        "The image cannot be decoded, or the array has another shape than the model takes.",
        ("images.decode", "images.npy"),
    ),
    Refusal(
        TooMany, "A key or an address sent more requests than `rate` allows.", ("http.rate_limit",)
    ),
    Refusal(
        HeadTooLarge,
        "The request has more than 100 headers, or more than 64 KiB of them.",
        ("http.connection",),
    ),
    Refusal(
        Busy,
        "A worker has too many requests, bytes, images to decode or images to classify.",
        ("http.admission", "http.body_limit", "images.reader", "models.batching"),
    ),
    Refusal(Late, "The answer took longer than `deadline_seconds`.", ("http.request_lifecycle",)),
    Refusal(
        NotReady,
        "The models are not loaded yet, or the worker is stopping.",
        ("models.model", "models.registry", "routes.health"),
    ),
)
"""Who refuses what: sorted by status. Below /v1 and /v2 `protocol_status` holds."""
