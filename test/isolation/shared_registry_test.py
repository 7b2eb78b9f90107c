"""What one namespace does at a registry that all use: repositories that hang, timeouts that are too short, and a registry of its own that
speaks ill of somebody else's token server. The registry answers all the time; nobody is told that it does not."""
from lab import *


def said_of(c, name, ns="b"):
    return (c.condition(name, ns=ns) or {}).get("message", "")


def a_tries(c):
    """Failures of a's objects so far."""
    return len([l for l in c.lines() if l["level"] == "error" and l.get("namespace") == "a"])


def b_is_well(c, url, rounds, most, every):
    """b's new objects are Ready soon, whenever they come."""
    took = []
    for i in range(rounds):
        c.add(f"new{i}", url(f"b/new{i}"), ns="b")
        took.append(c.wait_ready(f"new{i}", 30, ns="b"))
        time.sleep(every)
    figure("each of b's new objects is Ready within", None if None in took else max(took), "s", most=most)
    errors = [l["error"] for l in c.lines() if l["level"] == "error" and l.get("namespace") == "b"]
    check("and none of b's failed", not errors, errors[:1])


# ---- 60 repositories hang beside b's
async def hang(q, w):
    if "/a/" in q.path:
        await asyncio.sleep(86400)
    return False

shared = Server(Registry(first=hang))
c = Controller(flags=["--min-retry-delay=500ms", "--max-retry-delay=2s"])
c.namespace("a"), c.namespace("b")
c.add("old", shared.url("b/old"), ns="b")
check("b's object is Ready", c.wait_ready("old", 20, ns="b") is not None)
for i in range(60):
    c.add(f"a{i}", shared.url(f"a/a{i}"), ns="a", timeout="4s" if i % 2 else "60s")
b_is_well(c, shared.url, 8, 3, 1.5)
figure("failures of a's", a_tries(c), "", least=8)
check("we have asked ourselves", len(shared.asked(path="^/v2/$")) > 0)
check("a is not told that the registry does not answer", "does not answer" not in c.raw())
check("the metric says that it is up", c.metrics().get(f'oci_registry_up{{host="127.0.0.1:{shared.port}",role="registry"}}') == 1)
c.stop()

# ---- a's timeouts are shorter than the registry takes
async def slow(q, w):
    if q.method == "HEAD":
        await asyncio.sleep(4)
    return False

shared = Server(Registry(first=slow))
c = Controller(flags=["--min-retry-delay=500ms", "--max-retry-delay=2s"])
c.namespace("a"), c.namespace("b")
c.add("old", shared.url("b/old"), ns="b")
check("b's object is Ready", c.wait_ready("old", 20, ns="b") is not None)
for i in range(10):
    c.add(f"a{i}", shared.url(f"a/a{i}"), ns="a", timeout="3500ms")
until(20, lambda: a_tries(c) >= 10)
b_is_well(c, shared.url, 1, 10, 0)
c.stop()

# ---- a's registry names b's token server with a scheme or path at which that one does not answer
async def token(q, w):
    if q.path.startswith("/hangs"):
        await asyncio.sleep(86400)
    return answer(200, [("Content-Type", "application/json")], b'{"token":"t"}')

tokens = Server(token)


def closed(realm):
    async def first(q, w):
        if q.headers.get("authorization") != "Bearer t":
            return answer(401, [("WWW-Authenticate", f'Bearer realm="{realm}",service="s"')], b"", q.method == "HEAD")
        return False
    return Server(Registry(first=first))

for name, url in (("the wrong scheme", f"https://127.0.0.1:{tokens.port}/token"), ("a path that hangs", f"http://127.0.0.1:{tokens.port}/hangs")):
    a, b = closed(url), closed(f"http://127.0.0.1:{tokens.port}/token")
    c = Controller(flags=["--min-retry-delay=500ms", "--max-retry-delay=2s"])
    c.namespace("a"), c.namespace("b")
    c.add("old", b.url("b/old"), ns="b")
    check(f"{name}: b's object is Ready", c.wait_ready("old", 20, ns="b") is not None)
    for i in range(10):
        c.add(f"a{i}", a.url(f"a/a{i}"), ns="a", timeout="4s")
    check("a's are told of the token server", until(20, lambda: "token server '127.0.0.1" in said_of(c, "a9", ns="a")) is not None, said_of(c, "a9", ns="a"))
    b_is_well(c, b.url, 2, 2, 0.5)
    c.stop()

# ---- a registry that was up and hangs: we ask ourselves, all are told, and all come back with it
hung = [False]


async def hangs(q, w):
    while hung[0]:
        await asyncio.sleep(0.1)
    return False

shared = Server(Registry(first=hangs))
c = Controller(flags=["--min-retry-delay=500ms", "--max-retry-delay=60s"])
for i in range(10):
    c.add(f"o{i}", shared.url(f"o/o{i}"), timeout="3s")
check("all are Ready", until(20, lambda: all((c.condition(f"o{i}") or {}).get("status") == "True" for i in range(10))) is not None)
hung[0] = True
for i in range(10):
    c.request(f"o{i}")
figure("down after", until(40, lambda: c.metrics().get(f'oci_registry_up{{host="127.0.0.1:{shared.port}",role="registry"}}') == 0), "s", most=30)
check("they are told", until(20, lambda: "is tried again at least once a minute" in said_of(c, "o9", ns="default")) is not None, said_of(c, "o9", ns="default"))
hung[0] = False
figure("all are Ready again", until(60, lambda: all((c.condition(f"o{i}") or {}).get("status") == "True" for i in range(10))), "s", most=58)
finish()
