"""The files of a folder over HTTPS, each request in a thread of its own.

    https_files.py FOLDER PORT CERT KEY

A file's name is the whole target of a request, with its query, without the first slash. Listens on
127.0.0.1. The requests are printed to stdout.
"""
import http.server
import os
import ssl
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.path[1:]
        known = name in os.listdir(sys.argv[1])
        body = open(os.path.join(sys.argv[1], name), "rb").read() if known else b""
        print(self.path, flush=True)
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self):
        # The handshake is the thread's: one client that is slow in it keeps nobody waiting.
        sock, address = super().get_request()
        return TLS.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), address


TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
TLS.load_cert_chain(sys.argv[3], sys.argv[4])
Server(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
