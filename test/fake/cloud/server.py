"""The listeners: proxies that answer CONNECT themselves with a certificate for the name that was asked for, and local endpoints without TLS.
Every request is checked and answered by the role that its host and path have (aws.py, azure.py, gcp.py, devops.py,
registry.py)."""
import base64
import http.server
import json
import socket
import ssl
import struct
import subprocess
import threading
import traceback

import aws
import azure
import devops
import gcp
import registry
from state import Reply, Request, Wrong, need, same

MODULES = (aws, azure, gcp, devops, registry)
MAX_BODY = 1 << 20


class Certificates:
    """A CA of its own, and a context for each name."""

    def __init__(self, folder):
        self.folder, self.lock, self.locks, self.contexts = folder, threading.Lock(), {}, {}
        self.ca = f"{folder}/ca.pem"
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=fake cloud",
                 "-keyout", f"{folder}/ca.key", "-out", self.ca)
        self.run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{folder}/server.key")

    def run(self, *args):
        subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def context(self, name):
        with self.lock:
            one = self.locks.setdefault(name, threading.Lock())
        with one:  # who asks for another name does not wait
            if name not in self.contexts:
                self.contexts[name] = self.make([name])
            return self.contexts[name]

    def prepare(self, registries):
        """One certificate for all of them, and for those that give passwords for them: openssl is started once."""
        names = list(azure.AUTHORITIES) + ["sts.googleapis.com", "iamcredentials.googleapis.com", "oauth2.googleapis.com"]
        for host in registries:
            api = aws.api_host(host)
            names += [host] + ([api, "sts." + api.removeprefix("api.").partition(".")[2]] if api else [])
        names = [n for n in dict.fromkeys(names) if n not in self.contexts]
        if names:
            self.contexts.update(dict.fromkeys(names, self.make(names)))

    def make(self, names):
        file = f"{self.folder}/cert-{names[0]}.pem"
        self.run("req", "-x509", "-new", "-key", f"{self.folder}/server.key", "-CA", self.ca, "-CAkey", f"{self.folder}/ca.key", "-days", "2",
                 "-subj", "/CN=fake", "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names), "-addext", "basicConstraints=CA:FALSE", "-out", file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file, f"{self.folder}/server.key")
        context.set_alpn_protocols(["http/1.1"])
        return context


def role_of(fake, q):
    for module in MODULES:
        found = module.role(fake, q.host, q.path, q.local)
        if found:
            return found
    raise Wrong(f"nobody should be asked this: {q.method} {q.host} {q.path}")


def answer(fake, q):
    """The reply to a request, whatever it is, and its line in the log."""
    role, wrong = None, None
    try:
        role = role_of(fake, q)
        reply = role.serve(fake, q)
        entry = fake.scripted(q)
        if entry:
            reply = changed(fake, q, role, reply, entry)
    except Wrong as e:
        wrong = str(e)
    except Exception as e:  # a request that cannot even be read is a wrong one
        wrong = f"{type(e).__name__}: {e}"
        traceback.print_exc()
    if wrong is not None:
        reply = Reply(599, {"wrong": wrong})
    line = {"role": role.name if role else "none", "via": q.via, "host": q.host, "method": q.method, "path": q.path, "query": q.query,
            "status": reply.status, "headers": dict(q.headers.items())}
    if q.body:
        line["body"] = q.body.decode("utf-8", "replace")
    if wrong is not None:
        line["wrong"] = wrong
    fake.write(**line)
    reply.headers.append(("Date", fake.date(q)))
    return reply


def changed(fake, q, role, good, entry):
    if "error" in entry:
        reply = role.error(entry["status"], entry["error"], entry.get("text", "said by the fake"))
    elif "raw" in entry:
        reply = Reply(entry.get("status", 200), entry["raw"] % good.values if good.values else entry["raw"], entry.get("type", good.kind))
    elif "change" in entry:
        reply = Reply(entry.get("status", 200), {k: v for k, v in {**json.loads(good.body), **entry["change"]}.items() if v is not None}, good.kind)
    else:
        reply = good
    reply.headers += entry.get("headers", {}).items()
    reply.body += b" " * entry.get("pad", 0)
    reply.cut, reply.hang, reply.reset = entry.get("cut", False), entry.get("hang", 0), entry.get("reset", False)
    return reply


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = None  # whose TLS this is; None: a local endpoint
    timeout = 120

    def log_message(self, *_):
        pass

    def request_read(self):
        length = int(self.headers.get("Content-Length") or 0)
        need(length <= MAX_BODY and not self.headers.get("Transfer-Encoding"), "a body without a length, or a large one")
        return Request(self.command, self.path, self.headers, self.rfile.read(length), self.host or self.server.name, self.via())

    def via(self):
        return f"proxy {self.server.name}" if self.host else f"local {self.server.name}"

    def serve(self):
        q = self.request_read()
        if self.host:
            named = (q.header("Host") or "").lower()
            if named not in (self.host, self.host + ":443"):
                self.server.fake.write(role="none", host=self.host, wrong=f"Host {named!r} in a tunnel to {self.host!r}")
        self.send(q, answer(self.server.fake, q))

    def send(self, q, reply):
        if reply.hang:
            self.connection.settimeout(reply.hang)
            try:
                self.rfile.read(1)  # until the client gives up
            except OSError:
                pass
        if reply.reset or reply.hang:
            self.abort()
            return
        self.send_response_only(reply.status, "X")
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.body or reply.status == 200:
            self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if q.method == "HEAD":
            return
        self.wfile.write(reply.body[:len(reply.body) // 2] if reply.cut else reply.body)
        if reply.cut:
            self.close_connection = True

    def abort(self):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve


class Tunnelled(Handler):
    """What goes through a tunnel, once TLS is there."""

    def __init__(self, connection, peer, server, host):
        self.host = host
        super().__init__(connection, peer, server)


class ProxyHandler(Handler):
    def do_CONNECT(self):
        fake, (host, _, port) = self.server.fake, self.path.lower().rpartition(":")
        line = {"role": "connect", "via": f"proxy {self.server.name}", "host": host, "port": port}
        try:
            self.check_password()
            same("port", "443", port)
            need(host and self.may_be(fake, host), f"nobody should be asked for: {host!r}")
        except PermissionError:
            fake.write(**line, status=407)
            self.refuse(407, [("Proxy-Authenticate", 'Basic realm="fake"')])
            return
        except Wrong as e:
            fake.write(**line, status=599, wrong=str(e))
            self.refuse(599, [])
            return
        fake.write(**line, status=200)
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            tls = self.server.certificates.context(host).wrap_socket(self.connection, server_side=True)
        except OSError as e:
            fake.write(role="tls", host=host, refused=str(e))
            return
        with tls:
            try:
                Tunnelled(tls, self.client_address, self.server, host)
            except OSError:
                pass

    def may_be(self, fake, host):
        """A host that has a role at some path."""
        return any(module.role(fake, host, path, False) for module in MODULES for path in ("/", "/oauth2/exchange"))

    def check_password(self):
        wanted = self.server.password
        if wanted:
            shown = self.headers.get("Proxy-Authorization")
            if shown != "Basic " + base64.b64encode(wanted.encode()).decode():
                raise PermissionError
        else:
            need(not self.headers.get("Proxy-Authorization"), "a proxy's password for a proxy without one")

    def refuse(self, status, headers):
        self.close_connection = True
        self.send_response_only(status, "X")
        for name, value in (*headers, ("Content-Length", "0"), ("Connection", "close")):
            self.send_header(name, value)
        self.end_headers()

    def plain(self):
        self.server.fake.write(role="none", via=f"proxy {self.server.name}", host=self.path, method=self.command, status=599,
                               wrong=f"plain http through the proxy: {self.command} {self.path}")
        self.refuse(599, [])

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = plain


class ControlHandler(http.server.BaseHTTPRequestHandler):
    """POST /reset, POST /names (registries that will be asked, in words: their certificates are made at once), POST /script, POST /revoke {"host", "status"}: passwords given so far count no more there; GET /log (a JSON line a
    request), /wrong (what should not have been asked), /secrets (one a line)."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, text, status=200):
        body = text.encode()
        self.send_response_only(status, "X")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        fake = self.server.fake
        with fake.lock:
            log, known = list(fake.log), list(fake.secrets)
        if self.path == "/log":
            self.say("".join(json.dumps(line) + "\n" for line in log))
        elif self.path == "/wrong":
            self.say("".join(f"{l['host']}: {l['wrong']}\n" for l in log if "wrong" in l))
        elif self.path == "/secrets":
            self.say("".join(text + "\n" for text in known))
        else:
            self.say("", 404)

    def do_POST(self):
        fake = self.server.fake
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/reset":
            fake.reset()
        elif self.path == "/names":
            self.server.certificates.prepare(body.decode().split())
        elif self.path == "/script":
            fake.add_script(json.loads(body))
        elif self.path == "/revoke":
            order = json.loads(body)
            with fake.lock:
                fake.revoked.update({(order["host"], password): order["status"] for password in fake.passwords})
        else:
            self.say("", 404)
            return
        self.say("")


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 1024

    def __init__(self, name, handler, fake, certificates, address=("127.0.0.1", 0), password=None):
        self.name, self.fake, self.certificates, self.password = name, fake, certificates, password
        super().__init__(address, handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that goes away
