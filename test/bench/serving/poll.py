"""poll.py KUBECONFIG NAMESPACE OBJECTS RATE ADDRESS OUT: fetches artifacts through ADDRESS as consumers do, RATE a second, in turns: what the
status of an object names now (status.artifact.url's path, from a watch), on a connection of its own, however long others take. The bytes have
to be those of status.artifact.digest. Waits until OBJECTS objects have an artifact; then a line for each request in OUT: when it began (clock
time), what came of it ("200", another status, or refused, reset, timeout, wrong), the seconds it took.

poll.py --sum OUT FROM TO: what came of the requests that began then, as a JSON object. It fails where fewer than half of what should have been
asked was."""

import asyncio
import collections
import hashlib
import json
import sys
import time

from api import Api, Artifacts

TIMEOUT = 30


async def fetch(address, path):
    host, port = address.split(":")
    r, w = await asyncio.open_connection(host, int(port))
    try:
        w.write(f"GET {path} HTTP/1.1\r\nHost: artifacts\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await r.read(-1)).partition(b"\r\n\r\n")
    finally:
        w.close()
    if not head.startswith(b"HTTP/1.1 "):
        raise ConnectionResetError
    return head[9:12].decode(), body


async def one(address, artifact, out):
    path, digest, _ = artifact
    at, began = time.time(), time.monotonic()
    try:
        said, body = await asyncio.wait_for(fetch(address, path), TIMEOUT)
        if said == "200" and "sha256:" + hashlib.sha256(body).hexdigest() != digest:
            said = "wrong"
    except asyncio.TimeoutError:
        said = "timeout"
    except ConnectionRefusedError:
        said = "refused"
    except OSError:
        said = "reset"
    print(f"{at:.3f} {said} {time.monotonic() - began:.4f} {path}", file=out, flush=True)


async def poll(kubeconfig, namespace, objects, rate, address, out):
    there = Artifacts(Api(kubeconfig), namespace)
    while len(there.now) < int(objects):
        await asyncio.sleep(0.05)
    running, i, due = set(), 0, time.monotonic()
    with open(out, "w") as f:
        while True:
            names = sorted(there.now)
            task = asyncio.ensure_future(one(address, there.now[names[i % len(names)]], f))
            running.add(task)
            task.add_done_callback(running.discard)
            i, due = i + 1, due + 1 / float(rate)
            await asyncio.sleep(max(0, due - time.monotonic()))


def total(out, begin, end, rate=50):
    with open(out) as f:
        rows = [l.split() for l in f]
    rows = [(r[1], float(r[2])) for r in rows if begin <= float(r[0]) < end]
    if len(rows) < (end - begin) * rate / 2 or not rows:
        raise SystemExit(f"poll: {len(rows)} requests in {end - begin:.0f} s, too few to say anything")
    count, took = collections.Counter(r[0] for r in rows), sorted(r[1] for r in rows)
    no_answer = {k: count.pop(k) for k in ("refused", "reset", "timeout") if k in count}
    good = count.pop("200", 0)
    print(json.dumps({
        "requests": len(rows), "ok": good, "other_status": sum(count.values()), "no_answer": sum(no_answer.values()), "what": {**count, **no_answer},
        "p50_ms": round(took[len(took) // 2] * 1000, 1), "p99_ms": round(took[len(took) * 99 // 100] * 1000, 1),
        "most_ms": round(took[-1] * 1000, 1)}))


if sys.argv[1] == "--sum":
    total(sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
else:
    asyncio.run(poll(*sys.argv[1:]))
