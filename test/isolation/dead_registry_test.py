"""A registry that takes requests and never answers, with 200 objects, beside one that is well: at once, after the back-offs have grown, and
after a restart with an empty store."""
from lab import *

N = 200
dead, ok = Server(stall), Server(Registry())
c = Controller(flags=["--max-retry-delay=5s", "--interval-jitter-percentage=0"])
c.add("before", ok.url("org/before"))
alone = c.wait_ready("before")
figure("a healthy object alone", alone, "s", most=5)
for i in range(N):
    c.add(f"dead{i:03d}", dead.url(f"org/app{i}"), timeout="4s")
time.sleep(1)
c.add("beside", ok.url("org/beside"))
figure(f"a new object beside {N} at a dead registry", c.wait_ready("beside", 30), "s", most=alone * 1.05 + 0.5)
figure("an unchanged object is asked to reconcile", c.wait_handled("before", 30), "s", most=SOON)

# The others fail with the registry's own failure, and say so.
figure("until all of them have failed once", until(60, lambda: c.metric("oci_turns", 'state="waiting"') == 0), "s", most=60)
message = (c.condition("dead150") or {}).get("message", "")
check("the message names the registry", f"127.0.0.1:{dead.port}" in message, message)

# After the back-offs have grown, they take no more than before.
time.sleep(8)
begin, asked = time.time(), len(dead.requests)
for i in range(3):
    figure("an unchanged object, later", c.wait_handled("before", 30), "s", most=SOON)
    c.add(f"later{i}", ok.url(f"org/later{i}"))
    figure("a new object, later", c.wait_ready(f"later{i}", 30), "s", most=alone * 1.05 + 0.5)
figure("requests that hang at the dead registry", dead.open, "connections", most=10)

# A deletion needs no registry.
c.delete("dead007")
figure("an object of the dead registry is deleted", until(30, lambda: c.gone("dead007")), "s", most=2)
rc = c.stop()
check("SIGTERM", rc == 0, rc)

# Every status still names an artifact of the healthy one; the store is empty.
shutil.rmtree(c.state + "/artifacts")
begin = time.time()
c = Controller(state=c.state, files=c.files, flags=["--max-retry-delay=5s"])
figure("restored after a start with an empty store", until(60, lambda: c.artifact("before")[0] == 200), "s", most=2)
for i in range(3):
    check("and the others", c.artifact(f"later{i}")[0] == 200)
figure("ready for readers", until(60, lambda: c.http("artifacts", "/")[0] == 200), "s", most=2)
finish()
