#!/usr/bin/env python3
"""make-tuf.py: makes test/unit/verify/data/tuf/made.json anew: files of a TUF repository of our own with fixed
keys, good ones and such as nobody should believe, {NAME: TEXT, ...}. The same bytes each time. Needs the Python
package cryptography; no test does. Its target trusted_root.json is one of data/keyless.

data/tuf/real beside it is Sigstore's own repository as https://github.com/sigstore/root-signing had it at commit
60cf2ce8b2e45d600dc17c4421e8c751e75772be: its files timestamp.json, snapshot.json, targets.json and
trusted_root.json, and all of its root.json since version 5."""
import copy, hashlib, json, os
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
LATER, PAST = "2100-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
SHA256 = hashes.SHA256()
out = {}


def sha(data): return hashlib.sha256(data).digest()


def canonical(o):
    """OLPC's canonical JSON."""
    if isinstance(o, dict):
        return b"{" + b",".join(canonical(k) + b":" + canonical(o[k]) for k in sorted(o, key=str.encode)) + b"}"
    if isinstance(o, list):
        return b"[" + b",".join(map(canonical, o)) + b"]"
    if isinstance(o, str):
        return b'"' + o.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    return json.dumps(o).encode()


# ---- keys ------------------------------------------------------------------------------------------------------------
def ec_key(name, curve=None): return ec.derive_private_key(int.from_bytes(sha(name.encode()), "big") >> 8, curve or ec.SECP256R1())


KEYS = {n: ec_key(n) for n in ("r1", "r2", "r3", "r4", "r5", "t2", "g1", "g2", "stranger")}
KEYS["t1"] = ed25519.Ed25519PrivateKey.from_private_bytes(sha(b"t1"))
KEYS["s1"] = serialization.load_pem_private_key(open(os.path.join(DATA, "signer.pem"), "rb").read(), None)
KEYS["s2"] = ed25519.Ed25519PrivateKey.from_private_bytes(sha(b"s2"))
KEYS["p384"] = ec_key("p384", ec.SECP384R1())


def sign(k, data):
    if isinstance(k, ed25519.Ed25519PrivateKey):
        return k.sign(data)
    if isinstance(k, ec.EllipticCurvePrivateKey):
        return k.sign(data, ec.ECDSA(SHA256, deterministic_signing=True))
    return k.sign(data, padding.PSS(padding.MGF1(SHA256), 0), SHA256)


def public(k):
    if isinstance(k, ed25519.Ed25519PrivateKey):
        raw = k.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": raw.hex()}}
    pem = k.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    if isinstance(k, ec.EllipticCurvePrivateKey):
        return {"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": pem}}
    return {"keytype": "rsa", "scheme": "rsassa-pss-sha256", "keyval": {"public": pem}}


def keyid(name): return sha(canonical(public(KEYS[name]))).hex()


# ---- files -----------------------------------------------------------------------------------------------------------
def put(name, signed, by, **changes):
    """by: names of keys; "r1=r2": r2's signature under r1's name; "-r1": an empty one; "~r1": one that is broken; "+r1": one with
    more behind it, which is no hex."""
    signed = copy.deepcopy(signed)
    signed.update(changes)
    signatures = []
    for one in by.split():
        as_name, _, k = one.lstrip("-~+").partition("=")
        sig = sign(KEYS[k or as_name], canonical(signed)).hex()
        if one[0] == "~":
            sig = sig[:-1] + ("0" if sig[-1] != "0" else "1")
        if one[0] == "+":
            sig += "zz"
        signatures.append({"keyid": as_name if as_name.startswith("alias") else keyid(as_name), "sig": "" if one[0] == "-" else sig})
    out[name] = json.dumps({"signatures": signatures, "signed": signed}, indent=1)
    return signed


def head(kind, version, **more):
    return {"_type": kind, "spec_version": "1.0.31", "version": version, "expires": LATER, **more}


def role(names, threshold=1): return {"keyids": [n if n.startswith("alias") else keyid(n) for n in names.split()], "threshold": threshold}


def root(version, names="r1 r2 r3", threshold=2, timestamp="t1", snapshot="s1", targets="g1", **more):
    roles = {"root": role(names, threshold), "timestamp": role(timestamp), "snapshot": role(snapshot), "targets": role(targets)}
    keys = {keyid(n): public(KEYS[n]) for n in " ".join((names, timestamp, snapshot, targets)).split() if n in KEYS}
    return head("root", version, consistent_snapshot=True, keys=keys, roles=roles, **more)


def listed(name, version, hashed=True):
    data = out[name].encode()
    return {"version": version, "length": len(data), "hashes": {"sha256": sha(data).hex(), "sha512": hashlib.sha512(data).hexdigest()}} if hashed else {"version": version}


def timestamp(version, snapshot, snapshot_version, hashed=True):
    return head("timestamp", version, meta={"snapshot.json": listed(snapshot, snapshot_version, hashed)})


def snapshot(version, targets, targets_version, hashed=True, **others):
    return head("snapshot", version, meta={"targets.json": listed(targets, targets_version, hashed), **{n + ".json": {"version": v} for n, v in others.items()}})


def targets(version, target):
    data = out[target].encode()
    return head("targets", version, targets={"trusted_root.json": {"length": len(data), "hashes": {"sha256": sha(data).hex()}}, "other": {"length": 0, "hashes": {}}})


# ---- targets: roots of data/keyless ----------------------------------------------------------------------------------
roots = json.load(open(os.path.join(DATA, "keyless/roots.json")))


def trusted_root(case):
    o = copy.deepcopy(roots["base"])
    for pointer, value in roots["cases"].get(case, {}).items():
        at = o
        *way, last = pointer[1:].split("/")
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        if isinstance(at, list):
            at[int(last)] = value
        elif value is None:
            at.pop(last, None)
        else:
            at[last] = value
    return json.dumps(o)


out["target-1"] = trusted_root("good")
out["target-2"] = trusted_root("log-before")

# ---- good ones -------------------------------------------------------------------------------------------------------
R1 = put("root-1", root(1), "r1 r2")
put("root-1-flat", root(1), "r1 r2", consistent_snapshot=False)
put("targets-1", targets(1, "target-1"), "g1")
put("targets-2", targets(2, "target-2"), "g1")
put("snapshot-1", snapshot(1, "targets-1", 1, other=3), "s1")
put("snapshot-2", snapshot(2, "targets-2", 2, other=3), "s1")
put("timestamp-1", timestamp(1, "snapshot-1", 1), "t1")
put("timestamp-2", timestamp(2, "snapshot-2", 2), "t1")
# As Sigstore has it: versions and nothing more.
put("snapshot-1-plain", snapshot(1, "targets-1", 1, False), "s1")
put("timestamp-1-plain", timestamp(1, "snapshot-1-plain", 1, False), "t1")
# One that lives for a week.
put("timestamp-3-week", timestamp(3, "snapshot-2", 2), "t1", expires="2026-01-22T12:00:00Z")
put("timestamp-3-2027", timestamp(3, "snapshot-2", 2), "t1", expires="2027-01-22T08:00:00Z")
# Each way that keys may change.
put("root-2", root(2, "r2 r3 r4"), "-r1 r2 r3 r4")
put("root-3", root(3, "r4 r5", 2), "r2 r4 r5")
put("root-2-spelled", root(2), "r1 r2", **{"x": ["\"quoted\" \\ and ü, \t tab", -5, 0, True, False, None, {"b": 1, "a": 2, "ä": 3, "B": 4, "": 5}]})
# t1 and s1 are out. The versions that they have signed are beyond all that will come.
FAR = 2**62
put("snapshot-far", snapshot(FAR, "targets-1", 1, other=FAR), "s1")
put("timestamp-far", timestamp(FAR, "snapshot-far", FAR), "t1")
put("root-2-recover", root(2, timestamp="t2", snapshot="s2"), "r1 r2")
put("snapshot-1-recover", snapshot(1, "targets-1", 1, other=3), "s2")
put("timestamp-1-recover", timestamp(1, "snapshot-1-recover", 1), "t2")
put("root-2-timestamp", root(2, timestamp="t2"), "r1 r2")
put("timestamp-1-new", timestamp(1, "snapshot-1", 1), "t2")
put("root-2-targets", root(2, targets="g2"), "r1 r2")
put("targets-1-new", targets(1, "target-1"), "g2")
put("snapshot-1-plain-other", snapshot(1, "targets-1", 1, False, other=3), "s1")

# ---- roots that nobody should believe --------------------------------------------------------------------------------
put("root-1-one", root(1), "r1")
put("root-1-two-names", root(1), "r1 r1")
ALIAS = root(1, "r1 alias r2 r3")
ALIAS["keys"]["alias"] = public(KEYS["r1"])
put("root-1-alias", ALIAS, "r1 r2")
ALIAS2 = copy.deepcopy(ALIAS)
put("root-2-alias", ALIAS2, "r1 alias=r1", version=2)
UNKNOWN = root(1, "r1 alias-new r2")
UNKNOWN["keys"]["alias-new"] = {"keytype": "ml-dsa", "scheme": "ml-dsa-65", "keyval": {"public": "AAAA"}}
put("root-1-unknown", UNKNOWN, "r1 r2")
put("root-2-unknown", UNKNOWN, "r1 alias-new=r2", version=2)
put("root-2-other", root(2), "stranger")
put("root-2-one", root(2), "r1")
put("root-2-twice", root(2), "r1 r1")
put("root-2-swapped", root(2), "r1 r2=r1")
put("root-2-broken", root(2), "r1 ~r2")
put("root-2-behind", root(2), "r1 +r2")
put("root-2-not-by-old", root(2, "r4 r5"), "r4 r5")
put("root-2-not-by-new", root(2, "r4 r5"), "r1 r2")
put("root-3-skipped", root(3), "r1 r2")
put("root-1-again", root(1), "r1 r3")
put("root-2-expired", root(2, expires=PAST), "r1 r2")
put("root-1-expired", root(1, expires=PAST), "r1 r2")
for name, change in (("no-threshold", {"threshold": 0}), ("missing-key", {"keyids": ["nobody"]}), ("key-twice", {"keyids": [keyid("t1")] * 2})):
    bad = root(2)
    bad["roles"]["timestamp"].update(change)
    put("root-2-" + name, bad, "r1 r2")
for name, k in (("p384", {"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": public(KEYS["p384"])["keyval"]}),
                ("no-ed25519", {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "00"}}),
                ("no-rsa", {"keytype": "rsa", "scheme": "rsassa-pss-sha256", "keyval": public(KEYS["r1"])["keyval"]}),
                ("no-pem", {"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": "x"}}),
                ("empty-key", {"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {}}),
                ("no-kind", {"keyval": {"public": "x"}}), ("no-type", {"scheme": "ed25519", "keyval": {"public": "x"}}),
                ("no-scheme", {"keytype": "ed25519", "keyval": {"public": "x"}}),
                ("ed25519-odd", {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "a" * 65}}),
                ("ed25519-high", {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "g0" + "a" * 62}}),
                ("ed25519-low", {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "0g" + "a" * 62}}),
                ("ed25519-long", {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "a" * 66}})):
    bad = root(2)
    bad["keys"]["new"] = k
    put("root-2-" + name, bad, "r1 r2")
# Of a kind that nobody here knows, were it not for one word.
for name, k, words in (("ecdsa-type", "r2", {"keytype": "dsa"}), ("ecdsa-scheme", "r2", {"scheme": "ecdsa-sha2-nistp384"}),
                       ("ed25519-type", "t1", {"keytype": "ed448"}), ("ed25519-scheme", "t1", {"scheme": "ed25519ph"}),
                       ("rsa-type", "s1", {"keytype": "dsa"}), ("rsa-scheme", "s1", {"scheme": "rsa-pkcs1v15-sha256"})):
    bad = root(1, "r1 %s r3" % k)
    bad["keys"][keyid(k)].update(words)
    put("root-1-" + name, bad, "r1 r3")
    put("root-2-" + name, bad, "r1 " + k, version=2)
put("root-2-many-keys", root(2), "r1 r2", keys={**root(2)["keys"], **{"k%d" % n: {"keytype": "x", "scheme": "x"} for n in range(64)}})
for name, change in (("huge-threshold", {"threshold": 65}), ("many-names", {"keyids": ["x"] * 65}), ("name-7", {"keyids": [7]})):
    bad = root(2)
    bad["roles"]["timestamp"].update(change)
    put("root-2-" + name, bad, "r1 r2")
put("root-2-spec-10", root(2), "r1 r2", spec_version="10.0")
put("root-2-spec-1", root(2), "r1 r2", spec_version="1")
for name, member in (("spec", "spec_version"), ("type", "_type"), ("expires", "expires")):
    put("root-2-without-" + name, root(2), "r1 r2", **{member: None})
out["root-2-junk"] = "{"
out["root-2-list"] = json.dumps({"signatures": [], "signed": []})
put("root-2-real-in-list", root(2), "r1 r2", x=[1.5])
put("root-2-spec", root(2), "r1 r2", spec_version="2.0")
put("root-2-real", root(2), "r1 r2", x=1.5)
put("root-2-no-version", root(2), "r1 r2", version="2")
put("root-2-no-expiry", root(2), "r1 r2", expires="soon")
put("root-2-no-keys", root(2), "r1 r2", keys={})
out["root-2-unsigned"] = json.dumps({"signed": root(2)})
out["root-2-many"] = json.dumps({"signatures": [{}] * 65, "signed": root(2)})

# ---- the others ------------------------------------------------------------------------------------------------------
put("timestamp-1-other", timestamp(1, "snapshot-1", 1), "stranger")
put("timestamp-1-by-root", timestamp(1, "snapshot-1", 1), "r1 r2 r3")
put("timestamp-1-expired", timestamp(1, "snapshot-1", 1), "t1", expires=PAST)
put("timestamp-3-back", timestamp(3, "snapshot-1", 1), "t1")
put("timestamp-1-empty", timestamp(1, "snapshot-1", 1), "t1", meta={})
put("timestamp-1-no-version", timestamp(1, "snapshot-1", 1), "t1", meta={"snapshot.json": {"length": 3}})
put("timestamp-1-no-length", timestamp(1, "snapshot-1", 1), "t1", meta={"snapshot.json": {"version": 1, "length": -1}})
put("timestamp-1-no-hash", timestamp(1, "snapshot-1", 1), "t1", meta={"snapshot.json": {"version": 1, "hashes": {"sha256": "abc"}}})
put("timestamp-1-other-sha512", timestamp(1, "snapshot-1", 1), "t1", meta={"snapshot.json": {"version": 1, "hashes": {"sha512": "0" * 128}}})
for name, value in (("short", {"sha512": "abc"}), ("number", {"sha256": 7}), ("no-hex", {"sha256": "x" * 64}), ("long", {"sha512": "0" * 130})):
    put("timestamp-1-hash-" + name, timestamp(1, "snapshot-1", 1), "t1", meta={"snapshot.json": {"version": 1, "hashes": value}})
put("timestamp-1-version-0", timestamp(1, "snapshot-1", 1), "t1", meta={"snapshot.json": {"version": 0}})
put("timestamp-1-version-text", timestamp(1, "snapshot-1", 1), "t1", meta={"snapshot.json": {"version": "1"}})
put("timestamp-1-length-real", timestamp(1, "snapshot-1", 1), "t1", meta={"snapshot.json": {"version": 1, "length": "9"}})
put("timestamp-2-empty", timestamp(2, "snapshot-1", 1), "t1", meta={})
put("root-2-snapshot", root(2, snapshot="s2"), "r1 r2")
put("timestamp-4-other", timestamp(4, "snapshot-2", 2, False), "t1", meta={"snapshot.json": {"version": 3}})
put("snapshot-1-other", snapshot(1, "targets-1", 1, other=3), "stranger")
put("snapshot-1-by-timestamp", snapshot(1, "targets-1", 1, False), "t1")
put("snapshot-1-expired", snapshot(1, "targets-1", 1), "s1", expires=PAST)
put("timestamp-1-old-snapshot", timestamp(1, "snapshot-1-expired", 1), "t1")
put("snapshot-3-back", snapshot(3, "targets-1", 1, other=3), "s1")
put("snapshot-3-other-back", snapshot(3, "targets-2", 2, other=2), "s1")
put("snapshot-3-less", snapshot(3, "targets-2", 2), "s1")
put("snapshot-1-empty", snapshot(1, "targets-1", 1), "s1", meta={})
put("targets-1-other", targets(1, "target-1"), "stranger")
put("targets-1-expired", targets(1, "target-1"), "g1", expires=PAST)
# Of the same length: a signature's differs.
for name in ("OTHER", "oTHER", "OtHER", "OThER", "OTHeR", "OTHEr", "otHER", "oThER"):
    put("targets-1-twin", json.loads(json.dumps(targets(1, "target-1")).replace('"other"', '"%s"' % name)), "g1")
    if len(out["targets-1-twin"]) == len(out["targets-1"]):
        break
out["target-1-twin"] = out["target-1"].replace("rekor", "REKOR", 1)
assert all(len(out[n]) == len(out[n + "-twin"]) and out[n] != out[n + "-twin"] for n in ("target-1", "targets-1"))
put("targets-1-empty", targets(1, "target-1"), "g1", targets={})
for name, change in (("no-length", {"length": None}), ("huge", {"length": 1 << 40}), ("no-hash", {"hashes": {"md5": "x"}})):
    bad = targets(1, "target-1")
    bad["targets"]["trusted_root.json"].update(change)
    put("targets-1-" + name, bad, "g1")
for t in ("other", "expired", "empty", "no-length", "huge", "no-hash"):
    put("snapshot-1-of-" + t, snapshot(1, "targets-1-" + t, 1), "s1")

os.makedirs(os.path.join(DATA, "tuf"), exist_ok=True)
with open(os.path.join(DATA, "tuf/made.json"), "w") as f:
    json.dump(out, f, indent=0)
    f.write("\n")
