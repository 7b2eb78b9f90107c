"""Layers that come at 1 or 2 KiB a second, enough of them for every place of --concurrent, at the registry that the others use too."""
from lab import *

small = layer()
large = layer({"big.bin": os.urandom(4 * MIB)}, level=0)
huge = 3 << 30
documents = {"slow": manifest(large), "ok": manifest(small),
             "huge": json.dumps({"schemaVersion": 2, "mediaType": TYPE_MANIFEST,
                                 "config": {"mediaType": "application/json", "digest": sha256(b"{}"), "size": 2},
                                 "layers": [{"mediaType": TYPE_LAYER, "digest": "sha256:" + "ab" * 32, "size": huge}]}).encode()}


async def handle(q, w):
    kind = q.path.split("/")[2]
    if "/manifests/" in q.path:
        d = documents[kind]
        return answer(200, [("Content-Type", TYPE_MANIFEST), ("Docker-Content-Digest", sha256(d))], d, q.method == "HEAD")
    if kind == "ok":
        return answer(200, [], small, q.method == "HEAD")
    w.write(f"HTTP/1.1 200 OK\r\nContent-Length: {huge if kind == 'huge' else len(large)}\r\n\r\n".encode())
    while True:
        w.write(b"x" * 1200)
        await w.drain()
        await asyncio.sleep(0.7)

registry = Server(handle)
c = Controller()
for name in ("old", "going"):
    c.add(name, registry.url(f"ok/{name}"))
    alone = c.wait_ready(name)
for i in range(16):
    c.add(f"slow{i:02d}", registry.url(f"slow/app{i}"), timeout="10s")
    c.add(f"huge{i:02d}", registry.url(f"huge/app{i}"), timeout="10s")
figure("all places taken", until(20, lambda: len(registry.asked("GET", "/blobs/")) >= 16), "s", most=20)
N = 112
begin = time.time()
for i in range(N):
    c.add(f"new{i:03d}", registry.url(f"ok/new{i}"), timeout="10s")
figure("an unchanged object is asked to reconcile", c.wait_handled("old", 60), "s", most=SOON)
c.delete("going")
figure("a deletion", until(60, lambda: c.gone("going")), "s", most=2)
c.add("other", Server(Registry()).url("org/app"))
figure("a new object of another registry", c.wait_ready("other", 60), "s", most=5)
figure(f"{N} new objects of the same registry", until(60, lambda: all(
    (c.condition(f"new{i:03d}") or {}).get("status") == "True" for i in range(N)), every=0.2) and time.time() - begin, "s", most=15)
figure("memory", c.rss(), "MiB", most=64 if not SANITIZED else 1000)
finish()
