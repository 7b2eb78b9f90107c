"""Two namespaces. What one does at any number of registries does not keep the other from a place: slow pulls, registries that are silent, a
registry that both use, and a restart with an empty store."""
from lab import *


def namespace(name):
    c.api("/api/v1/namespaces", "POST", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


blob = os.urandom(8 * MIB - 4096)
document, good = manifest(blob), Registry()


async def slowly(q, w):
    """Repositories below /evil/ send 24 KiB a second, within all limits."""
    if "/evil/" not in q.path:
        return await good(q, w)
    if "/manifests/" in q.path:
        return answer(200, [("Content-Type", TYPE_MANIFEST), ("Docker-Content-Digest", sha256(document))], document, q.method == "HEAD")
    w.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(blob)}\r\n\r\n".encode())
    for at in range(0, len(blob), 24576):
        w.write(blob[at:at + 24576])
        await w.drain()
        await asyncio.sleep(1)

silent = [False]


async def for_a_while(q, w):
    return await stall(q, w) if silent[0] else await good(q, w)

moody = Server(for_a_while, host="0.0.0.0")
slow, dead, ok = [Server(slowly) for _ in range(4)], Server(stall, host="0.0.0.0"), Server(Registry())
c = Controller()
for name in ("good", "evil", "mute"):
    namespace(name)
c.add("old", ok.url("org/old"), ns="good")
alone = c.wait_ready("old", ns="good")

# 60 registries that have answered once, and will be silent when their artifacts are lost.
for i in range(60):
    c.add(f"was{i}", moody.url(f"org/app{i}", host=f"127.0.9.{1 + i}"), ns="mute", insecure=True)
figure("60 objects at 60 registries", until(60, lambda: all(
    (c.condition(f"was{i}", ns="mute") or {}).get("status") == "True" for i in range(60)), every=0.2), "s", most=60)
# Slow pulls at four registries, one of which the other namespace uses as well.
for i in range(80):
    c.add(f"slow{i}", slow[0 if i < 50 else i % 4].url(f"evil/app{i}"), ns="evil")
time.sleep(5)
c.add("there", slow[0].url("org/there"), ns="good")
c.add("elsewhere", ok.url("org/elsewhere"), ns="good")
figure("a new object of the other namespace, another registry", c.wait_ready("elsewhere", 60, ns="good"), "s", most=2)
figure("and at a registry that they share", c.wait_ready("there", 60, ns="good"), "s", most=2)

silent[0] = True

# 200 registries that are silent.
for i in range(200):
    c.add(f"mute{i}", dead.url(f"org/app{i}", host=f"127.0.{1 + i // 100}.{1 + i % 100}"), ns="mute", timeout="2m", insecure=True)
time.sleep(5)
c.add("later", ok.url("org/later"), ns="good")
figure("a new object beside 200 silent registries", c.wait_ready("later", 60, ns="good"), "s", most=2)
figure("an unchanged object is asked to reconcile", c.wait_handled("old", 60, ns="good"), "s", most=2)
for i in range(40):
    c.add(f"kept{i}", ok.url(f"org/kept{i}"), ns="good")
figure("40 more of them", until(60, lambda: all((c.condition(f"kept{i}", ns="good") or {}).get("status") == "True" for i in range(40)), every=0.2), "s", most=20)
figure("SIGTERM ends it", (lambda t: (c.stop(), time.time() - t)[1])(time.time()), "s", most=5)
check("with status 0", c.process.returncode == 0, c.process.returncode)

# A start with an empty store: the healthy ones are back, whatever the others do.
shutil.rmtree(c.state + "/artifacts")
c = Controller(state=c.state, files=c.files)
figure("43 artifacts are back after a start with an empty store", until(60, lambda: all(
    c.artifact(n, ns="good")[0] == 200 for n in ["old", "later", "elsewhere", *(f"kept{i}" for i in range(40))]), every=0.1), "s", most=5)
finish()
