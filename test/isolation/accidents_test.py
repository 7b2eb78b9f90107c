#!/usr/bin/env python3
"""One accident on the way to a registry or a token server is no news: no object's Ready tells of it. An outage is, and costs a bounded
number of requests."""
from lab import *


def reset(w):
    w.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    w.transport.abort()


async def cut(q, w):
    reset(w)
    return None


async def close(q, w):
    return None


async def cut_in_the_middle(q, w):
    whole = await registry(q, w)
    w.write(whole[:-3])
    await w.drain()
    reset(w)
    return None


def status(code, *headers):
    async def handler(q, w):
        return answer(code, headers, b"", q.method == "HEAD")
    return handler


ACCIDENTS = {"500": status(500), "502": status(502), "503": status(503), "504": status(504), "429": status(429, ("Retry-After", "1")),
             "reset": cut, "closed": close, "cut": cut_in_the_middle}
met = set()


async def accident(q, w):
    """The first request of each kind meets it, of each object."""
    name = re.search(r"/org/(\w+)", q.path + "?" + urllib.parse.unquote(q.query)) or re.search(r":org/(\w+):", urllib.parse.unquote(q.query))
    kind = f"{q.method} {re.sub('/v2/org/[^/]+|sha256:.*', '', q.path)}"
    if name and (name[1], kind) not in met:
        met.add((name[1], kind))
        said = ACCIDENTS[name[1]]
        return await said(q, w)
    return False


async def token(q, w):
    """All want a token; and the server of the tokens has accidents of its own."""
    said = await accident(q, w)
    if said is not False:
        return said
    if q.path == "/token":
        return answer(200, [], b'{"token":"t"}')
    if q.headers.get("authorization") != "Bearer t":
        return answer(401, [("WWW-Authenticate", f'Bearer realm="http://{q.headers["host"]}/token",service="s"')], b"", q.method == "HEAD")
    return False

registry = Registry()
server = Server(Registry(first=token))
second = {}


async def dies(q, w):
    """Each connection dies by a reset when a second request comes."""
    second[q.connection] = second.get(q.connection, 0) + 1
    if second[q.connection] > 1:
        reset(w)
        return None
    return False

kept = Server(Registry(first=dies))
c = Controller()
for name in ACCIDENTS:
    c.add(name, server.url(f"org/{name}"), ref={"semver": "1.x"})
c.add("kept", kept.url("org/kept"), ref={"semver": "1.x"})
for name in [*ACCIDENTS, "kept"]:
    figure(f"{name}: Ready after", c.wait_ready(name, 20), "s", most=20)
for i in range(10):
    c.wait_handled("kept", 20)
check("connections did die", max(second.values()) > 1, second)
kinds = {kind for name, kind in met if name == "502"}
check("each kind of request had its accident", len(kinds) == 5, sorted(kinds))
errors = [l.get("error") for l in c.lines() if l["level"] == "error"]
check("nothing failed on the way", not errors, errors[:2])

# An outage: what is answered with 502 for ever is asked three times a question, in a run.
gone = Server(status(502))
c.add("gone", gone.url("org/gone"))
check("an outage is told", c.wait_ready("gone", 20, status="False") is not None)
check("with the registry's words", "502" in c.condition("gone")["message"], c.condition("gone"))
runs = len([l for l in c.lines() if l["level"] == "error" and l.get("name") == "gone"])
figure("requests a run", len(gone.requests) / max(runs, 1), "", most=6 * 2)
finish()
