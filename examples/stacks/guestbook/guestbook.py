"""A guestbook over HTTP that keeps its entries in Redis. It needs nothing but Python."""

import html
import http.server
import json
import os
import signal
import socket
import sys
import time
import urllib.parse
import urllib.request

PORT = 8000
PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Guestbook</title>
<h1>Guestbook</h1>
<form method="post" action="/">
  <input name="name" placeholder="your name" required maxlength="60">
  <input name="text" placeholder="what you want to say" required maxlength="500">
  <button>Sign</button>
</form>
<ul>
{entries}
</ul>
<p>{count} signed. Served by {host}.</p>
"""


class Redis:
    """Just enough of Redis's protocol for a guestbook."""

    def __init__(self, host, port=6379):
        self._socket = socket.create_connection((host, port), timeout=5)
        self._stream = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()
        self._socket.close()

    def ask(self, *words):
        encoded = [str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))
        return self._answer()

    def _answer(self):
        line = self._stream.readline()
        kind, rest = line[:1], line[1:].strip()
        if kind == b"-":
            raise OSError(rest.decode())
        if kind == b"$":
            return self._stream.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        return rest.decode()


def redis():
    return Redis(os.environ.get("REDIS_HOST", "localhost"))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            with redis() as store:
                self.send("text/plain", store.ask("PING"))
            return
        with redis() as store:
            entries = [json.loads(entry) for entry in store.ask("LRANGE", "entries", 0, 49)]
            count = store.ask("LLEN", "entries")
        items = "\n".join(f"<li><b>{html.escape(e['name'])}</b>: {html.escape(e['text'])}</li>" for e in entries)
        self.send("text/html", PAGE.format(entries=items, count=count, host=socket.gethostname()))

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length", 0)), 4096)
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        entry = {"name": form.get("name", "")[:60], "text": form.get("text", "")[:500], "time": time.time()}
        if not entry["name"] or not entry["text"]:
            self.send_error(400, "an entry has a name and a text")
            return
        with redis() as store:
            store.ask("LPUSH", "entries", json.dumps(entry))
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, text, *values):
        if self.path != "/health":
            print(f"{self.headers.get('X-Forwarded-For', '-')} {text % values}")


def main():
    if "--check" in sys.argv:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=5) as answer:
            sys.exit(answer.read() != b"PONG")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    print(f"listening on port {PORT}")
    http.server.ThreadingHTTPServer(("", PORT), Handler).serve_forever()


main()
