#!/usr/bin/env python3
"""Proxies and CAs of the environment, as Go programs read them: controller and ocictl use the proxy for the names that are meant, never for
loopback, and the embedded API's URL, which is as good as a password, does not reach it. A company CA in a plain folder is trusted."""
import select, socketserver
from lab import *

PASSWORD = "s3c:ret/x"
OCICTL = BUILD + "/ocictl"


class Proxy(socketserver.ThreadingTCPServer):
    """CONNECT and absolute URLs, with a password. Leads every name to one port of this machine."""
    allow_reuse_address, daemon_threads = True, True

    def __init__(self, to, user=None):
        self.to, self.seen = to, []
        self.want = user and "Basic " + base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            head = b""
            while b"\r\n\r\n" not in head:
                part = self.request.recv(65536)
                if not part:
                    return
                head += part
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            self.server.seen.append((method, target, head.decode("latin1")))
            given = re.search(rb"(?im)^Proxy-Authorization: (.*)\r$", head)
            if self.server.want and (not given or given[1].decode() != self.server.want):
                self.request.sendall(b"HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", self.server.to)) as up:
                if method == "CONNECT":
                    self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                else:
                    up.sendall(head.replace(target.encode(), b"/" + target.split("/", 3)[3].encode(), 1).replace(b"Proxy-Connection", b"X-Was"))
                pair = {self.request: up, up: self.request}
                while True:
                    for s in select.select(list(pair), [], [], 60)[0]:
                        try:
                            data = s.recv(65536)
                            pair[s].sendall(data)
                        except OSError:
                            return
                        if not data:
                            return


def certificate(name):
    """(folder with the certificate as a mounted ConfigMap has it, context of a server)"""
    folder = f"{TMP}/{name}"
    os.makedirs(folder + "/..1")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", f"{TMP}/{name}.key", "-out", folder + "/..1/corp.crt"], check=True, stderr=subprocess.DEVNULL)
    os.symlink("..1", folder + "/..data")
    os.symlink("..data/corp.crt", folder + "/corp.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder + "/corp.crt", f"{TMP}/{name}.key")
    return folder, context


def secret_seen(c, proxy):
    return [t for _, t, _ in proxy.seen if c.server.rsplit("/", 1)[1] in t]


def ocictl(url, **env):
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    r = subprocess.run([OCICTL, "tag", url, "--tag=x", "--timeout=5s", "--insecure"], env={**clean, "HOME": TMP, **env}, capture_output=True, text=True)
    return r.stderr


plain = Server(Registry())
folder, context = certificate("registry.corp.test")
tls = Server(Registry(), tls=context)

# Plain http through HTTP_PROXY, which wants a password; loopback goes past it.
proxy = Proxy(plain.port, "px")
c = Controller(env={"HTTP_PROXY": f"http://px:{urllib.parse.quote(PASSWORD, '')}@{proxy.address}"})
c.add("far", "oci://registry.corp.test:5000/org/far", insecure=True)
c.add("near", plain.url("org/near"), insecure=True)
c.add("name", plain.url("org/name", "localhost"), insecure=True)
check("a registry by name is reached through HTTP_PROXY", c.wait_ready("far") is not None, c.condition("far"))
check("one on loopback is Ready", c.wait_ready("near") is not None, c.condition("near"))
check("one on localhost is Ready", c.wait_ready("name") is not None, c.condition("name"))
check("the proxy saw the name only", {t.split("/")[2] for _, t, _ in proxy.seen} == {"registry.corp.test:5000"}, proxy.seen[:3])
check("the embedded API's secret did not reach the proxy", not secret_seen(c, proxy))
check("the log has no password", PASSWORD not in c.raw() and "s3c%3A" not in c.raw())
check("the controller ends well", c.stop() == 0)

# https through HTTPS_PROXY with a company CA in a plain folder; NO_PROXY takes a name below a domain and a port out.
proxy = Proxy(tls.port)
c = Controller(env={"https_proxy": proxy.address, "http_proxy": proxy.address, "NO_PROXY": "*.direct.test, registry.corp.test:5001", "SSL_CERT_DIR": folder})
c.add("tunnel", "oci://registry.corp.test/org/tunnel")
c.add("direct", "oci://registry.direct.test/org/direct")
c.add("port", "oci://registry.corp.test:5001/org/port")
check("a CONNECT tunnel leads to the registry, whose CA is trusted", c.wait_ready("tunnel") is not None, c.condition("tunnel"))
check("a name of NO_PROXY is asked directly", c.wait_ready("direct", status="False") is not None, c.condition("direct"))
check("a name and port of NO_PROXY as well", c.wait_ready("port", status="False") is not None, c.condition("port"))
check("the proxy led to one name only", {t for _, t, _ in proxy.seen} == {"registry.corp.test:443"}, [t for _, t, _ in proxy.seen][:5])
check("the embedded API's secret did not reach the proxy", not secret_seen(c, proxy))
check("the controller ends well", c.stop() == 0)

# What cannot be used is named, without its value; ALL_PROXY is none of ours.
c = Controller(env={"HTTPS_PROXY": f"http://px:{PASSWORD}@pro xy", "all_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"})
c.add("far", "oci://registry.corp.test/org/far")
c.add("near", plain.url("org/near"), insecure=True)
check("a malformed proxy fails the object", c.wait_ready("far", status="False") is not None)
message = c.condition("far")["message"]
check("its message names the variable only", "HTTPS_PROXY" in message and "s3c" not in message, message)
check("ALL_PROXY is not read", c.wait_ready("near") is not None, c.condition("near"))
check("the controller ends well", c.stop() == 0)

# ocictl reads the same environment.
proxy = Proxy(plain.port)
said = ocictl("oci://registry.corp.test:5000/org/app:latest", http_proxy=proxy.address)
check("ocictl asks the proxy", any(t.startswith("http://registry.corp.test:5000/v2/org/app/") for _, t, _ in proxy.seen), said)
count = len(proxy.seen)
said = ocictl(plain.url("org/app:latest"), http_proxy=proxy.address, https_proxy=proxy.address)
said += ocictl("oci://registry.direct.test/org/app:latest", http_proxy=proxy.address, https_proxy=proxy.address, no_proxy=".direct.test")
check("ocictl passes it by for loopback and for NO_PROXY", len(proxy.seen) == count, proxy.seen[count:])
finish()
