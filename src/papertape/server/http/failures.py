"""Turns every failure of a request into one body: a stable code, a sentence, the place in the input, an id."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from papertape.errors import Conflict, Invalid, NotFound, PapertapeError, Refused, Unavailable
from papertape.wire.http import ErrorBody

_log = structlog.get_logger("papertape.server.http")

AnyRequest = Request[Any, Any, State]  # the user and auth types are open: there are no logins yet

_STATUS: tuple[tuple[type[PapertapeError], int], ...] = (
    (Invalid, 400),
    (NotFound, 404),
    (Conflict, 409),
    (Refused, 400),
    (Unavailable, 503),
)
_HTTP_CODES = {
    400: "http.malformed",
    404: "http.not_found",
    405: "http.method",
    413: "http.too_large",
    415: "http.media_type",
}


def answer_refusal(_: AnyRequest, error: PapertapeError) -> Response[ErrorBody]:
    """Answer an error that papertape raised on purpose."""
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), None)
    if status is None:
        return _answer_failure(error)
    retry = isinstance(error, Unavailable)
    return _answer(status, ErrorBody(code=error.code, message=error.message, path=error.path, retry=retry))


def answer_validation(_: AnyRequest, error: ValidationException) -> Response[ErrorBody]:
    """Answer input that does not have the declared shape, naming the place."""
    found = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    key = str(found.get("key") or "")
    path = key if key != "data" else None
    detail = found.get("message") or error.detail
    if detail == repr(key):  # what the framework says of a body that is empty
        detail = "the body is empty, JSON was expected"
    return _answer(
        400, ErrorBody(code="http.invalid", message=f"The request is malformed: {detail}.", path=path or None)
    )


def answer_http(_: AnyRequest, error: HTTPException) -> Response[ErrorBody]:
    """Answer what the framework itself refuses."""
    code = _HTTP_CODES.get(error.status_code, "http.refused")
    return _answer(error.status_code, ErrorBody(code=code, message=f"{error.detail.rstrip('.')}."))


def answer_unknown(_: AnyRequest, error: Exception) -> Response[ErrorBody]:
    """Answer a failure nobody foresaw with an id only; the log has the rest."""
    return _answer_failure(error)


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    PapertapeError: answer_refusal,
    ValidationException: answer_validation,
    HTTPException: answer_http,
    Exception: answer_unknown,
}


def _answer_failure(error: Exception) -> Response[ErrorBody]:
    error_id = secrets.token_hex(6)
    _log.error("request_failed", error_id=error_id, exc_info=error)
    message = f"The desk failed to answer; look for {error_id} in its log and report it."
    return _answer(500, ErrorBody(code="internal", message=message, error_id=error_id))


def _answer(status: int, body: ErrorBody) -> Response[ErrorBody]:
    return Response(body, status_code=status, media_type="application/json")
