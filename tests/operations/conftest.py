"""Real servers, as the tests of the web channel start them."""

from web.conftest import make_server, server

__all__ = ["make_server", "server"]
