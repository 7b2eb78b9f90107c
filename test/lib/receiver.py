#!/usr/bin/env python3
"""receiver.py PORT POSTS STATUS: takes POSTs on loopback. Each body becomes a line of the file POSTS, then the answer has the status in the
file STATUS, 200 when there is none."""
import http.server
import sys

PORT, POSTS, STATUS = sys.argv[1:]


def status():
    try:
        with open(STATUS, encoding="ascii") as f:
            return int(f.read())
    except (OSError, ValueError):
        return 200


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, code):
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.answer(204)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(POSTS, "ab") as f:
            f.write(body.replace(b"\n", b" ") + b"\n")
        self.answer(status())

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Receiver).serve_forever()
