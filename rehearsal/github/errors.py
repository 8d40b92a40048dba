"""The errors GitHub answers with, as exceptions."""

from typing import Any

Json = dict[str, Any]

DOCUMENTATION = "https://docs.github.com/rest"


class ApiError(Exception):
    """An answer other than success: its status, message and, for 422, its list of errors.

    `remedy` is our own advice, for the journal.
    """

    def __init__(
        self, status: int, message: str, errors: list[Json] | None = None, remedy: str = ""
    ) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.headers: dict[str, str] = {}
        self.status = status
        self.message = message
        self.errors = errors

    def body(self) -> Json:
        """Return the JSON that GitHub would send."""
        body: Json = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        return body | {"documentation_url": DOCUMENTATION, "status": str(self.status)}


def not_found() -> ApiError:
    """Return the 404, which also hides private things."""
    return ApiError(404, "Not Found")


def hidden(who: str, permission: str) -> ApiError:
    """Return the 404 of a private repository for a caller without read permission."""
    return ApiError(404, "Not Found", remedy=f"{who} needs `{permission}: read` here")


def unauthenticated() -> ApiError:
    """Return the 401 for a write without any token."""
    return ApiError(401, "Requires authentication")


def bad_credentials() -> ApiError:
    """Return the 401 for a token that is unknown or ended with its job."""
    remedy = "the token's job does not run now: a token ends with its job, so do not pass it on"
    return ApiError(401, "Bad credentials", remedy=remedy)


def forbidden(who: str, permission: str, level: str) -> ApiError:
    """Return the 403 for a token that lacks the permission; a header names the permission."""
    scope = permission.replace("_", "-")
    remedy = f"{who} needs `{scope}: {level}`: add it to the job's `permissions`"
    if permission == "administration":
        remedy = f"{who} needs `administration: {level}`, which no job can have: do without it"
    if permission == "workflows":  # a job cannot have this either
        remedy = f"{who} may not push workflow files: merge them into a branch by pull request"
    error = ApiError(403, "Resource not accessible by integration", remedy=remedy)
    error.headers["X-Accepted-GitHub-Permissions"] = f"{permission}={level}"
    return error


def unprocessable(message: str) -> ApiError:
    """Return a 422 that is a sentence only."""
    return ApiError(422, message)


def invalid(resource: str, field: str, code: str, message: str | None = None) -> ApiError:
    """Return the 422 «Validation Failed» with one entry in its list of errors."""
    return ApiError(422, "Validation Failed", [fault(resource, field, code, message)])


def fault(resource: str, field: str, code: str, message: str | None = None) -> Json:
    """Return one entry of a list of errors; only the code `custom` carries a message."""
    entry: Json = {"resource": resource, "code": code, "field": field}
    return entry if message is None else entry | {"message": message}
