"""What strangers can size stays within 256 MiB: JSON of many small values, bodies that stall, layers of many names and rules; all at once."""
from lab import *

BOMB = 4 * MIB
MOST = 64  # MiB resident, in each of the cases of JSON


def bombed(head, tail, size, item=b"{}"):
    """A valid document of nearly `size` bytes: many values between head and tail."""
    n = (size - len(head) - len(tail)) // (len(item) + 1)
    return head + b",".join([item] * n) + tail


def hostile(path, body, status=200, headers=()):
    """A registry that gives this body for everything under `path`."""
    async def first(q, w):
        if not re.search(path, q.path):
            return False
        if q.method == "HEAD":
            return answer(405, head=True)
        return answer(status, [("Content-Type", "application/json"), *headers], body)
    return Server(Registry(first=first))


def json_case(name, server, says, n=6, kind="FetchFailed", **spec):
    """n objects at it fail with a message that says why, and the memory stays small."""
    c.forget_peak()
    names = [f"{name}{i}" for i in range(n)]
    for each in names:
        c.add(each, server.url(f"org/{each}"), **spec)
    for each in names:
        c.wait_ready(each, 90, status="False")
    said = (c.condition(names[0]) or {}).get("message", "nothing")
    check(f"{name}: the message says what was too much", says in said, said)
    figure(f"{name}: resident at most, {n} objects", c.peak(), "MiB", most=MOST)
    for each in names:
        c.delete(each)


def names_layer(count, rules=0):
    """A layer of `count` files with names of 150 bytes, and of so many MiB of ignore rules."""
    out = io.BytesIO()
    z = gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=1)

    def entry(name, body=b""):
        h = bytearray(512)
        prefix, last = name.rsplit("/", 1)
        h[0:len(last)], h[345:345 + len(prefix)] = last.encode(), prefix.encode()
        h[100:108], h[108:116], h[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
        h[124:136], h[136:148], h[148:156] = b"%011o\0" % len(body), b"00000000000\0", b" " * 8
        h[156:157], h[257:265] = b"0", b"ustar\x0000"
        h[148:156] = b"%06o\0 " % sum(h)
        return bytes(h) + body + b"\0" * (-len(body) % 512)

    for i in range(rules):
        line = b"x" * 4000 + b"\n"
        z.write(entry(f"rules{i}/.sourceignore", line * (MIB // len(line))))
    for at in range(0, count, 1000):
        folder = "d" * 70 + f"/{at:06d}"
        z.write(b"".join(entry(f"{folder}/" + "n" * 66 + f"{i:06d}") for i in range(at, min(at + 1000, count))))
    z.write(b"\0" * 1024)
    z.close()
    return out.getvalue()


ok = Server(Registry())
c = Controller(memory=256)
if not c.limited:
    skip("a memory cgroup of 256 MiB", "it cannot be made here")
c.add("first", ok.url("org/first"))
alone = c.wait_ready("first")
check("a healthy object is Ready", alone is not None)

# ---- JSON of many values ---------------------------------------------------------------------------------------------------
base = json.loads(manifest(layer()))
image = json.dumps(base)[:-1].encode()
index = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":['
json_case("manifest", hostile("/manifests/", bombed(image + b',"x":[', b"]}", BOMB)), "more than 40000 values")
json_case("words", hostile("/manifests/", bombed(image + b',"x":[', b"]}", BOMB, b"1")), "more than 40000 values")
json_case("layers", hostile("/manifests/", bombed(b'{"schemaVersion":2,"layers":[', b"]}", BOMB, b'[[]]')), "more than 40000 values")
json_case("index", hostile("/manifests/", bombed(index, b"]}", BOMB)), "more than 40000 values")
json_case("depth", hostile("/manifests/", image + b',"x":' + b"[" * 50000 + b"]" * 50000 + b"}"), "nested more than 16 levels")
json_case("error", hostile("/manifests/", bombed(b'{"errors":[', b"]}", 60 * 1024), 500), "answered 500")
json_case("tags", hostile("/tags/", bombed(b'{"tags":[', b"]}", 8 * MIB, b"[" + b"[]," * 300 + b"[]]")), "no string", ref={"semver": "*"})

tokens = Server(Registry(first=None))


async def challenge(q, w):
    if q.path == "/token":
        return answer(200, [], bombed(b'{"token":"x","x":[', b"]}", 64 * 1024 - 16))
    if "authorization" not in q.headers:
        return answer(401, [("WWW-Authenticate", f'Bearer realm="http://127.0.0.1:{tokens.port}/token",service="x"')], b"", q.method == "HEAD")
    return False
tokens.handler.first = challenge
json_case("token", tokens, "more than 1000 values")



def refused(what):
    """The message of the API, which refuses it."""
    c.forget_peak()
    try:
        what()
        return "accepted"
    except urllib.error.HTTPError as e:
        return json.loads(e.read())["message"]


said = refused(lambda: c.secret("bomb", {"x": [{}] * 200000, "auths": {}}))
check("a Secret with a configuration of many values is refused", "not a JSON object" in said, said[:200])
figure("a Secret of many values: resident at most", c.peak(), "MiB", most=MOST)
c.secret("large", {"auths": {f"r{i}.io": {"auth": "eDp5"} for i in range(900)}, "x": "x" * 700000})
c.forget_peak()
c.add("large", ok.url("org/large"), secretRef={"name": "large"})
check("a Secret of 1 MiB is read", c.wait_ready("large", 30) is not None, c.condition("large"))
figure("a Secret of 1 MiB: resident at most", c.peak(), "MiB", most=MOST)

said = refused(lambda: c.add("x", ok.url("org/x"), x=[{}] * 900000))
check("an object of many values is refused", "more than 100000 values" in said, said[:200])
figure("an object of many values: resident at most", c.peak(), "MiB", most=MOST)

c.forget_peak()
c.add("fat", ok.url("org/fat"), annotations={f"{i}": "" for i in range(20000)}, interval="1h", ignore="*.x\n" * 9000)
check("an object of 300 KiB is Ready", c.wait_ready("fat", 30) is not None)
figure("a large object: resident at most", c.peak(), "MiB", most=MOST)

# ---- bodies that stall ------------------------------------------------------------------------------------------------------
large = bombed(image + b',"x":[', b"]}", BOMB)


async def stalls(q, w):
    if "/manifests/" not in q.path:
        return False
    if q.method == "HEAD":
        return answer(405, head=True)
    w.write(answer(200, [("Content-Type", TYPE_MANIFEST)], large)[:-1])
    await asyncio.sleep(86400)
STALLED = 64
stalled = [Server(Registry(first=stalls)) for _ in range(STALLED)]
c.forget_peak()
for i, s in enumerate(stalled):
    c.add(f"stalled{i}", s.url("org/app"), timeout="60s")
check("all manifests are being sent", until(30, lambda: sum(len(s.asked("GET", "/manifests/")) > 0 for s in stalled) == STALLED) is not None)
check("some wait for memory", until(10, lambda: c.metric("memory_account_bytes", 'pool="bodies"', 'what="waiting"') > 0) is not None)
held = c.metric("memory_account_bytes", 'pool="bodies"', 'what="held"') / MIB
limit = c.metric("memory_account_bytes", 'pool="bodies"', 'what="limit"') / MIB
figure("of the account's share for bodies is held", held, "MiB", most=limit)
figure(f"{STALLED} manifests without their last byte: resident at most", c.peak(), "MiB", most=72)
c.add("beside1", ok.url("org/beside1"))
figure("a healthy object beside them is Ready", c.wait_ready("beside1", 30), "s", most=5)
c.wait_ready("stalled0", 30, status="False")
said = next((m for i in range(STALLED) if "others wait" in (m := (c.condition(f"stalled{i}") or {}).get("message", ""))), None)
check("who holds memory and sends nothing ends, and says why", said is not None, c.condition("stalled0"))
for i in range(STALLED):
    c.delete(f"stalled{i}")
check("they gave everything back", until(20, lambda: c.metric("memory_account_bytes", 'pool="bodies"', 'what="held"') == 0) is not None)

# ---- bodies that stop after a twentieth: what is announced counts, and others' manifests of 100 KB pass beside it ------------


async def stops(q, w):
    head = answer(200, [("Content-Type", TYPE_MANIFEST), ("Docker-Content-Digest", "sha256:" + os.urandom(32).hex())], large, True)
    if q.method == "HEAD":
        return head
    w.write(head + large[:200000])
    await asyncio.sleep(86400)
for ns in ("evil", "good"):
    c.api("/api/v1/namespaces", "POST", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns}})
stopped = [Server(stops) for _ in range(30)]
padded = Server(Registry(document=manifest(layer()) + b" " * 100000))
for i, s in enumerate(stopped):
    c.add(f"stopped{i}", s.url("org/app"), ns="evil", timeout="2m")
check("bodies wait for memory", until(30, lambda: c.metric("memory_account_bytes", 'pool="bodies"', 'what="waiting"') > 0) is not None)
until(20, lambda: sum(len(s.asked("GET", "/manifests/")) > 0 for s in stopped) == len(stopped))
begin = time.time()
for i in range(20):
    c.add(f"padded{i}", padded.url(f"org/padded{i}"), ns="good")
last = [c.wait_ready(f"padded{i}", 40, ns="good") for i in range(20)]
figure("20 manifests of 100 KB beside 30 that announce 4 MiB: all Ready", None if None in last else time.time() - begin, "s", most=10)
for i in range(len(stopped)):
    c.delete(f"stopped{i}", ns="evil")

# ---- layers of many names, and everything at once ---------------------------------------------------------------------------
names, rules = names_layer(195000), names_layer(20000, rules=8)
wide = [Server(Registry(names)) for _ in range(7)]
ruled = [Server(Registry(rules)) for _ in range(2)]
bomb = hostile("/manifests/", large)
c.forget_peak()
for i, s in enumerate(wide + ruled):
    c.add(f"wide{i}", s.url("org/wide"), timeout="60s")
for i in range(6):
    c.add(f"bomb{i}", bomb.url(f"org/bomb{i}"))
check("a job waits for memory", until(30, lambda: c.metric("memory_account_bytes", 'pool="jobs"', 'what="waiting"') > 0) is not None)
c.add("beside2", ok.url("org/beside2"))
figure("a healthy object beside all of it is Ready", c.wait_ready("beside2", 90), "s", most=10)
done = [c.wait_ready(f"wide{i}", 120) for i in range(len(wide + ruled))]
check("the layers of many names become artifacts", None not in done, [c.condition(f"wide{i}") for i, d in enumerate(done) if d is None])
figure("everything at once: resident at most", c.peak(), "MiB", most=180)
check("the process was never killed", c.process.poll() is None)
until(10, lambda: c.metric("memory_account_bytes", 'pool="jobs"', 'what="held"') == 0)
check("the jobs gave everything back", c.metric("memory_account_bytes", 'pool="jobs"', 'what="held"') == 0)
finish()
