"""Two replicas, and what one of the others may do to them: a registry that hangs with 200 objects, a replica that accepts and never answers,
one that sends a byte a second, one that sends other bytes. None of them delays the other objects' files on the follower.

Both share the API of lab.Api; the Lease and the EndpointSlices, which that API does not have, are answered for by the proxy in between."""
from lab import *

N, WELL = 200, 20
FLAGS = ["--enable-leader-election", "--peers-service=peers", "--leader-election-lease-duration=4s", "--leader-election-renew-deadline=3s",
         "--leader-election-retry-period=500ms", "--max-retry-delay=5s", "--interval-jitter-percentage=0"]
ENV = {"RUNTIME_NAMESPACE": "flux-system"}


class Cluster:
    """What a cluster has besides: one Lease, written by whoever knows its version, and the EndpointSlices of a Service."""

    def __init__(self):
        self.lease, self.version, self.slices, self.told = None, 0, {}, None

    def fault(self, q):
        if "/leases" in q.path:
            return self._lease(q)
        if "/endpointslices" in q.path:
            return self._watch if "watch=" in q.query else self._said(200, {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSliceList", "metadata": {"resourceVersion": "1"}, "items": list(self.slices.values())})
        return None

    def _said(self, status, o):
        return answer(status, [("Content-Type", "application/json")], json.dumps(o).encode())

    def _lease(self, q):
        if q.method == "GET":
            return self._said(200, self.lease) if self.lease else refusal(404, "NotFound", "no lease")
        new = json.loads(q.body)
        if (q.method == "POST") == bool(self.lease) or (self.lease and new["metadata"].get("resourceVersion") != str(self.version)):
            return refusal(409, "Conflict", "it has been modified")
        self.version += 1
        new["metadata"]["resourceVersion"] = str(self.version)
        self.lease = new
        return self._said(200, new)

    async def _watch(self, q, w):
        w.write(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
        while True:  # the tests say who there is before they start somebody
            await asyncio.sleep(86400)

    def peers(self, **ports):
        self.slices = {name: {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "namespace": "flux-system", "uid": name, "resourceVersion": "1", "labels": {"kubernetes.io/service-name": "peers"}},
            "ports": [{"name": "http", "port": int(port), "protocol": "TCP"}],
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": name}}]} for name, port in ports.items()}


# ---- those who do harm
hung = [False]


async def hangs(q, w):
    while hung[0]:
        await asyncio.sleep(0.1)
    return False


def file_head(q):
    """As our own server begins an answer to a request for a part of a file."""
    first, last = re.fullmatch(r"bytes=(\d+)-(\d+)", q.headers["range"]).groups()
    n = int(last) - int(first) + 1
    return n, (f"HTTP/1.1 206 X\r\nContent-Type: application/gzip\r\nContent-Range: bytes {first}-{last}/{n}\r\n"
               f"Content-Length: {n}\r\n\r\n").encode()


async def drips(q, w):
    n, head = file_head(q)
    w.write(head)
    for _ in range(n):
        w.write(b"x")
        await w.drain()
        await asyncio.sleep(1)
    return None


async def lies(q, w):
    n, head = file_head(q)
    return head + b"x" * n


had = {}  # digest: what the healthy registry has had


def revise(text):
    """All its tags mean this from now on; the digests stay."""
    ok.blob = layer({"a.yaml": text})
    ok.document = manifest(ok.blob)
    had.update({sha256(ok.blob): ok.blob, sha256(ok.document): ok.document})


async def remembers(q, w):
    found = had.get(q.path.rsplit("/", 1)[1])
    return answer(200, [("Content-Type", TYPE_MANIFEST), ("Docker-Content-Digest", sha256(found))], found, q.method == "HEAD") if found else False

bad, ok = Server(Registry(first=hangs)), Registry(first=remembers)
well = Server(ok)
revise(b"first")
silent, drip, liar = Server(stall), Server(drips), Server(lies)
harm = {"silent": silent.port, "drip": drip.port, "liar": liar.port}

# ---- one leads, and has everything
cluster, api = Cluster(), Api()
api.fault = cluster.fault
a = api.controller(FLAGS, env=ENV)
check("one leads", until(20, lambda: a.metric("leader_election_master_status") == 1) is not None)
for i in range(N):
    a.add(f"bad{i:03d}", bad.url(f"org/app{i}"), timeout="10s")
for i in range(WELL):
    a.add(f"well{i:02d}", well.url(f"org/well{i}"))
paths = {}


def all_made():
    for o in a.api(a._path())["items"]:
        if "artifact" in o.get("status", {}):
            paths[o["metadata"]["name"]] = (o["status"]["artifact"]["path"], o["status"]["artifact"]["digest"])
    return len(paths) == N + WELL

figure("all objects have an artifact", until(120, all_made), "s", most=120)


def has(c, name):
    """Asks for nothing: what a reader asks for is brought first."""
    return os.path.exists(f"{c.dir}/artifacts/{paths[name][0]}")


def serves(c, name):
    status, body = c.http("artifacts", "/" + paths[name][0])
    return status == 200 and sha256(body) == paths[name][1]


def all_there(c, kind):
    return all(has(c, n) for n in paths if n.startswith(kind))

# ---- a follower with an empty store, beside replicas that do harm; the registry of most objects hangs from here on
hung[0] = True
cluster.peers(a=a.addresses["artifacts"].rsplit(":", 1)[1], **harm)
begin = time.time()
b = api.controller(FLAGS, env=ENV)
check("the second one follows", b.metric("leader_election_master_status") == 0)
took = until(120, lambda: all_there(b, "well"))
figure("a follower has the files of the healthy registry's objects, beside three replicas that do harm", took, "s", most=15)
figure("and those of the registry that hangs", until(120, lambda: all_there(b, "bad")), "s", most=30)
figure("it is ready after", until(120, lambda: b.http("artifacts", "/")[0] == 200) and time.time() - begin, "s", most=45)
check("the bytes are right", all(serves(b, n) for n in paths))
for name, server in (("silent", silent), ("dripping", drip), ("lying", liar)):
    check(f"the {name} replica was asked", len(server.requests) > 0)
figure("requests that wait at the silent replica", silent.open, "", most=16)

# ---- a new revision at the healthy registry, while the others hang
for i in range(5):
    revise(f"revision {i}".encode())
    name = f"well{i:02d}"
    old = paths[name]
    a.request(name)

    def moved():
        o = a.get(name)["status"]["artifact"]
        paths[name] = (o["path"], o["digest"])
        return paths[name] != old
    check("a new revision is stored while the other registry hangs", until(20, moved) is not None)
    figure("and is on the follower after", until(30, lambda: has(b, name)), "s", most=SOON)
    check("and served", serves(b, name))
b.stop()

# ---- nobody has the files: they come from the registries, and one of them hangs
cluster.peers(**harm)
b = api.controller(FLAGS, env=ENV)
figure("without another replica's help: the files of the healthy registry's objects", until(120, lambda: all_there(b, "well")), "s", most=30)
check("not one of the other's", not any(has(b, n) for n in paths if n.startswith("bad")))
figure("requests that hang at the registry", bad.open, "connections", most=64)
figure("a reader of a file that does not come is answered after", (lambda t: b.http("artifacts", "/" + paths["bad000"][0])[0] == 503 and time.time() - t)(time.time()), "s", most=30)
check("a reader of one that is here", serves(b, "well07"))
hung[0] = False
figure("the registry is back: all files", until(120, lambda: all_there(b, "bad")), "s", most=100)
finish()
