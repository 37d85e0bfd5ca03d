"""Everything that can go wrong in the service, each with its status and a sentence.

ServiceError                 500  ours
├── Malformed                400
│   └── BadToken             400
├── NoKey                    401  no key, or one that is not known
├── Forbidden                403  nothing for a service without keys
├── NotFound                 404  unknown model, version, layer, map, cell, sample or label
├── NotAcceptable            406
├── TooSlow                  408  the request did not arrive in time
├── WrongKind                409  a layer of another kind
├── TooLarge                 413  too many bytes, pixels or images
├── TargetTooLong            414
├── UnsupportedType          415  a body of another type
│   └── UnsupportedImage     415  not an image type that is read
├── Invalid                  422  a parameter or body outside its rules
│   └── BadImage             422  an image that cannot be decoded or has the wrong shape
├── TooMany                  429  more requests than the rate allows
├── HeadTooLarge             431  too many headers, or too large ones
├── Busy                     503  the queue is full
├── Late                     503  the deadline of a request has passed
├── NotReady                 503
├── ModelError                    a folder that cannot be served; refused at load
└── KeyFileError                  a file of keys that cannot be used; refused at the start
"""

from collections.abc import Iterable, Mapping


class ServiceError(Exception):
    """The root: its text is one sentence for the person who caused it."""

    status = 500
    title = "Internal error"

    def __init__(self, detail: str, **members: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members: Mapping[str, object] = members

    @property
    def headers(self) -> dict[str, str]:
        """Headers that go with the answer."""
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
        # A browser asks for a password, which is the key.
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
