"""64 requests that hang at 8 hosts, with a timeout of 16 hours: the tenant's own choice."""
from lab import *

dead, ok = Server(stall, host="0.0.0.0"), Server(Registry())
c = Controller()
c.add("before", ok.url("org/before"))
c.add("going", ok.url("org/going"))
alone = c.wait_ready("before")
c.wait_ready("going")
for i in range(64):
    c.add(f"hung{i:02d}", dead.url(f"org/app{i}", host=f"127.0.0.{11 + i % 8}"), timeout="1000m", insecure=True)
until(10, lambda: len(dead.requests) >= 8)
c.add("beside", ok.url("org/beside"))
figure("a new object beside them", c.wait_ready("beside", 60), "s", most=alone * 1.05 + 0.5)
figure("an unchanged object is asked to reconcile", c.wait_handled("before", 60), "s", most=SOON)
c.delete("going")
figure("a deletion", until(60, lambda: c.gone("going")), "s", most=2)

# Who waits says so.
def waiting():
    return (c.condition("hung63", "Reconciling") or {}).get("message", "")
figure("the condition of one that waits says so", until(40, lambda: "waiting for" in waiting() or "does not answer" in waiting()), "s", most=40)
check("and names the registry", "127.0.0.1" in waiting() or "127.0.0." in waiting(), waiting())
figure("SIGTERM ends it", (lambda t: (c.stop(), time.time() - t)[1])(time.time()), "s", most=3)
check("with status 0", c.process.returncode == 0, c.process.returncode)
finish()
