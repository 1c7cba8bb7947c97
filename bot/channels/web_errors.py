"""Refusals: a status code, a code for programs and one sentence for people."""

from __future__ import annotations

from http import HTTPStatus

STATUS: dict[str, HTTPStatus] = {
    "no_token": HTTPStatus.UNAUTHORIZED,
    "bad_token": HTTPStatus.UNAUTHORIZED,
    "expired_token": HTTPStatus.UNAUTHORIZED,
    "session_erased": HTTPStatus.GONE,
    "session_expired": HTTPStatus.GONE,
    "origin_refused": HTTPStatus.FORBIDDEN,
    "not_json": HTTPStatus.BAD_REQUEST,
    "wrong_fields": HTTPStatus.UNPROCESSABLE_ENTITY,
    "empty": HTTPStatus.UNPROCESSABLE_ENTITY,
    "too_long": HTTPStatus.UNPROCESSABLE_ENTITY,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unknown_button": HTTPStatus.NOT_FOUND,
    "bad_event_id": HTTPStatus.BAD_REQUEST,
    "too_fast": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_sessions": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_streams": HTTPStatus.TOO_MANY_REQUESTS,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "not_found": HTTPStatus.NOT_FOUND,
    "wrong_method": HTTPStatus.METHOD_NOT_ALLOWED,
    "bad_request": HTTPStatus.BAD_REQUEST,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
}

#: Codes for what the web server itself refuses, by status.
CODE_OF_STATUS: dict[int, str] = {404: "not_found", 405: "wrong_method", 413: "body_too_large", 503: "busy"}


class Refusal(Exception):
    """A request that is not carried out. ``code`` is a key of :data:`STATUS`."""

    def __init__(self, code: str, retry_after: float = 0.0) -> None:
        self.code = code
        self.retry_after = retry_after
        super().__init__(code)
