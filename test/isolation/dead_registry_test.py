"""A registry that takes requests and never answers, with 200 objects, beside one that is well."""
from lab import *

N = 200
dead, ok = Server(stall), Server(Registry())
c = Controller()
c.add("before", ok.url("org/before"))
alone = c.wait_ready("before")
figure("a healthy object alone", alone, "s", most=5)
for i in range(N):
    c.add(f"dead{i:03d}", dead.url(f"org/app{i}"), timeout="6s")
time.sleep(1)
c.add("beside", ok.url("org/beside"))
figure(f"a new object beside {N} at a dead registry", c.wait_ready("beside", 30), "s", most=alone * 1.05 + 0.5)
figure("an unchanged object is checked", c.wait_handled("before", 30), "s", most=1)
finish()
