"""Registries that are dead or throttle: one request at a time to a dead one, the others fail at once and say so; Retry-After counts for all
objects of an identity; conditions have the same words each time."""
from lab import *
import uuid

MESSAGE = "does not answer (no answer in time); it is tried again at least once a minute"


def message(c, name):
    return (c.condition(name) or {}).get("message", "")


# ---- 60 objects at a registry that takes requests and never answers
dead, ok = Server(stall), Server(Registry())
c = Controller(flags=["--min-retry-delay=500ms", "--max-retry-delay=2s"])
c.add("healthy", ok.url("org/app"))
check("a healthy object is Ready", c.wait_ready("healthy", 20) is not None)
for i in range(60):
    c.add(f"dead{i}", dead.url(f"org/app{i}"), timeout="4s")
down = until(40, lambda: MESSAGE in message(c, "dead59"))
figure("all know that the registry is down after", down, "s", most=30)
check("the message names it", f"the registry '127.0.0.1:{dead.port}'" in message(c, "dead59"), message(c, "dead59"))
asked, refused = len(dead.requests) + dead.connections, c.metric("oci_registry_refused_total")
time.sleep(8)
figure("connections to it in 8 s more", len(dead.requests) + dead.connections - asked, "", most=16)
figure("requests that failed at once meanwhile", c.metric("oci_registry_refused_total") - refused, "", least=60)
check("metric: it is down", c.metrics().get(f'oci_registry_up{{host="127.0.0.1:{dead.port}",role="registry"}}') == 0)
check("metric: the other one is up", c.metrics().get(f'oci_registry_up{{host="127.0.0.1:{ok.port}",role="registry"}}') == 1)
figure("a healthy object is looked at within", c.wait_handled("healthy", 20), "s", most=1.5)
said = {re.sub(r".*/app\d+': ", "", message(c, f"dead{i}")) for i in range(60) if MESSAGE in message(c, f"dead{i}")}
check("the same words in all conditions", len(said) == 1, said)
c.stop()

# ---- Retry-After and request ids: each answer has other words
async def busy(q, w):
    body = json.dumps({"errors": [{"code": "TOOMANYREQUESTS", "message": f"slow down, CorrelationId: {uuid.uuid4()} at {time.time():.3f}"}]})
    return answer(429, [("Retry-After", "5")], body.encode(), q.method == "HEAD")

async def denied(q, w):
    body = json.dumps({"errors": [{"code": "DENIED", "message": f"no. request id: {uuid.uuid4().hex}"}]})
    return answer(403, [], body.encode(), q.method == "HEAD")

busy, denied = Server(busy), Server(denied)
c = Controller(flags=["--min-retry-delay=200ms", "--max-retry-delay=500ms"])
for i in range(50):
    c.add(f"busy{i}", busy.url(f"org/app{i}"))
c.add("denied", denied.url("org/app"))
check("all of them are told", until(20, lambda: all("429" in message(c, f"busy{i}") for i in range(50))) is not None)
asked = len(busy.requests)
until(10, lambda: len(denied.requests) >= 6)
time.sleep(4)
figure("requests to a registry that said Retry-After: 5, in some 5 s", len(busy.requests) - asked, "", most=60)
first = message(c, "denied")
check("no request id in a condition", "request id: <id>" in first, first)
asked = len(denied.requests)
until(10, lambda: len(denied.requests) > asked + 2)
check("and the same words after more failures", message(c, "denied") == first, message(c, "denied"))
c.stop()
finish()
