"""What one answer of the API server, or an error that never reads the same twice, may do: nothing for good, and few writes."""
from lab import *
import uuid

FAST = ["--min-retry-delay=100ms", "--max-retry-delay=300ms", "--interval-jitter-percentage=0"]
fine = Server(Registry())

# ---- errors that hold another id, time and number each time


async def moody(q, w):
    text = (f"backend {uuid.uuid4().hex} of request {uuid.uuid4()} gave up at {time.strftime('%Y-%m-%dT%H:%M:%S')}.{time.time_ns() % 1000:03d}Z"
            f" after {time.time_ns() % 90000} ms")
    return answer(500, [("Content-Type", "application/json")], json.dumps({"errors": [{"code": "UNKNOWN", "message": text}]}).encode())


async def counting(q, w):
    counting.n += 1
    return answer(500, [("Content-Type", "application/json")], json.dumps(
        {"errors": [{"code": "UNKNOWN", "message": f"{counting.n} of {counting.n + 7} shards, as {chr(97 + counting.n % 26)} said"}]}).encode())

counting.n = 0
ids, numbers = Server(moody), Server(counting)
api = Api()
c = api.controller(FAST)
# Manifests by digest: no HEAD, whose answers have no text.
by_digest = {"digest": sha256(b"x")}
c.add("ids", ids.url("org/ids"), ref=by_digest)
c.add("numbers", numbers.url("org/numbers"), ref=by_digest)
check("both fail", until(10, lambda: all((c.condition(n) or {}).get("status") == "False" for n in ("ids", "numbers"))) is not None)
tries = lambda s: len(s.asked("GET", "/manifests/"))
check("and go on trying", until(60, lambda: tries(ids) >= 60 and tries(numbers) >= 60) is not None, (tries(ids), tries(numbers)))
events = lambda name: [q for q in api.asked(None, "/events") if (q.method == "POST" and json.loads(q.body)["involvedObject"]["name"] == name) or (
    q.method == "PATCH" and f"/{name}." in q.path)]
figure("writes of the status in 60 tries, the text with other ids and times", len(api.asked("PATCH", "/ids/status$")), "", most=4)
figure("Events of these tries, counts included", len(events("ids")), "", most=6)
figure("Events of 60 tries with other words", len(events("numbers")), "", most=6)
check("what was kept back is counted", c.metric("kube_events_total", 'outcome="suppressed"') >= 100,
      c.metric("kube_events_total", 'outcome="suppressed"'))

# ---- one 404


def once(pick):
    """One 404 to the first request that fits; what it was is in .hit."""
    def fault(q):
        if not fault.hit and pick(q):
            fault.hit.append(q)
            return refusal(404, "NotFound", "the server could not find the requested resource")
    fault.hit = []
    return fault


for name, pick in (("status", lambda q: q.method == "PATCH" and q.path.endswith("/status")),
                   ("finalizer", lambda q: q.method == "PATCH" and b"finalizers" in q.body)):
    api.fault = once(pick)
    c.add("of-" + name, fine.url(f"org/of-{name}"), interval="1s")
    check(f"one 404 to the PATCH of the {name}: Ready all the same", c.wait_ready("of-" + name, 10) is not None)
    check(f"the 404 was there ({name})", api.fault.hit)
    n = len(fine.asked("HEAD", f"/of-{name}/"))
    check(f"and it is looked at again ({name})", until(10, lambda: len(fine.asked("HEAD", f"/of-{name}/")) > n + 1) is not None)
api.fault = once(lambda q: q.method == "PATCH" and q.path.endswith("/status"))
c.patch("of-status", {"spec": {"ref": {"tag": "1.0.0"}}})
check("one 404 to the PATCH of a new revision: it is told", until(10, lambda: c.get("of-status")["status"]["artifact"]["revision"].startswith(
    "1.0.0@")) is not None)
api.fault = once(lambda q: q.method == "PATCH" and b"finalizers" in q.body)
c.delete("of-status")
check("one 404 to the removal of the finalizer: it goes", until(10, lambda: c.gone("of-status")) is not None)
check("the 404 was there (deletion)", api.fault.hit)
api.fault = None

# ---- suspended in the middle of a pull


async def slow_blobs(q, w):
    if "/blobs/" in q.path:
        await asyncio.sleep(86400)
    return False

slow = Server(Registry(first=slow_blobs))
c.add("pulling", slow.url("org/pulling"), timeout="10m")
check("a slow pull says so", until(10, lambda: (c.condition("pulling", "Reconciling") or {}).get("reason") == "Progressing") is not None)
check("and Ready is Unknown", c.condition("pulling")["status"] == "Unknown")
c.patch("pulling", {"spec": {"suspend": True}})
seen = lambda o: o["status"].get("observedGeneration") == o["metadata"]["generation"]
check("suspended: seen", until(10, lambda: seen(c.get("pulling"))) is not None)
check("nothing is said to go on", not c.get("pulling")["status"].get("conditions"), c.get("pulling")["status"])
c.patch("pulling", {"spec": {"url": fine.url("org/pulling")}})
check("a spec that changes meanwhile is seen", until(10, lambda: seen(c.get("pulling"))) is not None)
check("a request is answered", c.wait_handled("pulling", 10) is not None)
c.patch("pulling", {"spec": {"suspend": False}})
check("and resumed: Ready", c.wait_ready("pulling", 10) is not None)
finish()
