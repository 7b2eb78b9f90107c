#!/usr/bin/env python3
"""A Git server that lies, in front of a real one.

    git_liar.py PORT TARGET     TARGET: http://HOST:PORT/PREFIX of the real one

/silent/app.git accepts and never answers; /flip/app.git changes one byte of each pack;
/cut/app.git ends in the middle of one; any other first word passes everything on as it is."""
import http.server
import sys
import threading
import urllib.error
import urllib.request

PORT, TARGET = int(sys.argv[1]), sys.argv[2]
never = threading.Event()


class Liar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def serve(self):
        how, _, path = self.path.lstrip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        if how == "silent":
            never.wait()
        headers = {name: self.headers[name] for name in ("Git-Protocol", "Content-Type", "Accept")
                   if self.headers[name]}
        asked = urllib.request.Request(f"{TARGET}/{path}", body, headers, method=self.command)
        try:
            with urllib.request.urlopen(asked) as answer:
                status, kind, said = 200, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as e:
            status, kind, said = e.code, "text/plain", b""
        pack = said.find(b"PACK")
        if how == "flip" and pack >= 0:
            said = bytearray(said)
            said[pack + 20] ^= 1
        cut = len(said) // 2 if how == "cut" and pack >= 0 else len(said)
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said[:cut])
        self.close_connection = cut < len(said)

    do_GET = do_POST = serve


http.server.ThreadingHTTPServer.daemon_threads = True
http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Liar).serve_forever()
