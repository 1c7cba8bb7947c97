"""Requests that are no HTTP are the asker's mistake. Sanic 21.12 answers 500 to some of them, with a line in the log for each."""

from __future__ import annotations

from sanic.exceptions import InvalidUsage, SanicException
from sanic.http import Http
from sanic.server.protocols.http_protocol import HttpProtocol


class _StrictHttp(Http):
    """Reads the head of a request; what cannot be read is refused with 400, and the connection ends."""

    async def http1_request_header(self) -> None:
        try:
            await super().http1_request_header()  # type: ignore[no-untyped-call]
        except SanicException:
            self.request_body = None
            raise
        except Exception:  # noqa: BLE001 (an address that is none, a length that is no number, ...: an exception each, of any kind)
            self.request_body = None
            raise InvalidUsage("Bad Request") from None
        headers = self.request.headers
        lengths, codings = headers.getall("content-length", []), headers.getall("transfer-encoding", [])
        # A body whose end a proxy may see elsewhere than Sanic does: there the next request would begin.
        unclear = len(lengths) + len(codings) > 1 or codings not in ([], ["chunked"]) or not all(map(_is_number, lengths))
        if unclear or not self.request.path.startswith("/"):
            # Sanic would look for the end of the body: for one of -1 bytes for ever, without letting anybody else go on.
            self.request_body = None
            raise InvalidUsage("Bad Request")


def _is_number(text: str) -> bool:
    """Python itself reads "1_0" and "+5" too."""
    return text.isascii() and text.isdecimal()


class StrictHttpProtocol(HttpProtocol):
    """A connection whose requests are read as above."""

    def _setup_connection(self) -> None:
        super()._setup_connection()  # type: ignore[no-untyped-call]
        self._http = _StrictHttp(self)  # type: ignore[no-untyped-call]
