"""balancer.py FOLDER NEXT STRICT: a TCP balancer that stands for the Service of the artifacts. Each file of FOLDER is an endpoint, a Pod: its
first line is ADDRESS:PORT, and a second line `terminating` says that it was told to end.

It asks each for `GET /` once a second, 1 s at most, as a kubelet asks a Pod for its readiness. An endpoint gets connections when its last
answer was 200 and it is not terminating; what the folder says counts LAG seconds later (1), as EndpointSlices and kube-proxy take a moment.
New connections go round in turns. Two ports, ADDRESS:PORT each, which differ in what follows a connection that an endpoint refuses: NEXT
tries the next endpoint, once each; STRICT resets the client's, as kube-proxy does until it knows that the process is gone. What is said on a
connection is not looked at: nothing is asked for a second time. Without a live endpoint both reset the client's connection."""

import asyncio
import os
import socket
import struct
import sys
import time

LAG = float(os.environ.get("LAG", 1))
PROBE_EVERY = 1.0


class Endpoint:
    def __init__(self, name):
        self.name, self.address, self.ready, self.ends = name, None, False, None


class Balancer:
    def __init__(self, folder):
        self.folder, self.endpoints, self.turn = folder, {}, 0

    async def read(self):
        """What the folder says, again and again."""
        while True:
            names = set(n for n in os.listdir(self.folder) if not n.startswith("."))
            for gone in set(self.endpoints) - names:
                del self.endpoints[gone]
            for name in names:
                with open(f"{self.folder}/{name}") as f:
                    lines = f.read().split()
                e = self.endpoints.get(name)
                if not e and lines:
                    e = self.endpoints[name] = Endpoint(name)
                    host, port = lines[0].split(":")
                    e.address = (host, int(port))
                    asyncio.ensure_future(self.probe(e))
                if e and "terminating" in lines and e.ends is None:
                    e.ends = time.monotonic() + LAG
            await asyncio.sleep(0.05)

    async def probe(self, e):
        while self.endpoints.get(e.name) is e:
            try:
                e.ready = await asyncio.wait_for(self.asked(e), 1)
            except (OSError, asyncio.TimeoutError):
                e.ready = False
            await asyncio.sleep(PROBE_EVERY)

    async def asked(self, e):
        r, w = await asyncio.open_connection(*e.address)
        try:
            w.write(b"GET / HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
            return (await r.readline()).startswith(b"HTTP/1.1 200 ")
        finally:
            w.close()

    def live(self):
        now = time.monotonic()
        return sorted((e for e in self.endpoints.values() if e.ready and (e.ends is None or now < e.ends)), key=lambda e: e.name)

    async def connect(self, tries_next):
        live = self.live()
        self.turn += 1
        for i in range(len(live) if tries_next else min(1, len(live))):
            try:
                return await asyncio.open_connection(*live[(self.turn + i) % len(live)].address)
            except OSError:
                pass
        return None

    async def serve(self, r, w, tries_next):
        up = await self.connect(tries_next)
        if not up:
            return reset(w)
        await asyncio.gather(carry(r, up[1]), carry(up[0], w))
        for end in (up[1], w):
            end.close()


def reset(w):
    w.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    w.transport.abort()


async def carry(r, w):
    """One direction. A reset goes on as a reset, an end as an end."""
    try:
        while data := await r.read(65536):
            w.write(data)
            await w.drain()
        if w.can_write_eof():
            w.write_eof()
    except OSError:
        reset(w)


async def main():
    b = Balancer(sys.argv[1])
    for address, tries_next in ((sys.argv[2], True), (sys.argv[3], False)):
        host, port = address.split(":")
        await asyncio.start_server(lambda r, w, t=tries_next: b.serve(r, w, t), host, int(port), backlog=1024)
    await b.read()


asyncio.run(main())
