"""Pull Secrets when the API server says little about them: no watch, a watch that breaks, no reads, reads that hang. A Secret that was
rotated is used at the next run, nobody fails for want of a watch, and nothing storms."""
from lab import *


class Private:
    """A registry with one user; what it wants of it may change. Those who have just read the old password may come with it for two seconds."""

    def __init__(self, password):
        self.password, self.refused = password, 0
        self.old, self.until = password, 0

    def change(self, password):
        self.old, self.password, self.until = self.password, password, time.time() + 2

    async def __call__(self, q, w):
        good = {self.password, self.old} if time.time() < self.until else {self.password}
        if q.headers.get("authorization") in ["Basic " + base64.b64encode(f"u:{word}".encode()).decode() for word in good]:
            return False
        self.refused += "authorization" in q.headers
        return answer(401, [("WWW-Authenticate", 'Basic realm="x"')], b"", q.method == "HEAD")


def config(server, password):
    return {"auths": {f"127.0.0.1:{server.port}": {"username": "u", "password": password}}}


def reads(api, name="pull"):
    return len(api.asked("GET", f"/secrets/{name}$"))


def warnings(api):
    return [q for q in api.asked("POST", "/events$") if b'"Warning"' in q.body]


def always_ready(c, name, seconds):
    """Is the object Ready all the time?"""
    return until(seconds, lambda: (c.condition(name) or {}).get("status") != "True") is None


FAST = ["--min-retry-delay=200ms", "--max-retry-delay=1s", "--interval-jitter-percentage=0"]
no_watch = lambda q: refusal(403) if q.path.endswith("/secrets") else None

# What hangs takes half a minute: it begins first.
hanging = Api()
hanging.fault = lambda q: stall if q.path.endswith("/secrets/slow") else None
waits = hanging.controller(FAST)
fine = Server(Registry())
since = time.time()
waits.add("slow", fine.url("org/slow"), secretRef={"name": "slow"}, timeout="1000m")
waits.add("free", fine.url("org/free"), timeout="1000m")

# ---- list and watch are not allowed, get is
door = Private("one")
registry = Server(Registry(first=door))
api = Api()
api.fault = no_watch
api.own.secret("pull", config(registry, "one"))
c = api.controller(FAST)
begin = time.time()
for i in range(20):
    c.add(f"o{i}", registry.url(f"org/o{i}"), interval="2s", secretRef={"name": "pull"})
c.add("free", fine.url("org/free"))
check("without a watch everything is Ready", until(20, lambda: all((c.condition(f"o{i}") or {}).get("status") == "True" for i in range(20))))
check("and so is what needs no Secret", c.wait_ready("free", 10) is not None)
time.sleep(5.5)  # what a run has read others use for five seconds
door.change("two")
rotated = time.time()
api.own.secret("pull", config(registry, "two"), method="PUT")
check("a rotated Secret is used at the next run: no object is ever not Ready", always_ready(c, "o7", 6))
with_new = lambda: {q.path.split("/")[3] for q in registry.asked("HEAD") if q.at > rotated and q.headers.get("authorization", "").endswith(
    base64.b64encode(b"u:two").decode())}
check("all of them use it", until(10, lambda: len(with_new()) == 20) is not None, len(with_new()))
check("no Event speaks of a failure", not warnings(api), len(warnings(api)))
lines = [l for l in c.lines() if l.get("resource") == "secrets" and "cannot watch" in l["msg"]]
check("one line of the log says that there is no watch", len(lines) == 1, len(lines))
figure("lists of Secrets that were tried in a second", len(api.asked("GET", "/secrets$")) / (time.time() - begin), "", most=1.5)
api.fault = lambda q: refusal(403) if "/secrets" in q.path else None
check("no Secret may be read: who needs one says so", until(20, lambda: c.condition("o3")["reason"] == "AuthenticationFailed") is not None)
check("and who needs none is Ready", c.wait_handled("free", 10) is not None and c.condition("free")["status"] == "True")
api.fault = no_watch
check("and all is well when they may be read again", until(10, lambda: c.condition("o3")["status"] == "True") is not None)

# ---- a watch that works, breaks, and comes back
door2 = Private("one")
registry2 = Server(Registry(first=door2))
api2 = Api()
api2.own.secret("pull", config(registry2, "one"))
c2 = api2.controller(FAST)
c2.add("web", registry2.url("org/web"), interval="1s", secretRef={"name": "pull"})
check("with a watch: Ready", c2.wait_ready("web", 10) is not None)
time.sleep(6)
n, asked = reads(api2), len(registry2.asked("HEAD"))
until(10, lambda: len(registry2.asked("HEAD")) >= asked + 4)
check("with a watch nobody reads the Secret again", reads(api2) == n, reads(api2) - n)
api2.fault = lambda q: refusal(500, "InternalError") if q.path.endswith("/secrets") else None
api2.cut("/secrets")
door2.change("two")
api2.own.secret("pull", config(registry2, "two"), method="PUT")
check("rotated while the watch is broken: always Ready", always_ready(c2, "web", 6))
check("and no Event speaks of a failure", not warnings(api2), len(warnings(api2)))
api2.fault = None
check("the watch is there again, and nobody reads", until(40, lambda: api2.watches and (lambda a: time.sleep(3) or reads(api2) == a)(
    reads(api2))) is not None)

# ---- the one that hangs
check("beside a Secret that cannot be read: Ready", waits.wait_ready("free", 10) is not None)
said = until(45, lambda: (waits.condition("slow") or {}).get("reason") == "AuthenticationFailed")
figure("a read that hangs is given up after", time.time() - since if said is not None else None, "s", most=45)
finish()
