"""propagation.py KUBECONFIG NAMESPACE OBJECT REGISTRY REPOSITORY ROUNDS FOLLOWER...: seconds from the event that brings a new revision's status,
in a watch of our own, until every FOLLOWER (ADDRESS:PORT=STORE) serves its bytes. In turns: a reader asks all followers as soon as it has the
event ("asked"), and nobody asks before the file is in their stores ("unasked"). A JSON line for each."""

import concurrent.futures
import hashlib
import http.client
import json
import os
import queue
import sys
import time

from api import Api, Artifacts
from push import Registry

LIMIT = 30


def fetched(follower, path, digest):
    """When it had the bytes, and how many answers were something else before."""
    host, port = follower.split(":")
    others, end = 0, time.monotonic() + LIMIT
    while time.monotonic() < end:
        c = http.client.HTTPConnection(host, int(port), timeout=LIMIT)
        c.request("GET", path)
        r = c.getresponse()
        body = r.read()
        c.close()
        if r.status == 200 and "sha256:" + hashlib.sha256(body).hexdigest() == digest:
            return time.monotonic(), others
        others += 1
        time.sleep(0.005)
    raise SystemExit(f"propagation: {follower} does not serve {path}")


def stored(store, path):
    """Waits until the file is in the store; nothing is asked for."""
    name, end = store + "/" + path.lstrip("/"), time.monotonic() + LIMIT
    while not os.path.exists(name):
        if time.monotonic() > end:
            raise SystemExit(f"propagation: {name} does not come")
        time.sleep(0.002)


def main():
    kubeconfig, namespace, name, address, repository, rounds, *followers = sys.argv[1:]
    followers = [f.split("=", 1) for f in followers]
    api, registry, heard = Api(kubeconfig), Registry(address), queue.Queue()
    Artifacts(api, namespace, lambda n, *a: n == name and heard.put((time.monotonic(), *a)))
    heard.get(timeout=60)
    pool = concurrent.futures.ThreadPoolExecutor(len(followers))
    seen = {"asked": [], "unasked": []}
    others = 0

    def one(how, follower, path, digest):
        if how == "unasked":
            stored(follower[1], path)
        return fetched(follower[0], path, digest)

    for i in range(2 * int(rounds)):
        how = "unasked" if i % 2 else "asked"
        wanted = registry.push(repository, "main", str(i).encode())
        api.patch(namespace, name, {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": f"propagation-{i}"}}})
        at, path, digest, revision = heard.get(timeout=60)
        if not revision.endswith(wanted):
            raise SystemExit(f"propagation: the status has {revision}, {wanted} was pushed")
        answers = list(pool.map(lambda f: one(how, f, path, digest), followers))
        seen[how].append(max(t for t, _ in answers) - at)
        others += sum(n for _, n in answers) if how == "asked" else 0
    for how, times in seen.items():
        times.sort()
        print(json.dumps({
            "scenario": "propagation", "how": how, "followers": len(followers), "revisions": len(times),
            "p50_seconds": round(times[len(times) // 2], 3), "p95_seconds": round(times[len(times) * 95 // 100], 3),
            "most_seconds": round(times[-1], 3), **({"other_answers": others} if how == "asked" else {})}), flush=True)


main()
