"""Values of a spec that a registry cannot mend, and those that tools write: the digest behind a tag, a timeout of nothing."""
from lab import *

s = Server(Registry())
c = Controller()
c.add("seen", s.url("org/app"))
check("a tag is Ready", c.wait_ready("seen", 20) is not None)
digest = c.get("seen")["status"]["artifact"]["revision"].split("@")[1]

c.add("pinned", s.url("org/app"), ref={"tag": f"6.6.2@{digest}"})
check("a tag with its digest is Ready", c.wait_ready("pinned", 20) is not None)
check("its revision has both", c.get("pinned")["status"]["artifact"]["revision"] == f"6.6.2@{digest}", c.get("pinned")["status"])
c.add("moved", s.url("org/app"), ref={"tag": f"6.6.2@sha256:{'0' * 64}"})
check("another digest is not what the tag gives", c.wait_ready("moved", 20, status="False") is not None)
check("and nothing is stored", "artifact" not in c.get("moved")["status"])


def stalled(name, word, **spec):
    c.add(name, s.url("org/app"), **spec)
    check(f"{name}: not Ready", c.wait_ready(name, 20, status="False") is not None)
    check(f"{name}: stalled", (c.condition(name, "Stalled") or {}).get("status") == "True", c.get(name))
    check(f"{name}: the message names {word}", word in c.condition(name)["message"], c.condition(name))


stalled("slip", "spec.ref.digest", ref={"tag": "6.6.2@latest"})
stalled("nothing", "spec.timeout", timeout="0s")
stalled("almost-nothing", "spec.timeout", timeout="0.4ms")
c.patch("nothing", {"spec": {"timeout": "5s"}})
check("another spec helps", c.wait_ready("nothing", 20) is not None)
finish()
