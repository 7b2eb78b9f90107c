"""300 objects with names that the name servers never answer, beside objects that are well: by name and by literal address."""
from lab import *

N = 300
READY = 3 # seconds


def addresses(name):
    return None if name.endswith("slow.test") else ["127.0.0.1"] if name in ("well.test", "fresh.test") else []


if not own_machine(files={"/etc/resolv.conf": "nameserver 127.0.0.1\nsearch ns.svc.cluster.test svc.cluster.test\noptions ndots:5\n",
                          "/etc/hosts": "127.0.0.1 localhost\n"}):
    skip("names that resolve slowly", "they need a name server of our own")
    check("skipped", True)
    finish()
names = NameServer(addresses)
ok = Server(Registry())
c = Controller()
c.add("before", ok.url("org/before", host="well.test"), insecure=True)
alone = c.wait_ready("before")
figure("a healthy object by name alone", alone, "s", most=5)
threads, descriptors = c.threads(), c.descriptors()
most_threads = most_descriptors = 0


def look(seconds):
    global most_threads, most_descriptors
    end = time.time() + seconds
    while time.time() < end:
        most_threads, most_descriptors = max(most_threads, c.threads()), max(most_descriptors, c.descriptors())
        time.sleep(0.1)


for i in range(N):
    c.add(f"slow{i:03d}", f"oci://h{i}.slow.test/org/app", timeout="1s")
look(5)
c.add("literal", ok.url("org/literal"))
c.add("name", ok.url("org/name", host="well.test"), insecure=True)
c.add("fresh", ok.url("org/fresh", host="fresh.test"), insecure=True)
figure(f"by literal beside {N} slow names", c.wait_ready("literal", 30), "s", most=READY)
figure(f"by name beside {N} slow names", c.wait_ready("name", 30), "s", most=READY)
figure("by a name that nobody asked for before", c.wait_ready("fresh", 30), "s", most=READY)
look(5)
figure(f"threads beside {N} slow names, before: {threads}", most_threads, "", most=threads)
# 64 for lookups; the rest are both ends of our connections to the embedded API, which writes 300 conditions.
figure(f"descriptors beside {N} slow names, before: {descriptors}", most_descriptors - descriptors, "more", most=160)
check("a slow name is told as such", until(30, lambda: "slow.test" in (c.condition("slow000") or {}).get("message", "")) is not None, c.condition("slow000"))
check("lookups are counted", until(30, lambda: c.metric("http_client_lookups_total", "registry") > 100) is not None and c.metric("http_client_lookups_waiting", "registry") <= N)
finish()
