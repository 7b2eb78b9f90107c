#!/usr/bin/env python3
"""A registry, or the load balancer before it, that resets each connection when it has answered: a complete answer is an answer, one that is
cut is not."""
from lab import *


def resetting(registry, cut=0):
    async def handler(q, w):
        said = await registry(q, w)
        w.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        w.write(said.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)[:len(said) + len("Connection: close\r\n") - cut])
        await w.drain()
        w.transport.abort()
        return None
    return handler


N = 30
whole, cut = Server(resetting(Registry())), Server(resetting(Registry(), cut=1))
c = Controller()
for i in range(N):
    c.add(f"o{i}", whole.url(f"org/app{i}"))
c.add("cut", cut.url("org/cut"))


def ready(name):
    seen = c.condition(name)
    return seen and seen["status"] == "True"


figure(f"all {N} objects are Ready after", until(20, lambda: all(ready(f"o{i}") for i in range(N)), every=0.2), "s", most=20)
failures = [l.get("error") for l in c.lines() if l["level"] == "error" and f":{whole.port}/" in l.get("error", "")]
check(f"none of {N} objects failed on the way", not failures, failures[:2])
check("an answer without its last byte fails", c.wait_ready("cut", status="False") is not None)
finish()
