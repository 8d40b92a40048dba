"""Turn failures of web requests into this project's own kinds of failure."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from scripts.core.errors import ServiceError, TransientError

# A wrong address stays wrong, so a retry is useless.
ADDRESSES = (
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
)
# A client's errors if another service answers than the API, such as the page of a
# captive portal: no text, no JSON, or JSON of another shape.
NO_ANSWER = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
TOO_MANY = 429
SERVER = 500
LONGEST = 200  # characters of an error that quotes the answer
SILENCE = 30.0
"""Seconds that a service may be silent, to connect or between two bytes of an answer."""


@contextmanager
def failures(what: str, remedy: str) -> Iterator[None]:
    """Turn the failures of `requests` into `TransientError` or `ServiceError`.

    Only these are transient: no connection, a 5xx, a 429 with its Retry-After.
    """
    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code
        after = error.response.headers.get("Retry-After", "")
        cause = f"{what} answered {status} {error.response.reason}"
        if status == TOO_MANY or status >= SERVER:
            seconds = float(after) if after.isdigit() else 0
            raise TransientError(cause, "wait, and run this again", seconds) from error
        raise ServiceError(cause, remedy) from error
    except ADDRESSES as error:
        raise ServiceError(f"{what} does not have that address: {error}", remedy) from error
    except requests.RequestException as error:
        raise TransientError(f"{what} did not answer: {error}", remedy) from error
    except NO_ANSWER as error:
        raise no_answer(what, error, remedy) from error


def no_answer(what: str, error: Exception, remedy: str) -> TransientError:
    """Report an answer that is not from the service; a portal may be in front of it."""
    found = f"{type(error).__name__}: {error}"[:LONGEST]
    return TransientError(f"{what} did not answer as expected ({found})", remedy)
