"""Where a registry may send us: redirects and token servers by address, by name, and by a name that moves."""
from lab import *

TOKEN = "token-of-an-internal-service"
PUBLIC, OTHER, PRIVATE, PRIVATE2, METADATA = "93.184.216.1", "93.184.216.2", "10.77.0.1", "10.77.0.2", "169.254.169.254"
NAMES = {"reg.test": PUBLIC, "cdn.test": OTHER, "inside.test": PRIVATE, "priv.test": PRIVATE, "meta.test": METADATA, "here.test": "127.0.0.1"}
alone = own_machine([PUBLIC, OTHER, PRIVATE, PRIVATE2, METADATA],
                    {"/etc/resolv.conf": "nameserver 127.0.0.1\n", "/etc/hosts": "127.0.0.1 localhost\n"})
moving = {"moves.test": [PUBLIC]}
good = Registry()


async def inside(q, w):
    """Stands for an internal service: no authentication, JSON."""
    if q.path.startswith("/token"):
        return answer(200, [("Content-Type", "application/json")], json.dumps({"token": TOKEN, "expires_in": 3600}).encode())
    return await good(q, w) if "/blobs/" in q.path else answer(403, [], b'{"message":"internal detail"}', q.method == "HEAD")


targets = {}


async def sends(q, w):
    """Repository org/blob-X: blobs are at targets[X]. org/realm-X: so is the token server."""
    parts = q.path.split("/")
    kind, _, to = (parts[3] if len(parts) > 4 else "").partition("-")
    if kind == "blob" and "/blobs/" in q.path:
        return answer(307, [("Location", f"http://{targets[to]}{q.path}")], b"", q.method == "HEAD")
    if kind == "realm" and "authorization" not in q.headers:
        return answer(401, [("WWW-Authenticate", f'Bearer realm="http://{targets[to]}/token",service="s"')], b"", q.method == "HEAD")
    return False


def run(c, host, to, ok, what):
    """One object of each kind, both Ready or both refused, and then the service was not asked at all. Each has a registry of its own, of which
    nothing is remembered yet."""
    for kind in ("blob", "realm"):
        registry = Server(Registry(first=sends), host="0.0.0.0")
        name = f"{kind}-{re.sub('[^a-z0-9]', '-', host)}-{to}"
        before = len(service.requests)
        c.add(name, registry.url(f"org/{kind}-{to}", host=host), insecure=True)
        took = c.wait_ready(name, 15, status="True" if ok else "False")
        said = (c.condition(name) or {}).get("message", "")
        asked = len(service.requests) - before
        check(f"{what}: {kind} of {host} at {targets[to]} is {'taken' if ok else 'refused'}", took is not None and (asked > 0) == ok, f"{asked}: {said}")
        if not ok:
            check(f"{what}: the message says why", "may not send us" in said or "this controller itself" in said, said)


service = Server(inside, host="0.0.0.0")
port = service.port
if alone:
    NameServer(lambda n: moving.get(n) or ([NAMES[n]] if n in NAMES else []))
    c = Controller()
    own = c.addresses["artifacts"].split(":")[1]
    targets.update(public=f"{OTHER}:{port}", name=f"cdn.test:{port}", literal=f"{PRIVATE}:{port}", byname=f"inside.test:{port}", loop=f"127.0.0.1:{port}",
                   local=f"localhost:{port}", byloop=f"here.test:{port}", mapped=f"[::ffff:{PRIVATE}]:{port}", meta=f"{METADATA}:{port}", bymeta=f"meta.test:{port}",
                   private2=f"{PRIVATE2}:{port}", own=f"here.test:{own}", zero=f"0.0.0.0:{port}")
    for to in ("public", "name"):
        run(c, "reg.test", to, True, "a public registry")
    for to in ("literal", "byname", "loop", "local", "byloop", "mapped", "meta", "bymeta", "zero", "own"):
        run(c, "reg.test", to, False, "a public registry")
    for host in ("priv.test", PRIVATE):
        for to in ("literal", "byname", "private2", "public"):
            run(c, host, to, True, "an internal registry")
        for to in ("loop", "byloop", "meta", "bymeta", "own"):
            run(c, host, to, False, "an internal registry")

    # A name that led to a public address when it was judged first leads inside by now.
    targets["moved"] = f"moves.test:{port}"
    registry = Server(good, host="0.0.0.0")
    c.add("before", registry.url("org/before", host="moves.test"), insecure=True)
    check("a registry at a name that will move is Ready", c.wait_ready("before") is not None)
    moving["moves.test"] = [PRIVATE]
    time.sleep(5.5)  # the least that an answer is kept
    run(c, "reg.test", "moved", False, "a name that moved inside")

    own_url = [f"oci://127.0.0.1:{own}/org/x", f"oci://here.test:{own}/org/x", f"oci://{PRIVATE}:{own}/org/x"]
    if c.addresses["artifacts"].startswith("127."):
        own_url.pop()
    for i, u in enumerate(own_url):
        c.add(f"own{i}", u, insecure=True)
        c.wait_ready(f"own{i}", 15, status="False")
        check(f"{u.split('/')[2].split(':')[0]} with our own port is refused", "this controller itself" in (c.condition(f"own{i}") or {}).get("message", ""),
              c.condition(f"own{i}"))

    d = Controller(flags=[f"--registry-allow-private={PRIVATE}/32,fd00::/8"])
    run(d, "reg.test", "byname", True, "with --registry-allow-private")
    run(d, "reg.test", "private2", False, "with --registry-allow-private")
else:
    skip("addresses", "the classes of addresses need a network of our own")
    c = Controller()
    targets.update(port=f"127.0.0.1:{port}", local=f"localhost:{port}", own=c.addresses["artifacts"])
    for host in ("127.0.0.1", "localhost"):
        for to in ("port", "local"):
            run(c, host, to, True, "a registry on loopback")
        run(c, host, "own", False, "a registry on loopback")

bad = subprocess.run([PROGRAM, "--registry-allow-private=10.0.0.0/40"], capture_output=True, text=True)
check("a network that is none ends the start", bad.returncode == 2 and "10.0.0.0/40" in bad.stderr, f"{bad.returncode} {bad.stderr}")
finish()
