"""A server of files on this machine that can be told to misbehave, and a cache of the test's own."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Served:
    """What the server has, how it behaves, and what it did.

    Attributes:
        contents: By name.
        ranges: Whether it answers requests for the rest of a file.
        shift: Bytes by which the rest that it gives begins too late.
        break_after: Bytes of an answer after which the connection breaks; ``None`` for never. Used up by one break.
        pause: Called after every block.
        requests: What was asked for: name and range.
        n_sent: Bytes of content that were sent.
    """

    address: str = ""
    contents: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    shift: int = 0
    break_after: list[int] = field(default_factory=list)
    block: int = 1 << 16
    pause: float = 0.0
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    n_sent: int = 0


def handler(served: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name, asked = self.path.lstrip("/"), self.headers.get("Range")
            served.requests.append((name, asked))
            content = served.contents.get(name)
            if content is None:
                self.send_error(404)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) + served.shift if asked and served.ranges else 0
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            rest = content[start:]
            limit = served.break_after.pop(0) if served.break_after else len(rest)
            for at in range(0, min(limit, len(rest)), served.block):
                block = rest[at : min(at + served.block, limit)]
                try:
                    self.wfile.write(block)
                except (BrokenPipeError, ConnectionResetError):
                    return
                served.n_sent += len(block)
                if served.pause:
                    threading.Event().wait(served.pause)
            if limit < len(rest):
                self.connection.close()

        def log_message(self, *arguments):
            pass

    return Handler


@pytest.fixture
def served():
    found = Served()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(found))
    server.handle_error = lambda *arguments: None
    found.address = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of the cache, of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    return tmp_path / "cache" / "vaehub"
