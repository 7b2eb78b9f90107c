"""beside.py KUBECONFIG METRICS GOOD BAD BAD_PID ROUNDS: how long REVISIONS new revisions at one registry take, alone and beside OBJECTS
objects of another one (10.97.0.9) that takes requests and answers none (its process is stopped), or whose packets vanish (its address
leaves the machine; there is a route to nowhere). In turns, in one run; a JSON line for each of the two, with the median of the ratios of neighbours."""

import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

from api import Api, Artifacts
from push import Registry

NAMESPACE, OBJECTS, REVISIONS = "beside", int(os.environ.get("OBJECTS", 200)), 20


class Bench:
    def __init__(self, kubeconfig, metrics, good, bad, bad_pid):
        self.api, self.metrics, self.good, self.bad, self.bad_pid = Api(kubeconfig), metrics, good, bad, int(bad_pid)
        self.registry = Registry(good)
        self.changed = threading.Event()
        self.artifacts = Artifacts(self.api, NAMESPACE, lambda *_: self.changed.set())
        self.count = 0

    def add(self, name, registry, repository):
        self.api.request("POST", f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/ocirepositories", {
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"interval": "1h" if registry == self.good else "10s", "url": f"oci://{registry}/{repository}", "ref": {"tag": "main"},
                     "insecure": registry == self.bad}})

    def wait(self, what, seconds, why):
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                raise SystemExit(f"beside: {why}")
            self.changed.wait(0.2)
            self.changed.clear()

    def turns(self):
        """How many runs are on their way or in line."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=10) as f:
            lines = f.read().decode().splitlines()
        return sum(float(l.rsplit(" ", 1)[1]) for l in lines if l.startswith("oci_turns{"))

    def start(self):
        self.api.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        other = Registry(self.bad)
        for i in range(REVISIONS):
            self.registry.push(f"good-{i}", "main", b"0")
            other.push(f"bad-{i}", "main", b"0")
            self.add(f"good-{i}", self.good, f"good-{i}")
        for i in range(OBJECTS):
            self.add(f"bad-{i}", self.bad, f"bad-{i % REVISIONS}")
        self.wait(lambda: len(self.artifacts.now) == REVISIONS + OBJECTS, 120, "not every object is Ready at the start")

    def suspend(self, yes):
        for i in range(OBJECTS):
            self.api.patch(NAMESPACE, f"bad-{i}", {"spec": {"suspend": yes}})

    def revisions(self):
        """Seconds from the requests until all have their new revision."""
        self.count += 1
        wanted = {f"good-{i}": self.registry.push(f"good-{i}", "main", str(self.count).encode()) for i in range(REVISIONS)}
        began = time.monotonic()
        for name in wanted:
            self.api.patch(NAMESPACE, name, {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": str(self.count)}}})
        self.wait(lambda: all(self.artifacts.now[n][2].endswith(d) for n, d in wanted.items()), 120, "the new revisions do not come")
        return time.monotonic() - began

    def alone(self):
        self.suspend(True)
        self.wait(lambda: self.turns() == 0, 30, "suspended objects still run")
        time.sleep(2)
        return self.revisions()

    def beside(self, begin, end):
        begin()
        self.suspend(False)
        time.sleep(2)
        self.wait(lambda: self.turns() >= 8, 30, "the bad registry holds nobody up")
        took = self.revisions()
        if self.turns() < 8:
            raise SystemExit("beside: the bad registry held nobody up")
        self.suspend(True)
        end()
        return took


def main():
    b = Bench(*sys.argv[1:6])
    b.start()

    def address(verb):
        subprocess.run(["ip", "address", verb, "10.97.0.9/32", "dev", "lo"], check=True)

    faults = {
        "silent": (lambda: os.kill(b.bad_pid, signal.SIGSTOP), lambda: os.kill(b.bad_pid, signal.SIGCONT)),
        "dropping": (lambda: address("del"), lambda: address("add")),
    }
    seen = {name: ([], []) for name in faults}
    for _ in range(int(sys.argv[6])):
        for name, (begin, end) in faults.items():
            seen[name][0].append(b.alone())
            seen[name][1].append(b.beside(begin, end))
    for name, (alone, beside) in seen.items():
        a, c = statistics.median(alone), statistics.median(beside)
        print(json.dumps({
            "scenario": "beside", "registry": name, "objects": OBJECTS, "revisions": REVISIONS, "rounds": len(alone),
            "alone_seconds": round(a, 3), "beside_seconds": round(c, 3), "ratio": round(statistics.median(y / x for x, y in zip(alone, beside)), 3),
            "alone_most": round(max(alone), 3), "beside_most": round(max(beside), 3)}), flush=True)


main()
