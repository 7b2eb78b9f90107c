"""Layers of other people's tools, and what they cost: large zstd windows, GNU tars, read-only files, files that are no archive."""
import zlib
from lab import *


def tar(members, form=tarfile.GNU_FORMAT):
    """[(name, bytes, mode)]"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as t:
        for name, data, mode in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zstd(data, window=27):
    """One frame that announces a window of 2^window bytes and does not say how long it is. Blocks: raw, or one byte repeated."""
    out = [b"\x28\xb5\x2f\xfd\0", bytes([(window - 10) << 3])]
    for at in range(0, len(data), 65536):
        piece, last = data[at:at + 65536], at + 65536 >= len(data)
        same = piece.count(piece[0]) == len(piece)
        out.append(struct.pack("<I", len(piece) << 3 | same << 1 | last)[:3] + (piece[:1] if same else piece))
    return b"".join(out)


servers = {}


def add(c, name, blob, **spec):
    servers[name] = s = Server(Registry(blob))
    c.add(name, s.url("org/app"), **spec)


def contents(c, name):
    status, body = c.artifact(name)
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as t:
        return {m.name: (t.extractfile(m).read(), m.mode) for m in t if m.isfile()}


# What a pod of 256 MiB has: about 120 MiB, of which 80 are for jobs.
c = Controller(["--memory-budget=120Mi"])
start = c.peak()
text = tar([("a.yaml", b"kind: A\n", 0o644), ("b", os.urandom(300000), 0o755)])
for i in range(12):
    add(c, f"window-{i}", zstd(text))
check("windows of 128 MiB on small layers are Ready", all(c.wait_ready(f"window-{i}", 20) is not None for i in range(12)))
check("with the files of the layer", contents(c, "window-0")["a.yaml"] == (b"kind: A\n", 0o600), contents(c, "window-0").keys())
if not SANITIZED:
    figure("memory for a dozen of them", c.peak() - start, "MiB", most=40)

zeros = b"\0" * (64 * MIB)
add(c, "fits", zstd(tar([("zeros", zeros, 0o644)])))
check("64 MiB through such a window are Ready", c.wait_ready("fits", 40) is not None, c.get("fits").get("status"))
add(c, "too-much", zstd(tar([("zeros", zeros + zeros, 0o644)])))
check("128 MiB through it are refused", c.wait_ready("too-much", 40, status="False") is not None)
message = c.condition("too-much")["message"]
check("with the reason", "zstd frame with a window of" in message and "bytes of memory" in message and "(--memory-budget)" in message, message)

big = os.urandom(32 * MIB)
gnu = gzip.compress(tar([("big", big, 0o644)]), 1)
add(c, "gnu", gnu)
check("a GNU tar is Ready", c.wait_ready("gnu", 20) is not None)
check("and is the artifact itself", c.get("gnu")["status"]["artifact"]["digest"] == sha256(gnu), c.get("gnu")["status"])

add(c, "bazel", gzip.compress(tar([("kustomization.yaml", b"resources: []\n", 0o444)])))
check("files without the write bit are Ready", c.wait_ready("bazel", 20) is not None)
check("and can be written to", contents(c, "bazel") == {"kustomization.yaml": (b"resources: []\n", 0o600)}, contents(c, "bazel"))

deflate = time.process_time()  # of the machine as it is now
zlib.compress(big, 6)
deflate = time.process_time() - deflate
before = c.cpu()
add(c, "noise", gzip.compress(tar([("big", big, 0o444)]), 1))
check("a repack of noise is Ready", c.wait_ready("noise", 20) is not None)
check("with the same bytes", contents(c, "noise")["big"][0] == big)
figure("and grows by little", len(c.artifact("noise")[1]) - len(big), "bytes", most=40000)
if not SANITIZED:
    figure("CPU of a repack of 32 MiB of noise, of what deflate takes for it", (c.cpu() - before) / deflate, "times", most=1.6)

add(c, "long", gzip.compress(tar([("d/" + "n" * 256, b"x", 0o644)], tarfile.PAX_FORMAT)))
check("a name that no file system takes is refused", c.wait_ready("long", 20, status="False") is not None)
check("and named", "entry 'd/nnn" in c.condition("long")["message"], c.condition("long"))

add(c, "json", b'{"kind":"List"}')
check("a layer that is no archive is refused", c.wait_ready("json", 20, status="False") is not None)
message = c.condition("json")["message"]
check("and the message says what it is, and what helps", TYPE_LAYER in message and "'copy'" in message, message)
c.patch("json", {"spec": {"layerSelector": {"mediaType": TYPE_LAYER, "operation": "copy"}}})
check("which is true", c.wait_ready("json", 20) is not None and c.artifact("json")[1] == b'{"kind":"List"}')
finish()
