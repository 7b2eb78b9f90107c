"""front.py PORT REGISTRY LOG [LAG]: stands in front of a registry. Each request is noted in LOG with what it shows. While the file LAG exists the tag
that stands in it is left out of tag lists."""
import http.client
import http.server
import json
import os
import sys

port, registry, log = int(sys.argv[1]), sys.argv[2], sys.argv[3]
lag = sys.argv[4] if len(sys.argv) > 4 else ""
ITS_OWN = ("content-length", "transfer-encoding", "connection", "date", "server")


def without(body, tag):
    o = json.loads(body)
    o["tags"] = [t for t in o["tags"] if t != tag]
    return json.dumps(o).encode()


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def ask(self):
        try:
            c = http.client.HTTPConnection(registry)
            c.request(self.command, self.path, headers={"Accept": self.headers.get("Accept", "*/*")})
            r = c.getresponse()
            return r.status, r.getheaders(), r.read(), r.getheader("Content-Length", "0")
        except OSError:
            return 502, [], b"", "0"

    def do_GET(self):
        with open(log, "a") as f:
            f.write(f"{self.command} {self.path} auth={self.headers.get('Authorization', '')}\n")
        status, headers, body, length = self.ask()
        if "/tags/list" in self.path and os.path.exists(lag):
            with open(lag) as f:
                body = without(body, f.read().strip())
        self.send_response(status)
        for k, v in headers:
            if k.lower() not in ITS_OWN:
                self.send_header(k, v)
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Front).serve_forever()
