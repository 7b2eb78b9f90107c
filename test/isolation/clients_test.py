# Alone: it measures turns of the loop.
"""Clients of the servers that say nothing, ask for half a thing or read next to nothing: others are served, and work goes on."""
import http.client
from lab import *

SILENT, READERS, SMALL = 4000, 1024, 300
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))
ok = Server(Registry())
big = Server(Registry(layer({"big.bin": os.urandom(8 * MIB)})))
opened = []


def connect(server, say=b"", source="127.0.0.1", window=None):
    host, port = c.addresses[server].rsplit(":", 1)
    s = socket.socket()
    if window:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    s.bind((source, 0))
    s.settimeout(10)
    opened.append(s)
    try:
        s.connect((host, int(port)))
        s.sendall(say)
    except OSError:
        pass  # turned away
    return s


def leave():
    for s in opened:
        s.close()
    opened.clear()


def consumer(path, source="127.0.0.1"):
    """(status, whole body came, seconds) of one download, from an address of its own if need be."""
    host, port = c.addresses["artifacts"].rsplit(":", 1)
    since = time.time()
    try:
        h = http.client.HTTPConnection(host, int(port), timeout=10, source_address=(source, 0))
        h.request("GET", "/" + path, headers={"Connection": "close"})
        answer = h.getresponse()
        whole = len(answer.read()) == int(answer.headers["Content-Length"])
        h.close()
        return answer.status, whole, time.time() - since
    except (OSError, http.client.HTTPException) as e:
        return repr(e), False, time.time() - since


def answers(requests):
    """The statuses that a client gets who asks all at once, closes its sending side and reads."""
    s = connect("artifacts", requests)
    s.shutdown(socket.SHUT_WR)
    got = b""
    while more := s.recv(1 << 20):
        got += more
    return re.findall(rb"HTTP/1\.1 (\d+) ", got)


def served(what, path, source="127.0.0.1", n=5):
    seen = [consumer(path, source) for _ in range(n)]
    check(f"{what}: {n} of {n} downloads", all(s == 200 and whole for s, whole, _ in seen), seen)
    figure(f"{what}: the slowest", max(t for _, _, t in seen), "s", most=SOON)


def worst_turn(what, do, undo):
    """The longest turn of the loop meanwhile: the best of some tries, as it is a time on a clock and the machine may be busy."""
    seen = []
    while len(seen) < 6 and (not seen or min(seen) > 0.02):
        undo()
        c.metrics()
        do()
        seen.append(c.metric("loop_busy_worst_seconds"))
    figure(f"{what}: longest turn of the loop", min(seen) * 1000, "ms", most=150 if SANITIZED else 30)


def silent():
    for i in range(SILENT):
        connect("artifacts", source=f"127.0.0.{1 + i % 8}")


def works(what, name):
    """A new object, and what the kubelet and Prometheus ask."""
    c.add(name, ok.url("org/" + name))
    figure(f"{what}: a new object is Ready after", c.wait_ready(name, 20), "s", most=2)
    for server, path in (("health", "/readyz"), ("health", "/healthz"), ("metrics", "/metrics")):
        check(f"{what}: {path}", c.http(server, path, timeout=5)[0] == 200)


def come_back(what, before):
    leave()
    figure(f"{what}: descriptors when they have left", until(10, lambda: c.descriptors() <= before + 10) and c.descriptors(), "of them", most=before + 10)


for soft, hard in ((1024, 1024), (1024, min(HARD, 1048576))):
    name = f"limit {soft}/{hard}"
    c = Controller(nofile=(soft, hard))
    said = [l for l in c.lines() if l.get("msg") == "descriptors"][0]
    check(f"{name}: the soft limit is raised, up to 65536", said["all"] == min(hard, 65536), said)
    c.add("big", big.url("org/big"))
    c.add("small", ok.url("org/small"))
    figure(f"{name}: Ready", c.wait_ready("big") and c.wait_ready("small"), "s", most=5)
    path, small = (c.get(n)["status"]["artifact"]["path"] for n in ("big", "small"))
    served(f"{name}, nobody else", path)
    ask = "GET /{} HTTP/1.1\r\nHost: x\r\n{}\r\n"
    head = ask.format(small, "").replace("GET", "HEAD", 1)
    for kind, request, status in (("GETs", ask.format(small, ""), b"200"), ("HEADs", head, b"200"), ("GETs of nothing", ask.format("x", ""), b"404"),
                                  ("GETs with 200 fields", ask.format(small, "X-Forwarded-Something: aaaaaaaaaaaaaaaaa\r\n" * 200), b"200")):
        got = answers(request.encode() * 200)
        check(f"{name}: 200 pipelined {kind}, half closed, are answered", got == [status] * 200, len(got))
    leave()
    before = c.descriptors()

    what = f"{name}, {SILENT} silent connections"
    worst_turn(f"{what} come", silent, leave)
    worst_turn(f"{what} leave", leave, silent)
    silent()
    served(what, small)
    works(what, "beside-silent")
    figure(f"{what}: descriptors", c.descriptors(), "of them", most=before + said["artifactConnections"] + 20)
    figure(f"{what}: resident memory", c.rss(), "MiB", most=200 if SANITIZED else 64)
    check(f"{what}: counted", c.metric("http_server_refused_total", 'server="artifacts"') + c.metric("http_server_cut_total", 'server="artifacts"') > 1000)
    come_back(what, before)

    what = f"{name}, {READERS} readers of 64 bytes"
    since = time.time()
    for _ in range(READERS):
        connect("artifacts", f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), window=4096)
    served(f"{what}, from another address", small, "127.0.0.2")
    works(what, "beside-readers")
    while time.time() - since < 11:
        for s in opened:
            s.setblocking(False)
            try:
                s.recv(64)
            except OSError:
                pass
        time.sleep(1)
    served(f"{what}, from the same address after their 10 s", small)
    figure(f"{what}: resident memory", c.rss(), "MiB", most=200 if SANITIZED else 64)
    come_back(what, before)

    for what, say in ((f"{name}, {READERS} readers from four addresses", f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n"),
                      (f"{name}, {READERS} half requests from four addresses", f"GET /{path} HTTP/1.1\r\nX: ")):
        crowd = [connect("artifacts", say.encode(), f"127.0.0.{11 + i % 4}", window=4096) for i in range(READERS)]
        served(f"{what}, from a fifth one at once", small, "127.0.0.2")
        for i, s in enumerate(crowd):  # they come again
            s.close()
            connect("artifacts", say.encode(), f"127.0.0.{11 + i % 4}", window=4096)
            if i % 256 == 0:
                served(f"{what}, that come again", small, "127.0.0.2", n=1)
        come_back(what, before)

    what = f"{name}, {SMALL * 2} silent connections at the embedded API"
    for _ in range(SMALL * 2):
        connect("embedded-api")
    works(what, "beside-api")
    come_back(what, before)

    what = f"{name}, {SMALL} silent connections and {SMALL} readers on each small port"
    for server, p in (("metrics", "/metrics"), ("health", "/readyz")):
        for _ in range(SMALL):
            connect(server)
        for _ in range(SMALL):
            connect(server, f"GET {p} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 4, window=4096)
    time.sleep(0.2)
    works(what, "beside-small")
    come_back(what, before)

    silent()
    since = time.time()
    check(f"{name}: ends well", c.stop() == 0)
    figure(f"{name}: the end, with {SILENT} silent connections", time.time() - since, "s", most=5)
    leave()
finish()
