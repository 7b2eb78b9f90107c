"""200 objects at a registry that says 429 with Retry-After: 1 for ever, each time with another request id."""
from lab import *

N, SECONDS = 200, 15
count = [0]


async def busy(q, w):
    count[0] += 1
    body = json.dumps({"errors": [{"code": "TOOMANYREQUESTS", "message": f"slow down, request id {count[0] * 7919:032x}"}]}).encode()
    return answer(429, [("Content-Type", "application/json"), ("Retry-After", "1")], body, q.method == "HEAD")

registry, ok = Server(busy), Server(Registry())
c = Controller()
for i in range(N):
    c.add(f"o{i:03d}", registry.url(f"org/app{i}"))


def writes(m):
    return sum(v for k, v in m.items() if k.startswith("rest_client_requests_total") and not re.search(r'method="(GET|HEAD)"', k))


def told():
    """So many Warnings were suppressed, and nobody has one to tell: some objects fail more often than others."""
    was = writes(c.metrics())
    time.sleep(1)
    return c.metric("kube_events_total", 'outcome="suppressed"') >= N and writes(c.metrics()) - was <= 2


# Each has told of its first failures; from here on nothing is news.
figure("until their Warnings are told", until(60, told), "s", most=60)
before, asked = c.metrics(), count[0]
time.sleep(SECONDS)
after = c.metrics()
figure("requests to the registry", (count[0] - asked) / SECONDS, "a second", most=N / 10)
figure("writes to the API server", (writes(after) - writes(before)) / SECONDS, "a second", most=2)
c.add("beside", ok.url("org/app"))
figure("a healthy object beside them", c.wait_ready("beside", 30), "s", most=SOON)
c2 = c.condition("o000")
check("the condition holds no request id", "429" in c2["message"] and not re.search("[0-9a-f]{16}", c2["message"]), c2)
finish()
