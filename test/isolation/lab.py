"""What the tests of isolation share: the real controller with its embedded API, registries that lie, stall or flood, and checks.

    from lab import *
    dead, ok = Server(stall), Server(Registry())
    c = Controller()
    c.add("web", ok.url("org/web"))
    check("a healthy object is Ready", c.wait_ready("web", 10) is not None)
    figure("Ready after", c.wait_ready("web"), "s", most=2)
    finish()

A script prints one line for each check and each figure, and ends with "NAME: N passed, N failed". Standard library only. Everything
listens on loopback; what was started ends with the script. BUILD names the folder of the program under test (default: build).
"""
import asyncio, atexit, base64, gzip, hashlib, inspect, io, json, os, re, resource, shutil, signal, socket, ssl, struct, subprocess, sys
import tarfile, tempfile, threading, time, urllib.error, urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
PROGRAM = os.environ.get("CONTROLLER", os.path.join(BUILD, "oci-source-controller"))
NAME = os.path.basename(sys.argv[0]).removesuffix(".py")
TMP = tempfile.mkdtemp(prefix="oci-isolation-")
SANITIZED = b"__asan_init" in open(PROGRAM, "rb").read()
MIB = 1 << 20
# Seconds, for what takes milliseconds on a quiet machine, and what others hold up takes 10 s and more. Not less: machines are shared.
SOON = 5.0 if SANITIZED else 3.0

# ---- checks ------------------------------------------------------------------------------------------------------------

_counts = {"passed": 0, "failed": 0}
_controllers = []


def check(name, ok, seen=""):
    _counts["passed" if ok else "failed"] += 1
    print(f"{'ok  ' if ok else 'FAIL'} {name}{'' if ok else f'; seen: {seen}'}", flush=True)
    return ok


def figure(name, value, unit, most=None, least=None):
    """A measured value and what it is held to. None is a failure. A time may be longer by what the machine does beside it."""
    if unit in ("s", "ms") and most is not None:
        most *= machine_load()
    held = value is not None and (most is None or value <= most) and (least is None or value >= least)
    shown = "none" if value is None else f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    limit = f" (at most {most:g})" if most is not None else f" (at least {least:g})" if least is not None else ""
    return check(f"{name}: {shown} {unit}{limit}", held, shown)


def skip(name, why):
    print(f"skip {name}: {why}", flush=True)


def finish():
    for c in list(_controllers):
        rc = c.stop()
        check("the controller ends well", rc == 0, f"exit status {rc}")
    if _counts["failed"]:
        for c in _ended:
            sys.stdout.write("".join("    " + l[:400] + "\n" for l in c.raw().splitlines()[-15:]))
    print(f"{NAME}: {_counts['passed']} passed, {_counts['failed']} failed", flush=True)
    os._exit(1 if _counts["failed"] or not _counts["passed"] else 0)


_ended = []


@atexit.register
def _clean():
    for c in list(_controllers):
        c.kill()
    if not os.environ.get("KEEP"):
        shutil.rmtree(TMP, ignore_errors=True)


# os._exit in finish passes atexit by
_exit = os._exit


def _exit_clean(code):
    _clean()
    sys.stdout.flush()
    _exit(code)


os._exit = _exit_clean
signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
signal.signal(signal.SIGINT, lambda *_: os._exit(130))


def until(seconds, what, every=0.02):
    """Asks `what()` until it gives something true; the time that took, or None."""
    begin = time.time()
    while True:
        if what():
            return time.time() - begin
        if time.time() - begin > seconds:
            return None
        time.sleep(every)


def machine_load():
    """How many want a processor, for each that there is; 1 at least. A time on a clock is longer by what is waited for them."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())


# ---- artifacts -----------------------------------------------------------------------------------------------------------

TYPE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
TYPE_LAYER = "application/vnd.cncf.flux.content.v1.tar+gzip"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer(files=None, level=6):
    """A plain layer: {name: bytes}."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=level) as g, tarfile.open(
            fileobj=g, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name, data in (files or {"a.yaml": b"x: 1\n"}).items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def manifest(blob, **more):
    config = b"{}"
    return json.dumps({"schemaVersion": 2, "mediaType": TYPE_MANIFEST,
                       "config": {"mediaType": "application/vnd.cncf.flux.config.v1+json", "digest": sha256(config), "size": len(config)},
                       "layers": [{"mediaType": TYPE_LAYER, "digest": sha256(blob), "size": len(blob)}], **more}).encode()


# ---- servers -------------------------------------------------------------------------------------------------------------

class Request:
    def __init__(self, method, target, headers, body, peer, connection):
        self.method, self.target, self.headers, self.body, self.peer, self.connection = method, target, headers, body, peer, connection
        self.path, _, self.query = target.partition("?")
        self.at = time.time()


def answer(status, headers=(), body=b"", head=False):
    """The bytes of a whole answer. headers: pairs."""
    lines = [f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in headers)]
    if not any(k.lower() in ("content-length", "transfer-encoding") for k, _ in headers):
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (b"" if head else body)


async def stall(request, writer):
    """A server that takes requests and never answers."""
    await asyncio.sleep(86400)


class Registry:
    """Has every repository and every tag, all with the same artifact. `first(request, writer)` may answer instead (bytes; None closes)
    or give False."""

    def __init__(self, blob=None, document=None, tags=("1.0.0", "latest"), first=None):
        self.blob = blob or layer()
        self.document = document or manifest(self.blob)
        self.tags, self.first = list(tags), first

    async def __call__(self, q, w):
        if self.first:
            said = await self.first(q, w)
            if said is not False:
                return said
        head = q.method == "HEAD"
        if "/manifests/" in q.path:
            return answer(200, [("Content-Type", TYPE_MANIFEST), ("Docker-Content-Digest", sha256(self.document))], self.document, head)
        if "/blobs/" in q.path:
            return answer(200, [], self.blob, head)
        if q.path.endswith("/tags/list"):
            return answer(200, [("Content-Type", "application/json")], json.dumps({"name": "x", "tags": self.tags}).encode())
        return answer(404, [("Content-Type", "application/json")], b"{}", head)


class Server:
    """A small HTTP/1.1 server on a thread of its own. handler(request, writer): a coroutine that gives the bytes of the answer; None closes
    the connection. What was asked is in .requests, how many connections are open in .open."""

    def __init__(self, handler, host="127.0.0.1", port=0, tls=None):
        self.handler, self.requests, self.open, self.connections = handler, [], 0, 0
        self.host, self.port, self.tls = host, port, tls
        self._loop, self._up = asyncio.new_event_loop(), threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        self._up.wait()

    def url(self, repository, host=None):
        return f"oci://{host or ('127.0.0.1' if self.host == '0.0.0.0' else self.host)}:{self.port}/{repository}"

    def asked(self, method=None, path=""):
        return [q for q in self.requests if (not method or q.method == method) and re.search(path, q.path)]

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self):
        asyncio.set_event_loop(self._loop)

        async def listen():
            server = await asyncio.start_server(self._connection, self.host, self.port, ssl=self.tls, backlog=4096, limit=1 << 20)
            self.port = server.sockets[0].getsockname()[1]
            self._up.set()
            return server
        self._server = self._loop.run_until_complete(listen())
        self._loop.run_forever()

    async def _connection(self, r, w):
        self.connections += 1
        self.open += 1
        me = self.connections
        try:
            while True:
                first = await r.readexactly(1)
                if first == b"\x16":  # somebody tries TLS
                    break
                head = (first + await r.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
                method, target, _ = head[0].split(" ", 2)
                headers = {k.strip().lower(): v.strip() for k, v in (l.split(":", 1) for l in head[1:] if ":" in l)}
                body = await r.readexactly(int(headers.get("content-length", 0)))
                q = Request(method, target, headers, body, w.get_extra_info("peername"), me)
                self.requests.append(q)
                out = await self._handle(q, r, w)
                if out is None:
                    break
                w.write(out)
                await w.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self.open -= 1
            try:
                w.close()
            except OSError:
                pass

    async def _handle(self, q, r, w):
        """A client that leaves ends what is still being done for it, so that .open tells the truth."""
        work = asyncio.ensure_future(self.handler(q, w))
        while not work.done():
            await asyncio.wait([work], timeout=0.2)
            if not work.done() and (r.at_eof() or r.exception()):
                work.cancel()
                raise ConnectionError
        return work.result()


# ---- an API server with faults ---------------------------------------------------------------------------------------------

class Api:
    """The embedded API of one controller, which looks at no object itself, behind a proxy that may answer instead:

        api = Api()
        c = api.controller()                    # the one under test
        api.fault = lambda q: refusal(403) if q.path.endswith("/secrets") else None     # bytes, or a coroutine function like stall
    """

    def __init__(self):
        self.fault, self.watches = None, {}
        self.own = Controller(["--watch-label-selector=nobody=matches"])
        self.host, self.port, self.prefix = re.fullmatch(r"http://([^:/]+):(\d+)(/\S*)?", self.own.server).groups()
        self.proxy = Server(self._forward)
        self.asked = self.proxy.asked

    def controller(self, flags=(), **more):
        path = f"{tempfile.mkdtemp(dir=TMP)}/kubeconfig"
        with open(path, "w") as f:
            f.write("apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters:\n- name: a\n  cluster:\n"
                    f"    server: http://127.0.0.1:{self.proxy.port}\n"
                    "contexts:\n- name: a\n  context: {cluster: a, user: a}\nusers:\n- name: a\n  user: {}\n")
        return Controller(flags, kubeconfig=path, **more)

    def cut(self, path):
        """Ends the watches of what the pattern matches."""
        for q, w in list(self.watches.items()):
            if re.search(path, q.path):
                self.proxy._loop.call_soon_threadsafe(w.close)

    async def _forward(self, q, w):
        said = self.fault and self.fault(q)
        if said:
            return said if isinstance(said, bytes) else await said(q, w)
        r, up = await asyncio.open_connection(self.host, int(self.port))
        if "watch=" in q.query:
            self.watches[q] = w
        try:
            keep = {k: v for k, v in q.headers.items() if k not in ("host", "connection", "content-length")}
            lines = [f"{q.method} {self.prefix or ''}{q.target} HTTP/1.1", f"host: {self.host}:{self.port}", "connection: close",
                     f"content-length: {len(q.body)}", *(f"{k}: {v}" for k, v in keep.items())]
            up.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin1") + q.body)
            while data := await r.read(65536):
                w.write(data)
                await w.drain()
        finally:
            self.watches.pop(q, None)
            up.close()
        return None


def refusal(status, reason="Forbidden", message="not allowed"):
    """The answer of an API server that says no."""
    return answer(status, [("Content-Type", "application/json")], json.dumps({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason, "code": status,
        "message": message}).encode())


# ---- a machine of one's own ------------------------------------------------------------------------------------------------

def own_machine(addresses=(), files=None):
    """From here on this script and what it starts have a network of their own: loopback, with these IPv4 addresses besides, and nothing
    else; and `files` ({path: text}) in place of those that are there. False (with a reason on stdout) where that takes rights we do not
    have. Before any thread."""
    import ctypes
    import fcntl
    libc = ctypes.CDLL(None, use_errno=True)
    new_net, new_mounts, bind, private = 0x40000000, 0x20000, 0x1000, (1 << 18) | 0x4000
    if os.geteuid() != 0 or libc.unshare(new_net | new_mounts):
        print("     no network of our own: that takes root", flush=True)
        return False
    libc.mount(b"none", b"/", None, ctypes.c_ulong(private), None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x49))  # SIOCSIFFLAGS: up, loopback, running
        for i, a in enumerate(addresses):
            request = struct.pack("16sHH4s8x", f"lo:{i}".encode(), socket.AF_INET, 0, socket.inet_aton(a))
            fcntl.ioctl(s, 0x8916, request)  # SIOCSIFADDR
            fcntl.ioctl(s, 0x891c, struct.pack("16sHH4s8x", f"lo:{i}".encode(), socket.AF_INET, 0, b"\xff" * 4))  # SIOCSIFNETMASK
    for i, (path, text) in enumerate((files or {}).items()):
        ours = f"{TMP}/file{i}"
        with open(ours, "w") as f:
            f.write(text)
        if libc.mount(ours.encode(), path.encode(), None, ctypes.c_ulong(bind), None):
            raise SystemExit(f"{NAME}: {path} cannot be covered: {os.strerror(ctypes.get_errno())}")
    return True


class NameServer:
    """DNS over UDP on 127.0.0.1:53 of own_machine. addresses(name) gives the IPv4 addresses of a name as a list (none: it does not exist), or
    None: no answer at all. What was asked is in .asked."""

    def __init__(self, addresses):
        self.addresses, self.asked = addresses, []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            q, peer = self._socket.recvfrom(512)
            labels, at = [], 12
            while q[at]:
                labels.append(q[at + 1:at + 1 + q[at]].decode())
                at += q[at] + 1
            kind, name = struct.unpack(">H", q[at + 1:at + 3])[0], ".".join(labels).lower()
            self.asked.append(name)
            found = self.addresses(name)
            if found is None:
                continue
            records = [] if kind != 1 else [b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 5, 4) + socket.inet_aton(a) for a in found]
            flags = 0x8180 if found else 0x8183
            self._socket.sendto(q[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + q[12:at + 5] + b"".join(records), peer)


# ---- the controller -------------------------------------------------------------------------------------------------------

class Controller:
    """The program with --embedded. memory: MiB of a memory cgroup of its own (needs root; .limited says whether it could be made).
    state: the folder of an earlier one, to start again with what it kept. kubeconfig: of another's API, instead of --embedded."""

    def __init__(self, flags=(), env=None, memory=None, nofile=None, state=None, log="info", files=None, kubeconfig=None):
        self.dir = tempfile.mkdtemp(dir=TMP)
        self.state, self.files = state or self.dir + "/state", files or self.dir + "/files"
        os.makedirs(self.files, exist_ok=True)
        self.log = self.dir + "/log"
        self.group, self.limited = None, False
        if memory:
            self._make_group(memory)
        clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k != "KUBECONFIG"}
        clean["LSAN_OPTIONS"] = f"suppressions={ROOT}/test/lsan.supp:print_suppressions=0"
        if os.path.exists(self.state + "/kubeconfig"):
            os.remove(self.state + "/kubeconfig")
        self.doors = 3 if kubeconfig else 4
        api = [f"--kubeconfig={kubeconfig}", f"--storage-path={self.dir}/artifacts"] if kubeconfig else [
            f"--embedded={self.files}", f"--state-dir={self.state}"]
        self.process = subprocess.Popen(
            [PROGRAM, *api, "--storage-addr=127.0.0.1:0", "--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0",
             "--receiverAddr=127.0.0.1:0", f"--log-level={log}", *flags],
            stdout=subprocess.DEVNULL, stderr=open(self.log, "ab"), env={**clean, **(env or {})},
            preexec_fn=lambda: self._before_exec(nofile))
        _controllers.append(self)
        self.addresses = {}
        if until(30, self._listening) is None:
            print(self.raw())
            raise SystemExit(f"{NAME}: the controller did not start")
        self.server = re.search(r"server: '?([^\s']+)", open(kubeconfig or self.state + "/kubeconfig").read()).group(1)

    def _make_group(self, mib):
        name = f"oci-isolation-{os.getpid()}-{len(_controllers)}"
        for base, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
            path = f"{base}/{name}"
            try:
                os.mkdir(path)
                with open(f"{path}/{limit}", "w") as f:
                    f.write(str(mib * MIB))
                self.group, self.limited = path, True
                return
            except OSError:
                try:
                    os.rmdir(path)
                except OSError:
                    pass

    def _before_exec(self, nofile):
        if self.group:
            with open(self.group + "/cgroup.procs", "w") as f:
                f.write("0")
        if nofile:
            resource.setrlimit(resource.RLIMIT_NOFILE, nofile if isinstance(nofile, tuple) else (nofile, nofile))

    def _listening(self):
        for l in self.lines():
            if l.get("msg") == "listening":
                self.addresses[l["server"]] = l["address"]
        there = self.doors == 3 or os.path.exists(self.state + "/kubeconfig")
        return len(self.addresses) >= self.doors and there or self.process.poll() is not None

    # -- its log and what the system knows of it
    def raw(self):
        return open(self.log, errors="replace").read()

    def lines(self):
        out = []
        for l in self.raw().splitlines():
            try:
                out.append(json.loads(l))
            except ValueError:
                pass
        return out

    def _status(self, key):
        return int(re.search(rf"{key}:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read()).group(1))

    def rss(self):
        """MiB now."""
        return self._status("VmRSS") / 1024

    def peak(self):
        """MiB at most since the start, or since forget_peak."""
        return self._status("VmHWM") / 1024

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as f:
            f.write("5")

    def threads(self):
        return self._status("Threads")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu(self):
        """Seconds of CPU so far."""
        f = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")

    # -- its objects
    def api(self, path, method="GET", body=None, kind="application/json", timeout=30):
        q = urllib.request.Request(self.server + path, method=method, data=None if body is None else json.dumps(body).encode())
        if body is not None:
            q.add_header("Content-Type", kind)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(q, timeout=timeout) as f:
            return json.loads(f.read())

    def _path(self, name="", ns="default"):
        return f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{ns}/ocirepositories" + (f"/{name}" if name else "")

    def namespace(self, name):
        self.api("/api/v1/namespaces", "POST", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def add(self, name, url, ns="default", annotations=None, **spec):
        """A spec member that is None is left out."""
        spec = {"interval": "1h", "url": url, "ref": {"tag": "latest"}, **spec}
        return self.api(self._path(ns=ns), "POST", {
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
            "metadata": {"name": name, "namespace": ns, "annotations": annotations or {}}, "spec": {k: v for k, v in spec.items() if v is not None}})

    def get(self, name, ns="default"):
        return self.api(self._path(name, ns))

    def patch(self, name, change, ns="default"):
        return self.api(self._path(name, ns), "PATCH", change, "application/merge-patch+json")

    def delete(self, name, ns="default"):
        return self.api(self._path(name, ns), "DELETE")

    def gone(self, name, ns="default"):
        try:
            self.get(name, ns)
        except urllib.error.HTTPError as e:
            return e.code == 404
        return False

    def condition(self, name, kind="Ready", ns="default"):
        for c in self.get(name, ns).get("status", {}).get("conditions", []):
            if c["type"] == kind:
                return c
        return None

    def wait_ready(self, name, seconds=30, status="True", ns="default"):
        def there():
            c = self.condition(name, ns=ns)
            return c and c["status"] == status
        return until(seconds, there)

    def request(self, name, ns="default"):
        """What `flux reconcile` does; the value that comes back when it was handled."""
        value = str(time.time_ns())
        self.patch(name, {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": value}}}, ns)
        return value

    def wait_handled(self, name, seconds=30, ns="default"):
        value = self.request(name, ns)
        return until(seconds, lambda: self.get(name, ns).get("status", {}).get("lastHandledReconcileAt") == value)

    def secret(self, name, config, ns="default", method="POST"):
        """method: PUT for one that is there."""
        return self.api(f"/api/v1/namespaces/{ns}/secrets" + (f"/{name}" if method == "PUT" else ""), method, {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": ns}, "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": base64.b64encode(json.dumps(config).encode()).decode()}})

    # -- its other doors
    def http(self, server, path, timeout=30):
        """(status, body) of a GET at one of its servers: artifacts, metrics, health."""
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                    f"http://{self.addresses[server]}{path}", timeout=timeout) as f:
                return f.status, f.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def artifact(self, name, ns="default"):
        """(status, body) of what the object's status names."""
        return self.http("artifacts", "/" + self.get(name, ns)["status"]["artifact"]["path"])

    def metrics(self):
        out = {}
        for l in self.http("metrics", "/metrics")[1].decode().splitlines():
            if l and not l.startswith("#"):
                k, v = l.rsplit(" ", 1)
                out[k] = float(v)
        return out

    def metric(self, name, *parts):
        return sum(v for k, v in self.metrics().items() if k.split("{")[0] == name and all(p in k for p in parts))

    # -- its end
    def stop(self, sig=signal.SIGTERM, seconds=40):
        if self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                return "killed"
        self._forget()
        return self.process.returncode

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._forget()

    def _forget(self):
        if self in _controllers:
            _controllers.remove(self)
            _ended.append(self)
        if self.group:
            until(2, lambda: not self._remove_group())
            self.group = None

    def _remove_group(self):
        try:
            os.rmdir(self.group)
        except OSError:
            return os.path.exists(self.group)
        return False
