#!/usr/bin/env python3
# Alone: it measures turns of the loop.
"""What costs CPU: ignore rules, filters, tag lists, large layers. Whoever names them, the loop keeps turning, a delete, a new spec and the
end take effect at once, and the others find a worker."""
from lab import *


def worst_turn(c):
    """The longest turn of the loop since the last call, in seconds."""
    return c.metric("loop_busy_worst_seconds")


def namespaces(c, *names):
    for n in names:
        c.api("/api/v1/namespaces", "POST", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}})


def turn(name, c, most):
    seen = worst_turn(c)
    if SANITIZED:
        skip(f"{name}, worst turn of the loop: {seen:.3f} s", "no figure of a sanitized build")
    else:
        figure(f"{name}, worst turn of the loop", seen, "s", most=most)


def tar_gz(entries):
    """entries: pairs of a name and its bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as g, tarfile.open(fileobj=g, mode="w", format=tarfile.PAX_FORMAT) as t:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zeros(mib):
    """A layer of mib MiB of zeros, and as many random bytes as it takes for the ratio that is allowed."""
    piece = gzip.compress(bytes(64 * MIB), 6)  # a gzip member
    noise = os.urandom(mib * MIB // 190)
    out = b""
    for name, size, body in (("zeros", mib * MIB, piece * (mib // 64)), ("noise", len(noise), gzip.compress(noise, 1))):
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o644
        out += gzip.compress(info.tobuf(tarfile.USTAR_FORMAT), 6) + body + gzip.compress(bytes(-size % 512), 6)
    return out + gzip.compress(bytes(1024), 6)


ok = Server(Registry())
c = Controller()
c.add("ok", ok.url("org/ok"))
check("a plain object is Ready", c.wait_ready("ok") is not None)

namespaces(c, "evil")

# ---- rules whose every try takes millions of steps, for names that take them all
def busy():
    return until(20, lambda: c.metric("worker_jobs", 'lane="heavy"', 'state="running"') >= 1) is not None


# A component has 255 bytes at most: a rule is tried on each of them.
rules = b"".join(b"*" + b"a" * 120 + b"?b%d\n*" % i + b"a" * 120 + b"?%d\n" % (i % 10) for i in range(250))
evil = Server(Registry(tar_gz([(".sourceignore", rules)] + [("/".join(["a" * 250] * 15) + "%04d" % i, b"") for i in range(2000)])))
print(f"     a layer of {len(evil.handler.blob)} bytes with rules that take long")
c.add("first", evil.url("evil/first"), ns="evil")
check("a worker is busy", busy())
c.patch("first", {"spec": {"url": ok.url("org/other")}}, ns="evil")
figure("a new spec is Ready after", c.wait_ready("first", ns="evil"), "s", most=SOON)
c.add("second", evil.url("evil/second"), ns="evil")
check("a worker is busy", busy())
c.delete("second", ns="evil")
figure("it is gone after", until(20, lambda: c.gone("second", ns="evil")), "s", most=SOON)
for i in range(4):
    c.add(f"rules{i}", evil.url(f"evil/rules{i}"), ns="evil")
check("workers are busy", busy())
c.add("beside", ok.url("org/beside"))
figure("another namespace's object is Ready after", c.wait_ready("beside"), "s", most=SOON)
check("the rules are refused", c.wait_ready("rules0", 60, "False", ns="evil") is not None)
said = c.condition("rules0", ns="evil")["message"]
check("the message names the rule",
      re.search(r"the ignore rules take too long: 500 rules .*'\*aaa[a]*\.\.\.' \(\.sourceignore, line \d+\)", said), said)
for i in range(4):
    c.request(f"rules{i}", ns="evil")
check("workers are busy", busy())
begin = time.time()
check("it ends well meanwhile", c.stop() == 0)
figure("SIGTERM takes", time.time() - begin, "s", most=SOON)

# ---- filters whose automaton is large
c = Controller()
c.add("ok", ok.url("org/ok"))
c.wait_ready("ok")
namespaces(c, "bulk", *(f"ns{i}" for i in range(8)))
many = Server(Registry(tags=[f"1.0.{i}-" + "a" * 115 for i in range(2000)]))
worst_turn(c)
for name, pattern, says in (
        ("of 603 bytes", "^" + "(?:[0-9a-z.]?){1000}" * 30 + "Z$", "too large"),
        ("just small enough", "(?:[0-9a-z.-]?){1000}(?:[0-9a-z.-]?){700}Z", "takes too long"),
        ("that is slow at first", "^(?:[0-9a-z.]?){1000}Z$", None)):
    key = "filter-" + sha256(pattern.encode())[7:15]
    c.add(key, many.url(key), ref={"semver": ">=0.0.0-0", "semverFilter": pattern})
    check(f"a filter {name} ends", c.wait_ready(key, 30, "False") is not None)
    said = c.condition(key)["message"]
    check(f"the message says why", not says or says in said and pattern[:30] in said, said)
    turn(f"a filter {name}", c, most=0.03)
c.add("real", many.url("real"), ref={"semver": ">=1.0.0-0", "semverFilter": r"^v?\d+[.]\d+[.]\d+-[a-z0-9.-]{1,128}$"})
check("a filter as people write them works", c.wait_ready("real") is not None)

# ---- many lists and documents at once
lists = Server(Registry(tags=[f"1.{i // 100}.{i % 100}" for i in range(10000)]))
worst_turn(c)
for i in range(64):
    c.add(f"list{i}", lists.url(f"list/{i}"), ns=f"ns{i % 8}", ref={"semver": ">=1.0.0"})
check("64 lists of 10,000 tags are read", until(60, lambda: all(c.condition(f"list{i}", ns=f"ns{i % 8}") and
      c.condition(f"list{i}", ns=f"ns{i % 8}")["status"] == "True" for i in range(64)), every=0.3) is not None)
turn("64 lists", c, most=0.03)
blob = layer()
large = Server(Registry(blob, manifest(blob, annotations={f"k{i}": "v" * 50 for i in range(900)})))
print(f"     manifests of {len(manifest(blob, annotations={f'k{i}': 'v' * 50 for i in range(900)}))} bytes")
worst_turn(c)
for i in range(64):
    c.add(f"doc{i}", large.url(f"doc/{i}"), ns=f"ns{i % 8}")
check("64 manifests of 60 KiB are read", until(60, lambda: all(c.condition(f"doc{i}", ns=f"ns{i % 8}") and
      c.condition(f"doc{i}", ns=f"ns{i % 8}")["status"] == "True" for i in range(64)), every=0.3) is not None)
turn("64 manifests", c, most=0.03)

# ---- layers that take a worker long, beside a small one
bulk = Server(Registry(zeros(6144)))
print(f"     a layer of {len(bulk.handler.blob)} bytes that expands to 6 GiB")
for i in range(3):
    c.add(f"bulk{i}", bulk.url(f"bulk/{i}"), ns="bulk", timeout="5m")
check("bulk jobs run", until(60, lambda: c.metric("worker_jobs", 'lane="bulk"', 'state="running"') >= 1) is not None)
c.add("small", ok.url("org/small"))
figure("beside layers of 6 GiB, a small one is Ready after", c.wait_ready("small"), "s", most=SOON)
check("bulk jobs ran all the time", c.metric("worker_jobs", 'lane="bulk"', 'state="running"') >= 1)
for i in range(3):
    c.delete(f"bulk{i}", ns="bulk")
figure("they are gone after", until(20, lambda: all(c.gone(f"bulk{i}", ns="bulk") for i in range(3))), "s", most=SOON)
finish()
