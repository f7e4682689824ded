"""A web server on this machine that can break off, forget parts and change its file."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What the server has and does; ``asked`` are the Range headers it saw, None for a whole file."""

    content: bytes
    tag: str | None = '"one"'
    ranges: bool = True
    break_after: int | None = None
    tells_length: bool = True
    asked: list[str | None] = field(default_factory=list)
    address: str = ""


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Serve the site under its ``address`` until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/file.pt":
                self.send_error(404)
                return
            _answer(self, site)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}/file.pt"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(request: BaseHTTPRequestHandler, site: Site) -> None:
    asked = request.headers.get("Range")
    site.asked.append(asked)
    start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
    partial = site.ranges and start > 0 and request.headers.get("If-Range") == site.tag
    if partial and start >= len(site.content):
        request.send_error(416)
        return
    body = site.content[start:] if partial else site.content
    request.send_response(206 if partial else 200)
    if partial:
        request.send_header("Content-Range", f"bytes {start}-{len(site.content) - 1}/{len(site.content)}")
    if site.tag:
        request.send_header("ETag", site.tag)
    if site.tells_length:
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body if site.break_after is None else body[: site.break_after])
