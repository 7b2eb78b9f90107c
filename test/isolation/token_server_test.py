"""Token servers that hang or fail: they hold no connection that nobody waits for, and what one repository taught about its token
server is no business of the other repositories of that host."""
from lab import *


async def hang(q, w):
    await asyncio.sleep(86400)


async def five(q, w):
    return answer(503, [], b"")


def closed(realm):
    """A registry whose repositories closed/... name a token server; all others are open."""
    async def first(q, w):
        if "/closed/" in q.path:
            return answer(401, [("WWW-Authenticate", f'Bearer realm="{realm()}",service="s"')], b"", q.method == "HEAD")
        return False
    return Registry(first=first)


# ---- an object that is edited again and again while its token server hangs: each edit cancels a run, and the fetch goes with it
async def evil(q, w):
    if q.path.startswith("/token"):
        await asyncio.sleep(86400)
    return answer(401, [("WWW-Authenticate", f'Bearer realm="http://{q.headers["host"]}/token",service="s"')], b"", q.method == "HEAD")

bad, ok = Server(evil, host="0.0.0.0"), Server(Registry())
c = Controller()
c.add("before", ok.url("org/before"))
check("a healthy object is Ready", c.wait_ready("before", 20) is not None)
before = c.descriptors()
c.add("one", bad.url("org/a", "127.0.0.11"), insecure=True, timeout="1000m")
most = 0
for i in range(60):
    asked = len(bad.asked(path="^/token"))
    c.patch("one", {"spec": {"url": bad.url(f"org/a{i}", f"127.0.0.{11 + i % 5}")}})
    until(3, lambda: len(bad.asked(path="^/token")) > asked)
    until(3, lambda: bad.open <= 16)  # a canceled request's connection is closed soon, and the server is told of it later
    most = max(most, bad.open)
figure("token requests that hung", len(bad.asked(path="^/token")), "", least=30)
figure("connections open at the token server, at most", most, "", most=16)
c.delete("one")
figure("connections are closed after", until(10, lambda: bad.open == 0), "s", most=5)
figure("descriptors more than before", c.descriptors() - before, "", most=8)
c.add("ok", ok.url("org/app"))
figure("a new healthy object is Ready after", c.wait_ready("ok", 20), "s", most=3)
c.stop()

# ---- an open repository beside one whose token server is dead, hangs or fails
for name, server in (("refuses connections", None), ("hangs", Server(hang)), ("answers 503", Server(five))):
    port = server.port if server else 9
    registry = Server(closed(lambda: f"http://localhost:{port}/token"))
    c = Controller(flags=["--min-retry-delay=500ms", "--max-retry-delay=1s"])
    c.add("open", registry.url("open/app"), timeout="2s")
    check(f"token server that {name}: the open repository is Ready", c.wait_ready("open", 20) is not None)
    c.add("closed", registry.url("closed/app"), timeout="2s")
    check("and the closed one is not", c.wait_ready("closed", 20, "False") is not None, c.get("closed"))
    took = []
    for _ in range(12):  # spread over some tries of the closed one
        took.append(c.wait_handled("open", 10))
        time.sleep(0.3)
    figure("a look at the open one takes at most", max(took) if None not in took else None, "s", most=SOON)
    check("without a failure", not [l for l in c.lines() if l["level"] == "error" and l.get("name") == "open"])
    c.stop()
finish()
