#!/usr/bin/env python3
"""make-keyless.py: makes test/unit/verify/data/keyless anew: a Sigstore of our own (authority, log of
certificates, Rekor of versions 1 and 2, timestamps) with fixed keys and times, what it has signed, and what it should
not have. The same bytes each time. Needs the Python package cryptography; no test does.

  roots.json, legacy.json, bundle.json: {"base": ..., "cases": {NAME: {POINTER: VALUE, ...}, ...}}
  certs.json: {NAME: certificate in DER in base64}: what no authority should issue, written by hand
  stamps.json: {NAME: timestamp token of "a message" in DER in base64}, beside the certificates of who has signed it

A case is the base with a value put at each JSON pointer; null takes it away. legacy is a layer below
a .sig tag and its payload, bundle a sigstore bundle, roots are trusted_root.json. All are of the
manifests a.digest and b.digest beside them, and of image.digest: what the fake registry of
test/unit/ocirepository makes of layer.tgz."""
import base64, datetime, hashlib, json, os, struct
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
OUT = os.path.join(DATA, "keyless")
T = 1768478400  # 2026-01-15T12:00:00Z: when it was logged
ISSUER = "https://issuer.example"
SUBJECT = "https://github.com/org/app/.github/workflows/release.yaml@refs/tags/v1"
SHA256, DER, SPKI = hashes.SHA256(), serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
OID = x509.ObjectIdentifier
OLD_ISSUER, NEW_ISSUER, OTHER_NAME = (OID("1.3.6.1.4.1.57264.1.%d" % n) for n in (1, 8, 7))
SCT_LIST = OID("1.3.6.1.4.1.11129.2.4.2")
A, B, IMAGE = (open(os.path.join(DATA, n + ".digest")).read().strip() for n in ("a", "b", "keyless/image"))


def b64(data): return base64.b64encode(data).decode()
def sha(data): return hashlib.sha256(data).digest()
def compact(o): return json.dumps(o, separators=(",", ":"))
def when(s): return datetime.datetime.fromtimestamp(s, datetime.timezone.utc)
def rfc3339(s): return when(s).strftime("%Y-%m-%dT%H:%M:%SZ")
def key(name, curve=None): return ec.derive_private_key(int.from_bytes(sha(name.encode()), "big") >> 8, curve or ec.SECP256R1())
def ed_key(name): return ed25519.Ed25519PrivateKey.from_private_bytes(sha(name.encode()))
def spki(k): return k.public_key().public_bytes(DER, SPKI)
def sign(k, data, h=SHA256): return k.sign(data) if isinstance(k, ed25519.Ed25519PrivateKey) else k.sign(data, ec.ECDSA(h, deterministic_signing=True))
def der(c): return c.public_bytes(DER)
def pem(c): return c.public_bytes(serialization.Encoding.PEM).decode()
def flip(data): return data[:-1] + bytes([data[-1] ^ 1])


# ---- authorities -----------------------------------------------------------------------------------------------------
class Authority:
    def __init__(self, name, parent=None, start=T - 10**8, end=T + 10**8, path=None, eku=(ExtendedKeyUsageOID.CODE_SIGNING,), ca=True,
                 names=None, k=None):
        self.key, self.name = key(k or name), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        b = builder(self.name, (parent or self).name, self.key, name, start, end)
        b = b.add_extension(x509.BasicConstraints(ca, path if ca else None), True)
        if parent and eku:
            b = b.add_extension(x509.ExtendedKeyUsage(eku), False)
        if names:
            b = b.add_extension(x509.NameConstraints([x509.RFC822Name(names), ], None), True)
        self.cert = finish(b, (parent or self).key)
        self.chain = [self.cert] + (parent.chain if parent else [])


def builder(subject, issuer, k, serial, start, end):
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(k.public_key())
            .serial_number(int.from_bytes(sha(serial.encode())[:8], "big") >> 1).not_valid_before(when(start)).not_valid_after(when(end)))


def finish(b, k): return b.sign(k, SHA256, ecdsa_deterministic=True)


ROOT = Authority("root")
FULCIO = Authority("fulcio", ROOT, path=0)
CT, CT_OTHER, REKOR, REKOR_OTHER, LEAF = (key(n) for n in ("ct log", "other ct log", "rekor", "other rekor", "leaf"))


def sct_of(tbs, issuer, log, s):
    signed = struct.pack(">BBQH", 0, 0, s * 1000, 1) + sha(spki(issuer.key)) + len(tbs).to_bytes(3, "big") + tbs + b"\0\0"
    sig = sign(log, signed)
    return b"\0" + sha(spki(log)) + struct.pack(">Q", s * 1000) + b"\0\0" + b"\4\3" + struct.pack(">H", len(sig)) + sig


def octets(data):
    return b"\4" + (bytes([len(data)]) if len(data) < 128 else b"\x81" + bytes([len(data)]) if len(data) < 256 else b"\x82" + struct.pack(">H", len(data))) + data


def utf8(text): return b"\x0c" + bytes([len(text)]) + text.encode()
def other(text, oid=OTHER_NAME): return x509.OtherName(oid, utf8(text))


def leaf(k=LEAF, by=FULCIO, start=T - 60, end=T + 540, san=(x509.UniformResourceIdentifier(SUBJECT),), old=ISSUER.encode(), new=utf8(ISSUER),
         eku=ExtendedKeyUsageOID.CODE_SIGNING, logs=(CT,), sct_time=T - 60, sct_tbs=None, extra=None, build=()):
    b = builder(x509.Name([]), by.name, k, "leaf", start, end)
    b = b.add_extension(x509.KeyUsage(True, *[False] * 8), True)
    if eku:
        b = b.add_extension(x509.ExtendedKeyUsage([eku]), False)
    if san:
        b = b.add_extension(x509.SubjectAlternativeName(san), True)
    if old is not None:
        b = b.add_extension(x509.UnrecognizedExtension(OLD_ISSUER, old), False)
    if new is not None:
        b = b.add_extension(x509.UnrecognizedExtension(NEW_ISSUER, new), False)
    if extra:
        b = b.add_extension(x509.UnrecognizedExtension(OID(extra), b"\5\0"), True)
    for n, value in dict(build).items():
        b = b.add_extension(x509.UnrecognizedExtension(OID("1.3.6.1.4.1.57264.1.%d" % n), value), False)
    tbs = sct_tbs or finish(b, by.key).tbs_certificate_bytes
    scts = [sct_of(tbs, by, log, sct_time) for log in logs]
    if scts:
        scts = b"".join(struct.pack(">H", len(s)) + s for s in scts)
        b = b.add_extension(x509.UnrecognizedExtension(SCT_LIST, octets(struct.pack(">H", len(scts)) + scts)), False)
    return finish(b, by.key)


# ---- trusted roots ---------------------------------------------------------------------------------------------------
def log_of(k, url, start=T - 10**8, end=None, details="PKIX_ECDSA_P256_SHA_256"):
    valid = {"start": rfc3339(start)}
    if end:
        valid["end"] = rfc3339(end)
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": {"rawBytes": b64(spki(k)), "keyDetails": details, "validFor": valid},
            "logId": {"keyId": b64(sha(spki(k)))}}


# ---- timestamps ------------------------------------------------------------------------------------------------------
class Stamper:
    """An authority of timestamps."""
    def __init__(self, name="tsa", root="tsa root", critical=True, eku=(ExtendedKeyUsageOID.TIME_STAMPING,), start=T - 10**8, end=T + 10**8, by=None):
        self.root, self.key = by or Authority(root), key(name)
        b = builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tsa")]), self.root.name, self.key, name, start, end)
        b = b.add_extension(x509.KeyUsage(True, *[False] * 8), True).add_extension(x509.ExtendedKeyUsage(eku), critical)
        self.cert = finish(b, self.root.key)
        self.chain = [self.cert] + self.root.chain


def tlv(tag, *parts):
    data = b"".join(parts)
    n = len(data)
    return bytes([tag]) + (bytes([n]) if n < 128 else b"\x81" + bytes([n]) if n < 256 else b"\x82" + struct.pack(">H", n)) + data


def seq(*parts): return tlv(0x30, *parts)
def set_of(*parts): return tlv(0x31, *sorted(parts))
def integer(n): return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def oid(text):
    a, b, *rest = map(int, text.split("."))
    out = bytes([a * 40 + b])
    for n in rest:
        part = [n & 127]
        while n > 127:
            n >>= 7
            part.insert(0, n & 127 | 128)
        out += bytes(part)
    return tlv(6, out)


SHA256_ID, ECDSA_ID = seq(oid("2.16.840.1.101.3.4.2.1")), seq(oid("1.2.840.10045.4.3.2"))
SHA1_ID = seq(oid("1.3.14.3.2.26"))
TST_INFO = "1.2.840.113549.1.9.16.1.4"


def stamp(message, by, s=T, status=0, **more): return seq(seq(integer(status)), token(message, by, s, **more))


def token(message, by, s=T, imprint=None, bag=None, k=None, version=1, time=None, accuracy=(), policy="1.2.3", said=None):
    """said: the signing time, which is signed and counts for nobody's time."""
    info = seq(integer(version), oid(policy), imprint or seq(SHA256_ID, tlv(4, sha(message))), integer(7),
               tlv(0x18, time or when(s).strftime("%Y%m%d%H%M%SZ").encode()), *([seq(*accuracy)] if accuracy else []))
    attrs = [seq(oid(o), set_of(v)) for o, v in (
        ("1.2.840.113549.1.9.3", oid(TST_INFO)), ("1.2.840.113549.1.9.4", tlv(4, sha(info))), ("1.2.840.113549.1.9.5", said),
        ("1.2.840.113549.1.9.16.2.47", seq(seq(seq(tlv(4, sha(der(by.cert)))))))) if v]
    signed = set_of(*attrs)
    signer = seq(integer(1), seq(by.cert.issuer.public_bytes(), integer(by.cert.serial_number)), SHA256_ID, b"\xa0" + signed[1:], ECDSA_ID,
                 tlv(4, sign(k or by.key, signed)))
    certs = tlv(0xa0, *[der(c) for c in (bag if bag is not None else [by.cert])])
    data = seq(integer(3), set_of(SHA256_ID), seq(oid(TST_INFO), tlv(0xa0, tlv(4, info))), certs, set_of(signer))
    return seq(oid("1.2.840.113549.1.7.2"), tlv(0xa0, data))


TSA = Stamper()
REKOR2, HOST2 = ed_key("rekor 2"), "log2.example"


def raw(k): return k.public_key().public_bytes_raw()
def hint2(k, name): return sha(name.encode() + b"\n\x01" + raw(k)) if isinstance(k, ed25519.Ed25519PrivateKey) else sha(spki(k))


def log2_of(k=REKOR2, details="PKIX_ED25519", url="https://log2.example/path"):
    return {**log_of(k, url, details=details), "logId": {"keyId": b64(hint2(k, HOST2))}}


def root2_of(tlog=None, tsa=TSA, valid=None):
    return {**root_of(tlog=tlog or log2_of()), "timestampAuthorities": [
        {"certChain": {"certificates": [{"rawBytes": b64(der(c))} for c in tsa.chain]}, "validFor": valid or {"start": rfc3339(T - 10**8)}}]}


def root_of(by=FULCIO, tlog=None, ctlog=None, valid=None):
    return {"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [tlog or log_of(REKOR, "https://rekor.example")],
            "certificateAuthorities": [{"subject": {"organization": "example", "commonName": "fulcio"}, "uri": "https://fulcio.example",
                                        "certChain": {"certificates": [{"rawBytes": b64(der(c))} for c in by.chain]},
                                        "validFor": valid or {"start": rfc3339(T - 10**8)}}],
            "ctlogs": [ctlog or log_of(CT, "https://ct.example")]}


SHORT = Authority("fulcio", ROOT, end=T - 30)
WRONG_EKU = Authority("fulcio", ROOT, eku=(ExtendedKeyUsageOID.EMAIL_PROTECTION,))
NO_CA = Authority("fulcio", ROOT, ca=False)
ROOT_0 = Authority("root", path=0)
LONG = Authority("fulcio", Authority("middle", ROOT_0))
NAMES = Authority("fulcio", ROOT, names="example.com")
WRONG_TSA = Stamper(by=Authority("tsa middle", Authority("tsa root")))
SELF_MADE = Authority("fulcio", Authority("root", k="self-made root"), k="self-made")
roots = {
    "good": root_of(), "short": root_of(SHORT), "wrong-eku": root_of(WRONG_EKU), "no-ca": root_of(NO_CA), "path-length": root_of(LONG),
    "names": root_of(NAMES), "anchor-only": root_of(ROOT), "intermediate-only": {**root_of(), "certificateAuthorities": [
        {"certChain": {"certificates": [{"rawBytes": b64(der(FULCIO.cert))}]}}]},
    "authority-before": root_of(valid={"start": rfc3339(T - 10**8), "end": rfc3339(T - 10**6)}),
    # trusted when it issued, and not any more when the log took it
    "authority-ended": root_of(valid={"start": rfc3339(T - 10**8), "end": rfc3339(T - 30)}),
    "two-authorities": {**root_of(), "certificateAuthorities": root_of(SELF_MADE)["certificateAuthorities"] + root_of()["certificateAuthorities"]},
    "log-ed25519": root_of(tlog=log_of(ed_key("rekor"), "https://rekor.example", details="PKIX_ED25519")),
    "log-later": root_of(tlog=log_of(REKOR, "https://rekor.example", T + 1)),
    "log-before": root_of(tlog=log_of(REKOR, "https://rekor.example", end=T - 1)),
    "log-edges": root_of(tlog=log_of(REKOR, "https://rekor.example", T, T)),
    "ct-before": root_of(ctlog=log_of(CT, "https://ct.example", end=T - 61)),
    "ct-later": root_of(ctlog=log_of(CT, "https://ct.example", T - 59)),
    "no-ct": {**root_of(), "ctlogs": []},
    "v2": root2_of(), "v2-ec": root2_of(log2_of(REKOR, "PKIX_ECDSA_P256_SHA_256")), "v2-other-host": root2_of(log2_of(url="https://log3.example")),
    "v2-no-tsa": root_of(tlog=log2_of()), "v2-tsa-before": root2_of(valid={"start": rfc3339(T - 10**8), "end": rfc3339(T - 1)}),
    # the time of one authority is none of another's
    "v2-two-tsas": {**root2_of(), "timestampAuthorities": root2_of(tsa=Stamper("other tsa", "other tsa root"))["timestampAuthorities"] +
                    root2_of(valid={"start": rfc3339(T - 10**8), "end": rfc3339(T - 1)})["timestampAuthorities"]},
    "v2-tsa-later": root2_of(valid={"start": rfc3339(T + 1)}), "v2-not-critical": root2_of(tsa=Stamper(critical=False)),
    "v2-more-eku": root2_of(tsa=Stamper(eku=(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING))),
    "v2-tsa-expired": root2_of(tsa=Stamper(end=T - 1)), "v2-tsa-other-purpose": root2_of(tsa=WRONG_TSA),
    "no-logs": {**root2_of(), "tlogs": [], "ctlogs": []}, "no-tlogs": {**root2_of(), "tlogs": []},
    "no-logs-no-tsa": {**root_of(), "tlogs": [], "ctlogs": []}, "no-logs-tsa-before": {**root2_of(valid={"start": rfc3339(T - 10**8), "end": rfc3339(T - 1)}), "tlogs": [], "ctlogs": []},
    "p384": root_of(tlog=log_of(key("rekor", ec.SECP384R1()), "https://rekor.example", details="PKIX_ECDSA_P384_SHA_384")),
}


# ---- what a CI system says of a build ----------------------------------------------------------------------------------
BUILD = {9: utf8(SUBJECT), 11: utf8("github-hosted"), 12: utf8("https://github.com/org/app"), 14: utf8("refs/tags/v1"), 20: utf8("push")}
BUILDS = {"build": BUILD, "build-source-only": {12: BUILD[12]}, "build-no-text": {**BUILD, 14: b"refs/tags/v1"},
          "build-trailing": {**BUILD, 14: BUILD[14] + b"\5\0"}, "build-empty": {**BUILD, 14: utf8("")}, "build-nul": {**BUILD, 14: utf8("refs/tags/v1\0")}}


# ---- by a key: that of rsa2048.pub -------------------------------------------------------------------------------------
class Key:
    """Signs and is in a log as a key, where a certificate stands else."""
    def __init__(self, k): self.k = k
    def sign(self, data): return self.k.sign(data, padding.PKCS1v15(), SHA256)
    def public_bytes(self, encoding):
        return self.k.public_key().public_bytes(encoding, SPKI)


SIGNER = Key(serialization.load_pem_private_key(open(os.path.join(DATA, "signer.pem"), "rb").read(), None))
NO_SIGNER = type("Other", (), {"public_bytes": lambda self, encoding: key("another").public_key().public_bytes(encoding, SPKI)})()


# ---- below the tag ---------------------------------------------------------------------------------------------------
def payload_of(digest):
    return compact({"critical": {"identity": {"docker-reference": "registry.example/app"}, "image": {"docker-manifest-digest": digest},
                                 "type": "cosign container image signature"}, "optional": None})


def hashedrekord(payload, sig, cert, algo="sha256", **members):
    o = {"apiVersion": "0.0.1", "kind": "hashedrekord",
         "spec": {"data": {"hash": {"algorithm": algo, "value": getattr(hashlib, algo)(payload).hexdigest()}},
                  "signature": {"content": b64(sig), "publicKey": {"content": b64(pem(cert).encode())}}}}
    return compact({**o, **members}).encode()


def promise(body, s, index, log=REKOR, log_id=None):
    return sign(log, compact({"body": b64(body), "integratedTime": s, "logID": log_id or sha(spki(log)).hex(), "logIndex": index}).encode())


def entry(body, /, s=T, index=4711, log=REKOR, **over):
    o = {"SignedEntryTimestamp": b64(promise(body, s, index, log)),
         "Payload": {"body": b64(body), "integratedTime": s, "logIndex": index, "logID": sha(spki(log)).hex()}}
    o["Payload"].update({k: v for k, v in over.items() if k != "SignedEntryTimestamp"})
    o.update({k: v for k, v in over.items() if k == "SignedEntryTimestamp"})
    return compact(o)


def legacy(cert=None, payload=None, sig=None, signer=LEAF, log_entry=None, body=None, **at):
    cert, payload = cert or leaf(), payload or payload_of(A)
    sig = sig or sign(signer, payload.encode())
    return {"payload": payload, "signature": b64(sig), "certificate": pem(cert),
            "entry": log_entry or entry(body or hashedrekord(payload.encode(), sig, cert), **at)}


GOOD, SIG = leaf(), sign(LEAF, payload_of(A).encode())
BODY = hashedrekord(payload_of(A).encode(), SIG, GOOD)


def changed_body(member, value):
    o = json.loads(BODY)
    o["spec"]["signature"].pop(member) if value is None else o["spec"]["signature"].update({member: value})
    return compact(o).encode()


uri, mail = x509.UniformResourceIdentifier, x509.RFC822Name
legacies = {
    "good": legacy(), "good-b": legacy(payload=payload_of(B)), "image": legacy(payload=payload_of(IMAGE)),
    "email": legacy(leaf(san=[mail("dev@example.com")])), "other-name": legacy(leaf(san=[other("dev!example.com")])),
    "dns": legacy(leaf(san=[x509.DNSName("host.example")])), "many-names": legacy(leaf(san=[mail("dev@example.com"), uri(SUBJECT)])),
    "long-name": legacy(leaf(san=[uri("https://github.com/org/app/" + "x" * 200 + "/release.yaml@refs/heads/main")])),
    "old-issuer": legacy(leaf(new=None)), "new-issuer": legacy(leaf(old=None)),
    "two-scts": legacy(leaf(logs=(CT_OTHER, CT))),
    "edges": legacy(leaf(start=T, end=T, sct_time=T)),
    "p384-leaf": legacy(leaf(key("leaf", ec.SECP384R1())), signer=key("leaf", ec.SECP384R1())),
    # L-N3, L-N4
    "payload-changed": {**legacy(), "payload": payload_of(A) + " "},
    "no-entry": {**legacy(), "entry": None}, "no-certificate": {**legacy(), "certificate": None},
    "signed-by-another": legacy(signer=key("another")),
    # L-N5
    "set-changed": legacy(log_entry=entry(BODY, SignedEntryTimestamp=b64(flip(promise(BODY, T, 4711))))),
    "set-of-another-log": legacy(log_entry=entry(BODY, SignedEntryTimestamp=b64(promise(BODY, T, 4711, REKOR_OTHER, sha(spki(REKOR)).hex())))),
    "time-changed": legacy(log_entry=entry(BODY, integratedTime=T + 1)), "index-changed": legacy(log_entry=entry(BODY, logIndex=4712)),
    "index-negative": legacy(index=-1), "index-large": legacy(index=1 << 53), "time-zero": legacy(s=0), "time-real": legacy(log_entry=entry(BODY, integratedTime=T + 0.5)),
    "unknown-log": legacy(log=REKOR_OTHER), "log-id-changed": legacy(log_entry=entry(BODY, logID="00" * 32)),
    "log-id-upper": legacy(log_entry=entry(BODY, logID=sha(spki(REKOR)).hex().upper())),
    "no-set": legacy(log_entry=entry(BODY, SignedEntryTimestamp="")),
    # L-N6
    "entry-of-another-signature": legacy(body=hashedrekord(payload_of(A).encode(), flip(SIG), GOOD)),
    "entry-of-another-certificate": legacy(body=hashedrekord(payload_of(A).encode(), SIG, leaf(san=[mail("dev@example.com")]))),
    "entry-of-another-payload": legacy(body=hashedrekord(payload_of(B).encode(), SIG, GOOD)),
    "entry-of-two-certificates": legacy(body=BODY.replace(b64(pem(GOOD).encode()).encode(), b64((pem(GOOD) + pem(GOOD)).encode()).encode())),
    # L-N7
    "body-no-string": legacy(log_entry=entry(BODY, body={"kind": "hashedrekord"})), "body-no-json": legacy(body=b"body"),
    "body-other-kind": legacy(body=hashedrekord(payload_of(A).encode(), SIG, GOOD, kind="rekord")),
    "body-other-version": legacy(body=hashedrekord(payload_of(A).encode(), SIG, GOOD, apiVersion="0.0.2")),
    "body-sha512": legacy(body=hashedrekord(payload_of(A).encode(), SIG, GOOD, "sha512")),
    "time-large": legacy(s=253402300800), "log-ed25519": legacy(log=ed_key("rekor")), "log-id-empty": legacy(logID=""), "log-id-odd": legacy(logID=sha(spki(REKOR)).hex()[:-1]), "log-id-long": legacy(logID="ab" * 65),
    "body-no-base64": {**legacy(), "entry": entry(BODY, **{"body": "#"})},
    "index-text": {**legacy(), "entry": entry(BODY, **{"logIndex": "4711"})}, "entry-long": {**legacy(), "entry": entry(BODY)[:-1] + " " * 262144 + "}"},
    "certificate-broken": {**legacy(), "certificate": "junk"},
    "body-no-signature": {**legacy(), "entry": entry(changed_body("content", None))},
    "body-signature-short": {**legacy(), "entry": entry(changed_body("content", b64(SIG[:-1])))},
    "body-signature-long": {**legacy(), "entry": entry(changed_body("content", b64(SIG + b"\0")))},
    "body-no-key": {**legacy(), "entry": entry(changed_body("publicKey", {}))},
    "body-key-junk": {**legacy(), "entry": entry(changed_body("publicKey", {"content": b64(b"junk")}))},
    "body-no-hash": {**legacy(), "entry": entry(hashedrekord(payload_of(A).encode(), SIG, GOOD, spec={"signature": json.loads(BODY)["spec"]["signature"]}))},
    "entry-twice": {**legacy(), "entry": entry(BODY)[:-1] + ',"Payload":{}}'},
    # L-N8
    "logged-before": legacy(leaf(start=T + 1, sct_time=T + 1)), "logged-after": legacy(leaf(end=T - 1)), "logged-after-authority": legacy(leaf(by=SHORT)),
    # L-N9
    "no-sct": legacy(leaf(logs=())), "sct-of-unknown-log": legacy(leaf(logs=(CT_OTHER,))),
    "sct-of-another-certificate": legacy(leaf(sct_tbs=leaf(san=[mail("dev@example.com")], logs=()).tbs_certificate_bytes)),
    "sct-time-changed": legacy(leaf(sct_time=T - 60)),
    # L-N10
    "self-made": legacy(leaf(by=SELF_MADE)), "eku-server": legacy(leaf(eku=ExtendedKeyUsageOID.SERVER_AUTH)), "no-eku": legacy(leaf(eku=None)),
    "wrong-eku": legacy(leaf(by=WRONG_EKU)), "no-ca": legacy(leaf(by=NO_CA)), "path-length": legacy(leaf(by=LONG)),
    "names-outside": legacy(leaf(by=NAMES, san=[mail("dev@elsewhere.example")])), "names-inside": legacy(leaf(by=NAMES, san=[mail("dev@example.com")])),
    "critical": legacy(leaf(extra="1.2.3.4")), "by-anchor": legacy(leaf(by=ROOT)),
    # L-N11
    "two-issuers": legacy(leaf(new=utf8("https://other.example"))), "no-issuer": legacy(leaf(old=None, new=None)),
    "issuer-trailing": legacy(leaf(new=utf8(ISSUER) + b"\5\0")), "san-nul": legacy(leaf(san=[uri(SUBJECT + "\0.evil.example")])),
    "other-name-nul": legacy(leaf(san=[other("dev\0.example")])), "two-other-names": legacy(leaf(san=[other("dev"), other("ops")])),
    "other-name-type": legacy(leaf(san=[other("dev", OID("1.2.3.4"))])), "nobody": legacy(leaf(san=())),
}


def keyed(payload=None, by=SIGNER, sig=None, of=None, **at):
    payload = payload or payload_of(A)
    mine = SIGNER.sign(payload.encode())
    return {"payload": payload, "signature": b64(mine),
            "entry": entry(hashedrekord((of or payload).encode(), sig or mine, by), **at)}


legacies.update({n: legacy(leaf(build=b)) for n, b in BUILDS.items()})
legacies["build-image"] = legacy(leaf(build=BUILD), payload=payload_of(IMAGE))
legacies.update({
    "key": keyed(), "key-image": keyed(payload_of(IMAGE)), "key-no-entry": {k: v for k, v in keyed().items() if k != "entry"}, "key-of-another-key": keyed(by=NO_SIGNER), "key-of-a-certificate": keyed(by=GOOD),
    "key-of-another-signature": keyed(sig=b"\0" * 256), "key-of-another-payload": keyed(of=payload_of(B)), "key-unknown-log": keyed(log=REKOR_OTHER),
    "key-set-changed": keyed(SignedEntryTimestamp=b64(flip(promise(hashedrekord(payload_of(A).encode(), SIGNER.sign(payload_of(A).encode()), SIGNER), T, 4711)))),
})


# ---- bundles ---------------------------------------------------------------------------------------------------------
TYPE = "application/vnd.in-toto+json"


def statement(digest):
    return compact({"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "app", "digest": {"sha256": digest[7:]}}],
                    "predicateType": "https://sigstore.dev/cosign/sign/v1", "predicate": {}}).encode()


def pae(payload): return b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)


def dsse_body(payload, sig, cert, **members):
    o = {"apiVersion": "0.0.1", "kind": "dsse",
         "spec": {"envelopeHash": {"algorithm": "sha256", "value": "0" * 64}, "payloadHash": {"algorithm": "sha256", "value": sha(payload).hex()},
                  "signatures": [{"signature": b64(sig), "verifier": b64(pem(cert).encode())}]}}
    return compact({**o, **members}).encode()


def intoto_body(payload, sig, cert, text=None):
    """text: the signature as it stands there."""
    text = b64(b64(sig).encode()) if text is None else text
    return compact({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": {
        "envelope": {"payloadType": TYPE, "signatures": [{"sig": text, "publicKey": b64(pem(cert).encode())}]},
        "hash": {"algorithm": "sha256", "value": "0" * 64}, "payloadHash": {"algorithm": "sha256", "value": sha(payload).hex()}}}}).encode()


def node(left, right): return sha(b"\1" + left + right)


def tree(leaves, at):
    """The root, and the path of one leaf."""
    if len(leaves) == 1:
        return leaves[0], []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right = leaves[:k], leaves[k:]
    if at is not None and at < k:
        root, path = tree(left, at)
        other_root, _ = tree(right, None)
        return node(root, other_root), path + [other_root]
    other_root, _ = tree(left, None)
    root, path = tree(right, at - k if at is not None else None)
    return node(other_root, root), path + [other_root]


ORIGIN = "rekor.example - 1234567890"


def note_line(log, text, name="rekor.example", hint=None):
    return "\u2014 %s %s\n" % (name, b64((hint or sha(spki(log))[:4]) + sign(log, text.encode())))


def checkpoint(size, root, log=REKOR, origin=ORIGIN, more="", extra=""):
    text = "%s\n%d\n%s\n%s" % (origin, size, b64(root), more)
    return text + "\n" + note_line(log, text) + extra


def proof_of(body, at=5, size=7, **over):
    leaves = [sha(b"\0" + (body if i == at else b"entry %d" % i)) for i in range(size)]
    root, path = tree(leaves, at)
    o = {"logIndex": str(at), "rootHash": b64(root), "treeSize": str(size), "hashes": [b64(h) for h in path],
         "checkpoint": {"envelope": checkpoint(size, root)}}
    o.update(over)
    return o


def tlog_entry(body, s=T, index=4711, log=REKOR, set_=True, proof=True, kind=("dsse", "0.0.1"), **over):
    o = {"logIndex": str(index), "logId": {"keyId": b64(sha(spki(log)))}, "kindVersion": dict(zip(("kind", "version"), kind)), "integratedTime": str(s),
         "canonicalizedBody": b64(body)}
    if set_:
        o["inclusionPromise"] = {"signedEntryTimestamp": b64(promise(body, s, index, log))}
    if proof:
        o["inclusionProof"] = proof_of(body)
    o.update(over)
    return {k: v for k, v in o.items() if v is not None}


def bundle(cert=None, payload=None, k=LEAF, h=SHA256, entries=None, body=dsse_body, sig=None, type_=TYPE, **at):
    cert, payload = cert or GOOD, payload or statement(A)
    sig = sig or sign(k, pae(payload), h)
    if entries is None:
        entries = [tlog_entry(body(payload, sig, cert), **at)]
    return {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"certificate": {"rawBytes": b64(der(cert))}, "tlogEntries": entries},
            "dsseEnvelope": {"payload": b64(payload), "payloadType": type_, "signatures": [{"sig": b64(sig)}]}}


BSIG = sign(LEAF, pae(statement(A)))
DBODY = dsse_body(statement(A), BSIG, GOOD)
P384, P521 = key("leaf", ec.SECP384R1()), key("leaf", ec.SECP521R1())
_, PATH = tree([sha(b"\0" + (DBODY if i == 5 else b"entry %d" % i)) for i in range(7)], 5)
RHASH = base64.b64decode(proof_of(DBODY)["rootHash"])


def with_proof(**over): return bundle(entries=[tlog_entry(DBODY, inclusionProof=proof_of(DBODY, **over))])
def with_note(text): return with_proof(checkpoint={"envelope": text})
def with_body(body, **over): return bundle(entries=[tlog_entry(body, **over)])
def mails(*names): return leaf(san=[mail(n) for n in names])


def signatures_of(n, make=dsse_body):
    o = json.loads(make(statement(A), BSIG, GOOD))
    at = o["spec"] if make == dsse_body else o["spec"]["content"]["envelope"]
    at["signatures"] *= n
    return compact(o).encode()


GOOD_ENTRY = tlog_entry(DBODY)
bundles = {
    "good": bundle(), "good-b": bundle(payload=statement(B)), "image": bundle(payload=statement(IMAGE)), "intoto": bundle(body=intoto_body, kind=("intoto", "0.0.2")),
    "promise-only-beside": bundle(entries=[GOOD_ENTRY, tlog_entry(DBODY, index=1, proof=False)]),
    "p384": bundle(leaf(P384), k=P384, h=hashes.SHA384()), "p384-sha256": bundle(leaf(P384), k=P384), "p521": bundle(leaf(P521), k=P521, h=hashes.SHA512()),
    "email": bundle(leaf(san=[mail("dev@example.com")])), "other-type": bundle(type_="text/plain"), "other-name": bundle(leaf(san=[other("dev!example.com")])), "uri-and-email": bundle(leaf(san=[mail("dev@example.com"), uri(SUBJECT)])),
    "first-in-tree": bundle(entries=[tlog_entry(DBODY, inclusionProof=proof_of(DBODY, 0, 1))]),
    "skipped-beside": bundle(entries=[tlog_entry(DBODY, log=REKOR_OTHER), GOOD_ENTRY]),
    "note-with-more": with_note(checkpoint(7, RHASH, more="Timestamp: 1\n")),
    # L-N5, L-N6, L-N7 of bundles
    "set-changed": with_body(DBODY, inclusionPromise={"signedEntryTimestamp": b64(flip(promise(DBODY, T, 4711)))}),
    "time-changed": with_body(DBODY, integratedTime=str(T + 1)), "unknown-log": bundle(log=REKOR_OTHER),
    "body-of-another-signature": with_body(dsse_body(statement(A), flip(BSIG), GOOD)),
    "body-of-another-certificate": with_body(dsse_body(statement(A), BSIG, mails("dev@example.com"))),
    "body-of-another-payload": with_body(dsse_body(statement(B), BSIG, GOOD)),
    "body-hashedrekord": with_body(hashedrekord(statement(A), BSIG, GOOD), kind=("hashedrekord", "0.0.1")),
    "intoto-of-another-signature": with_body(intoto_body(statement(A), flip(BSIG), GOOD), kind=("intoto", "0.0.2")),
    "rekor-v2": with_body(dsse_body(statement(A), BSIG, GOOD, kind="hashedrekord", apiVersion="0.0.2"), kind=("hashedrekord", "0.0.2"), set_=False, s=0),
    "signed-by-another": bundle(k=key("another")),
    "statement-of-another": bundle(payload=statement(B)),
    # L-N8 to L-N11 of bundles
    "logged-before": bundle(leaf(start=T + 1, sct_time=T + 1)), "logged-after": bundle(leaf(end=T - 1)), "logged-after-authority": bundle(leaf(by=SHORT)),
    "no-sct": bundle(leaf(logs=())), "self-made": bundle(leaf(by=SELF_MADE)), "two-issuers": bundle(leaf(new=utf8("https://other.example"))),
    "dns": bundle(leaf(san=[x509.DNSName("host.example")])),
    # B-N9
    "proof-other-leaf": with_proof(rootHash=proof_of(b"x")["rootHash"], checkpoint=proof_of(b"x")["checkpoint"]),
    "proof-index": with_proof(logIndex="4"), "proof-index-past": with_proof(logIndex="7"), "proof-size": with_proof(treeSize="8"), "proof-size-0": with_proof(treeSize="0"),
    "proof-more": with_proof(hashes=[b64(h) for h in PATH] + [b64(b"\0" * 32)]), "proof-short": with_proof(hashes=[b64(h) for h in PATH[:-1]]),
    "proof-node-short": with_proof(hashes=[b64(PATH[0][:-1])] + [b64(h) for h in PATH[1:]]),
    "note-other-key": with_note(checkpoint(7, RHASH, REKOR_OTHER)), "note-other-root": with_note(checkpoint(7, sha(b"x"))),
    "note-other-size": with_note(checkpoint(8, RHASH)), "note-malformed": with_note("rekor.example - 1\n7\n"), "note-no-signature": with_note("%s\n7\n%s\n\n" % (ORIGIN, b64(RHASH))),
    "note-bad-line": with_note(checkpoint(7, RHASH, extra="- rekor.example AAAAAAAA\n")),
    "note-extra-line": with_note(checkpoint(7, RHASH, extra=note_line(REKOR_OTHER, "witness", "witness.example"))),
    "note-v2-origin": with_note(checkpoint(7, RHASH, origin="rekor.example")),
    "note-changed": with_note(checkpoint(7, RHASH).replace(ORIGIN, "rekor.example - 1234567891")),
    "note-root-short": with_note(checkpoint(7, RHASH[:-1])),
    # B-N10, B-N11, B-N12
    "entry-twice": bundle(entries=[GOOD_ENTRY, GOOD_ENTRY]), "no-entry": bundle(entries=[]), "no-proof": bundle(proof=False),
    "neither": bundle(entries=[GOOD_ENTRY, tlog_entry(DBODY, index=1, set_=False, proof=False)]),
    "no-set": bundle(set_=False), "no-kind": with_body(DBODY, kindVersion=None), "kind-other": with_body(DBODY, kind=("intoto", "0.0.2")),
    "version-other": with_body(DBODY, kind=("dsse", "0.0.2")),
    "body-two-signatures": with_body(signatures_of(2)), "body-no-signatures": with_body(signatures_of(0)),
    **{"intoto-" + n: with_body(b, kind=("intoto", "0.0.2")) for n, b in (
        ("no-signature", intoto_body(statement(A), BSIG, GOOD, 7)), ("signature-junk", intoto_body(statement(A), BSIG, GOOD, "#")),
        ("signature-nul", intoto_body(statement(A), BSIG, GOOD, b64(b64(BSIG).encode() + b"\0"))), ("two-signatures", signatures_of(2, intoto_body)),
        ("of-another-certificate", intoto_body(statement(A), BSIG, mails("dev@example.com"))), ("of-another-payload", intoto_body(statement(B), BSIG, GOOD)))},
    "proof-root-long": with_proof(rootHash=b64(RHASH + b"\0")),
    "note-malformed-no-set": bundle(entries=[tlog_entry(DBODY, set_=False, inclusionProof=proof_of(DBODY, checkpoint={"envelope": "rekor.example"}))]),
    "proof-index-negative": with_proof(logIndex="-1"),
    "body-no-json": with_body(b"junk"), "promise-empty": with_body(DBODY, inclusionPromise={"signedEntryTimestamp": ""}),
    # entries beside each other, each with something else
    "unproven-beside": bundle(entries=[GOOD_ENTRY, tlog_entry(DBODY, s=0, index=1, set_=False, inclusionProof=proof_of(DBODY, logIndex="4"))]),
    "skipped-promise-beside": bundle(entries=[tlog_entry(DBODY, log=REKOR_OTHER), tlog_entry(DBODY, s=0, index=1, set_=False)]),
    "skipped-proof-beside": bundle(entries=[tlog_entry(DBODY, log=REKOR_OTHER), tlog_entry(DBODY, index=1, proof=False)]),
    # another log's entry with the same index is no second one
    "log-id-short": bundle(entries=[tlog_entry(DBODY, logId={"keyId": b64(sha(spki(REKOR))[:31])}), GOOD_ENTRY]),
}


# ---- version 2 of the log, with timestamps -----------------------------------------------------------------------------
def body2(sig, cert, payload, h="SHA2_256", details="PKIX_ECDSA_P256_SHA_256", digest=sha):
    return compact({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
        "data": {"algorithm": h, "digest": b64(digest(pae(payload)))},
        "signature": {"content": b64(sig), "verifier": {"keyDetails": details, "x509Certificate": {"rawBytes": b64(der(cert))}}}}}}).encode()


def note2(size, root, log=REKOR2, origin=HOST2, extra="", hint=None, name=HOST2):
    text = "%s\n%d\n%s\n" % (origin, size, b64(root))
    return text + "\n" + extra + note_line(log, text, name, hint or hint2(log, HOST2)[:4])


def bundle2(cert=None, payload=None, k=LEAF, h=SHA256, log=REKOR2, body=None, times=None, at=5, size=7, index=None, note=None, s=None, **more):
    cert, payload = cert or GOOD, payload or statement(A)
    sig = sign(k, pae(payload), h)
    body = body or body2(sig, cert, payload, **more)
    proof = proof_of(body, at, size)
    root = base64.b64decode(proof["rootHash"])
    proof["checkpoint"]["envelope"] = note(size, root) if note else note2(size, root, log)
    e = {"logIndex": str(at if index is None else index), "logId": {"keyId": b64(hint2(log, HOST2))},
         "kindVersion": {"kind": "dsse", "version": "0.0.1"} if body == DBODY else {"kind": "hashedrekord", "version": "0.0.2"}, "inclusionProof": proof, "canonicalizedBody": b64(body)}
    if s is not None:
        e["integratedTime"] = str(s)
    b = bundle(cert, payload, sig=sig, entries=[e])
    times = [stamp(sig, TSA)] if times is None else [t(sig) if callable(t) else t for t in times]
    b["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": b64(t)} for t in times]}
    return b


def stamped(cert=None, k=LEAF, time=None, payload=None, **more):
    """Without any log, as GitHub's attestations of private repositories are."""
    b = bundle(cert or leaf(logs=()), payload, k=k, entries=[], **more)
    sig = base64.b64decode(b["dsseEnvelope"]["signatures"][0]["sig"])
    b["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": b64(time(sig) if time else stamp(sig, TSA))}]}
    return b


def kind2(kind, version):
    b = bundle2()
    b["verificationMaterial"]["tlogEntries"][0]["kindVersion"] = {"kind": kind, "version": version}
    return b


def with_entry(b, entry):
    b["verificationMaterial"]["tlogEntries"].insert(0, entry)
    return b


OTHER_TSA = Stamper("other tsa", "other tsa root")
bundles.update({
    "v2": bundle2(), "v2-dsse": bundle2(body=DBODY), "v2-b": bundle2(payload=statement(B)), "v2-ec": bundle2(log=REKOR),
    "v2-p384": bundle2(leaf(P384), k=P384, h=hashes.SHA384(), body=body2(sign(P384, pae(statement(A)), hashes.SHA384()), leaf(P384), statement(A), "SHA2_384",
                       "PKIX_ECDSA_P384_SHA_384", lambda d: hashlib.sha384(d).digest())),
    "v2-witness": bundle2(note=lambda n, r: note2(n, r, extra=note_line(REKOR_OTHER, "witness", "witness.example"))),
    "v2-two-timestamps": bundle2(times=[lambda m: stamp(m, OTHER_TSA), lambda m: stamp(m, TSA)]),
    "v2-no-bag": bundle2(times=[lambda m: stamp(m, TSA, bag=[])]),
    "v2-no-timestamp": bundle2(times=[]), "v2-time-claimed": bundle2(s=T),
    "v2-timestamp-of-another": bundle2(times=[stamp(b"another", TSA)]), "v2-timestamp-sha1": bundle2(times=[lambda m: stamp(m, TSA, imprint=seq(SHA1_ID, tlv(4, hashlib.sha1(m).digest())))]),
    "v2-timestamp-by-another": bundle2(times=[lambda m: stamp(m, OTHER_TSA)]),
    "v2-timestamp-forged": bundle2(times=[lambda m: stamp(m, OTHER_TSA, bag=[TSA.cert, OTHER_TSA.cert])]),
    "v2-timestamp-wrong-key": bundle2(times=[lambda m: stamp(m, TSA, k=key("another"))]),
    "v2-timestamp-not-granted": bundle2(times=[lambda m: stamp(m, TSA, status=1)]), "v2-timestamp-trailing": bundle2(times=[lambda m: stamp(m, TSA) + b"\0"]),
    "v2-timestamp-late": bundle2(times=[lambda m: stamp(m, TSA, T + 541)]),
    "v2-not-critical": bundle2(times=[lambda m: stamp(m, Stamper(critical=False))]),
    "v2-more-eku": bundle2(times=[lambda m: stamp(m, Stamper(eku=(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)))]),
    "v2-tsa-expired": bundle2(times=[lambda m: stamp(m, Stamper(end=T - 1))]),
    "v2-of-another-signature": bundle2(body=body2(flip(BSIG), GOOD, statement(A))), "v2-index": bundle2(index=4), "v2-index-past": bundle2(index=7),
    "v2-other-key": bundle2(note=lambda n, r: note2(n, r, ed_key("another"))), "v2-other-origin": bundle2(note=lambda n, r: note2(n, r, origin="log3.example")),
    "v2-timestamp-version": bundle2(times=[lambda m: stamp(m, TSA, version=2)]), "v2-timestamp-no-time": bundle2(times=[lambda m: stamp(m, TSA, time=b"2026011512Z?")]),
    "v2-timestamp-imprint-long": bundle2(times=[lambda m: stamp(m, TSA, imprint=seq(SHA256_ID, tlv(4, sha(m) + b"\0")))]),
    "v2-timestamp-empty": bundle2(times=[b""]), "v2-timestamp-other-purpose": bundle2(times=[lambda m: stamp(m, WRONG_TSA)]),
    "v2-timestamp-of-the-same-root": bundle2(times=[lambda m: stamp(m, Stamper("second tsa"))]),
    "v2-hint-only": bundle2(note=lambda n, r: note2(n, r, log=ed_key("another"), hint=hint2(REKOR2, HOST2)[:4])),
    "v2-other-hint": bundle2(note=lambda n, r: note2(n, r, hint=b"hint")), "v2-other-name": bundle2(note=lambda n, r: note2(n, r, name="log3.example")),
    "v2-same-length-name": bundle2(note=lambda n, r: note2(n, r, name="log2.examplf")), "v2-longer-name": bundle2(note=lambda n, r: note2(n, r, name=HOST2 + ".org")),
    "v2-prefix-name": bundle2(note=lambda n, r: note2(n, r, name="log2")), "v2-prefix-origin": bundle2(note=lambda n, r: note2(n, r, origin="log2")),
    "v2-line-broken": bundle2(note=lambda n, r: note2(n, r, extra="\u2014 %s #\n" % HOST2)),
    "v2-line-junk": bundle2(note=lambda n, r: note2(n, r, extra="junk\n")), "v2-only-junk": bundle2(note=lambda n, r: note2(n, r).rsplit("\n\n", 1)[0] + "\n\njunk\n"),
    "v2-31-witnesses": bundle2(note=lambda n, r: note2(n, r, extra=note_line(REKOR_OTHER, "witness", "witness.example") * 31)),
    "v2-32-witnesses": bundle2(note=lambda n, r: note2(n, r, extra=note_line(REKOR_OTHER, "witness", "witness.example") * 32)),
    "v2-kind": kind2("dsse", "0.0.2"), "v2-version": kind2("hashedrekord", "0.0.1"),
    "v2-key-kind": bundle2(leaf(ed_key("leaf")), k=ed_key("leaf")),
    "v2-skipped-beside": with_entry(bundle2(), tlog_entry(DBODY, log=REKOR_OTHER)),
    "v2-other-root": bundle2(note=lambda n, r: note2(n, sha(b"x"))),
})


def by_key(payload=None, by=SIGNER, body=dsse_body, entry_sig=None, of=None, entries=None, **at):
    payload = payload or statement(A)
    sig = SIGNER.sign(pae(payload))
    if entries is None:
        entries = [tlog_entry(body(of or payload, entry_sig or sig, by), **at)]
    b = bundle(payload=payload, sig=sig, entries=entries)
    del b["verificationMaterial"]["certificate"]
    b["verificationMaterial"]["publicKey"] = {"hint": "hint"}
    return b


def body2_key(payload, sig, by, kind="publicKey", details="PKIX_RSA_PKCS1V15_2048_SHA256"):
    return compact({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
        "data": {"algorithm": "SHA2_256", "digest": b64(sha(pae(payload)))},
        "signature": {"content": b64(sig), "verifier": {"keyDetails": details, kind: {"rawBytes": b64(by.public_bytes(DER))}}}}}}).encode()


def by_key2(by=SIGNER, payload=None, entry_sig=None, log=REKOR2, **more):
    payload = payload or statement(A)
    body = body2_key(payload, entry_sig or SIGNER.sign(pae(payload)), by, **more)
    proof = proof_of(body)
    proof["checkpoint"]["envelope"] = note2(7, base64.b64decode(proof["rootHash"]), log)
    return by_key(entries=[{"logIndex": "5", "logId": {"keyId": b64(hint2(REKOR2, HOST2))}, "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
                            "inclusionProof": proof, "canonicalizedBody": b64(body)}])


bundles.update({
    "stamped": stamped(), "stamped-b": stamped(payload=statement(B)), "stamped-sct": stamped(leaf()), "stamped-no-time": bundle(leaf(logs=()), entries=[]),
    "stamped-of-another": stamped(time=lambda m: stamp(b"another", TSA)), "stamped-by-another": stamped(time=lambda m: stamp(m, OTHER_TSA)),
    "stamped-late": stamped(time=lambda m: stamp(m, TSA, T + 541)), "stamped-early": stamped(time=lambda m: stamp(m, TSA, T - 61)),
    "stamped-self-made": stamped(leaf(by=SELF_MADE, logs=())), "stamped-wrong-key": stamped(k=key("another")),
    "stamped-and-logged": {**bundle2(leaf(logs=()))},
})
KBODY = dsse_body(statement(A), SIGNER.sign(pae(statement(A))), SIGNER)
bundles.update({n: bundle(leaf(build=b)) for n, b in BUILDS.items()})
bundles.update({
    "key": by_key(), "key-intoto": by_key(body=intoto_body, kind=("intoto", "0.0.2")), "key-no-set": by_key(set_=False, s=0), "key-no-entry": by_key(entries=[]),
    "key-of-another-key": by_key(by=NO_SIGNER), "key-of-a-certificate": by_key(by=GOOD), "key-of-another-signature": by_key(entry_sig=b"\0" * 256),
    "key-of-another-payload": by_key(of=statement(B)), "key-unknown-log": by_key(log=REKOR_OTHER),
    "key-set-changed": by_key(inclusionPromise={"signedEntryTimestamp": b64(flip(promise(KBODY, T, 4711)))}),
    "key-note-other-key": by_key(inclusionProof=proof_of(KBODY, checkpoint={"envelope": checkpoint(7, base64.b64decode(proof_of(KBODY)["rootHash"]), REKOR_OTHER)})),
    "key-v2": by_key2(), "key-v2-of-another-key": by_key2(NO_SIGNER), "key-v2-of-another-signature": by_key2(entry_sig=b"\0" * 256),
    "key-v2-as-certificate": by_key2(kind="x509Certificate"), "key-v2-other-log-key": by_key2(log=ed_key("another")),
})
# ---- certificates written by hand ---------------------------------------------------------------------------------------
def ext(name, value, critical=False): return seq(oid(name), *([tlv(1, b"\xff")] if critical else []), tlv(4, value))
def names_of(*parts): return ext("2.5.29.17", seq(*parts), True)
def utc(s): return tlv(0x17, when(s).strftime("%y%m%d%H%M%SZ").encode())


def forge(*exts, key_=None, start=None, end=None, by=ROOT, subject=None, k=None, version=2):
    """Signed by the root, whatever stands in it."""
    tbs = seq(*([tlv(0xa0, integer(version))] if version else []), integer(1), ECDSA_ID, by.name.public_bytes(), seq(start or utc(T - 60), end or utc(T + 540)),
              seq() if subject is None else subject, key_ or spki(LEAF), *([tlv(0xa3, seq(*exts))] if exts else []))
    return seq(tbs, ECDSA_ID, tlv(3, b"\0" + sign(k or by.key, tbs)))


def rsa_key(e, bits=2048):
    """Of nobody: its modulus is a number."""
    return rsa_spki(int.from_bytes(b"".join(sha(b"rsa %d" % i) for i in range(bits // 256)), "big") | 1 << (bits - 1) | 1, e)


def rsa_spki(n, e):
    return seq(seq(oid("1.2.840.113549.1.1.1"), b"\5\0"), tlv(3, b"\0" + seq(integer(n), integer(e))))


def p256_by_numbers(k):
    """A key of P-256 whose curve is given by its numbers, not by its name."""
    p, n = 2**256 - 2**224 + 2**192 + 2**96 - 1, 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
    b, x, y = (bytes.fromhex(h) for h in ("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
                                          "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
                                          "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"))
    curve = seq(integer(1), seq(oid("1.2.840.10045.1.1"), integer(p)), seq(tlv(4, (p - 3).to_bytes(32, "big")), tlv(4, b)), tlv(4, b"\4" + x + y),
                integer(n), integer(1))
    return seq(seq(oid("1.2.840.10045.2.1"), curve), tlv(3, b"\0" + k.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)))


RSA_ID = seq(oid("1.2.840.113549.1.1.11"), b"\5\0")
CHILD_RSA = seq(tlv(0xa0, integer(2)), integer(2), RSA_ID, ROOT.name.public_bytes(), seq(utc(T - 60), utc(T + 540)), seq(), spki(LEAF))


def padded(data, bits):
    """What RSA with PKCS#1 and SHA-256 raises to the power, as a number."""
    d = seq(SHA256_ID[:1] + bytes([SHA256_ID[1] + 2]) + SHA256_ID[2:] + b"\5\0", tlv(4, sha(data)))
    return int.from_bytes(b"\0\1" + b"\xff" * (bits // 8 - 3 - len(d)) + b"\0" + d, "big")


# A number whose cube, less what was signed, is an odd modulus of 8448 bits: it is then a signature
# with the exponent 3, and nobody needs the factors.
CUBE = (7 << 2813) + 1 - padded(CHILD_RSA, 8448) % 2


def forge_rsa(signature, bits):
    return seq(CHILD_RSA, RSA_ID, tlv(3, b"\0" + signature(padded(CHILD_RSA, bits), None).to_bytes(bits // 8, "big")))


NEW, OLD, SCTS = NEW_ISSUER.dotted_string, OLD_ISSUER.dotted_string, SCT_LIST.dotted_string
SCT = b"\0" + bytes(32) + struct.pack(">Q", T * 1000) + b"\0\0" + b"\4\3" + b"\0\2" + b"xy"


def vector(data): return struct.pack(">H", len(data)) + data
def sct_list(*all_, wrap=octets): return forge(ext(SCTS, wrap(vector(b"".join(vector(s) for s in all_)))))
def scts_raw(value): return forge(ext(SCTS, value))


LIST1 = vector(vector(SCT))
certs = {
    "good": der(GOOD), "same-length": flip(der(GOOD)), "trailing": der(GOOD) + b"\0",
    "time-from": forge(start=tlv(0x17, b"26011511590XZ")), "time-until": forge(end=tlv(0x17, b"26011511590XZ")),
    "p224": forge(key_=spki(ec.derive_private_key(7, ec.SECP224R1()))), "constraints-broken": forge(ext("2.5.29.19", b"\5\0", True)),
    "rsa-e-3": forge(key_=rsa_key(3)), "rsa-e-1": forge(key_=rsa_key(1)), "rsa-e-even": forge(key_=rsa_key(65536)), "rsa-e-0": forge(key_=rsa_key(0)),
    "rsa-e-33-bits": forge(key_=rsa_key((1 << 32) + 1)), "rsa-8448": forge(key_=rsa_key(65537, 8448)), "rsa-2048": forge(key_=rsa_key(65537)),
    "p256-by-numbers": forge(key_=p256_by_numbers(LEAF)), "source-twice": forge(*[ext("1.3.6.1.4.1.57264.1.12", utf8(s)) for s in "ab"]),
    "old-ca": forge(ext("2.16.840.1.113730.1.1", b"\3\2\0\7")),  # a CA by Netscape's word alone
    # of the Notary Project: who has issued the child?
    "child": forge(), "parent": forge(subject=ROOT.name.public_bytes(), key_=spki(ROOT.key)),
    "parent-other-name": forge(subject=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "toor")]).public_bytes(), key_=spki(ROOT.key)),
    "parent-e-1": forge(subject=ROOT.name.public_bytes(), key_=rsa_key(1)), "child-e-1": forge_rsa(lambda em, n: em, 2048),
    "parent-8448": forge(subject=ROOT.name.public_bytes(), key_=rsa_spki(CUBE ** 3 - padded(CHILD_RSA, 8448), 3)), "child-8448": forge_rsa(lambda em, n: CUBE, 8448),
    "issuer-twice": forge(ext(NEW, utf8(ISSUER)), ext(NEW, utf8(ISSUER))), "old-issuer-twice": forge(ext(OLD, ISSUER.encode()), ext(OLD, ISSUER.encode())),
    "issuer-empty": forge(ext(NEW, b"\x0c\0")), "issuer-nul": forge(ext(OLD, b"https://issuer.example\0.evil")), "no-extension": forge(),
    "email": forge(names_of(tlv(0x81, b"dev@example.com"))), "email-not-ascii": forge(names_of(tlv(0x81, b"d\xe9v@example.com"))),
    "email-nul": forge(names_of(tlv(0x81, b"dev\0@example.com"))),
    "ip4": forge(names_of(tlv(0x87, bytes([192, 0, 2, 1])))), "ip6": forge(names_of(tlv(0x87, bytes(15) + b"\1"))),
    "ip-5": forge(names_of(tlv(0x87, bytes(5)))), "ip-3": forge(names_of(tlv(0x87, bytes(3)))),
    "other-name-ia5": forge(names_of(tlv(0xa0, oid(OTHER_NAME.dotted_string), tlv(0xa0, tlv(0x16, b"dev"))))),
    "other-name": forge(names_of(tlv(0xa0, oid(OTHER_NAME.dotted_string), tlv(0xa0, utf8("dev"))))),
    "names-broken": forge(ext("2.5.29.17", b"\5\0")), "names-twice": forge(names_of(tlv(0x81, b"a@example.com")), names_of(tlv(0x81, b"b@example.com"))),
    # lists of SCTs
    "sct": sct_list(SCT), "sct-twice": forge(ext(SCTS, octets(LIST1)), ext(SCTS, octets(LIST1))), "sct-future": sct_list(b"\1junk", SCT), "sct-long-length": scts_raw(b"\4\x81" + bytes([len(LIST1)]) + LIST1),
    "sct-3-bytes-of-length": scts_raw(b"\4\x83\0\0" + bytes([len(LIST1)]) + LIST1), "sct-no-length": scts_raw(b"\4\x80" + LIST1),
    "sct-length-cut": scts_raw(b"\4\x82\0"), "sct-nothing": scts_raw(b""), "sct-tag-only": scts_raw(b"\4"), "sct-tag": scts_raw(b"\5" + octets(LIST1)[1:]),
    "sct-octets-cut": scts_raw(octets(LIST1)[:-1]), "sct-octets-more": scts_raw(octets(LIST1) + b"\0"), "sct-octets-empty": scts_raw(b"\4\0"),
    "sct-list-empty": scts_raw(octets(b"\0\0")), "sct-list-more": scts_raw(octets(LIST1 + b"\0")), "sct-list-cut": scts_raw(octets(b"\0\xff" + LIST1[2:])),
    "sct-entry-cut": scts_raw(octets(vector(vector(SCT) + b"\0"))), "sct-entry-empty": sct_list(SCT, b""), "sct-entry-long": scts_raw(octets(vector(b"\0\xff" + SCT))),
    "sct-no-id": sct_list(SCT[:1] + SCT[33:]), "sct-no-time": sct_list(SCT[:33] + b"\0\0\4\3\0\0"), "sct-extensions-long": sct_list(SCT[:41] + b"\xff\xff" + SCT[43:]),
    "sct-no-length-128": scts_raw(b"\4\x80" + vector(vector(SCT[:45] + vector(bytes(77))))),
    "sct-more": sct_list(SCT + b"\0"), "sct-16": sct_list(*[SCT] * 16), "sct-17": sct_list(*[SCT] * 17),
    **{"sct-cut-%d" % n: sct_list(SCT[:n]) for n in (1, 32, 33, 40, 41, 42, 43, 44, 45, 46, 48)},
}


# ---- timestamps that the Notary Project's signatures could have ----------------------------------------------------------
def stamped_by_tsa(**how): return token(b"a message", TSA, **how)


stamps = {
    "tsa": der(TSA.cert), "tsa-root": der(TSA.root.cert), "response": stamp(b"a message", TSA), "good": stamped_by_tsa(),
    "accuracy": stamped_by_tsa(accuracy=[integer(1), tlv(0x80, b"\1\xf4"), tlv(0x81, b"\1")]), "accuracy-day": stamped_by_tsa(accuracy=[integer(86400)]),
    "accuracy-more": stamped_by_tsa(accuracy=[integer(86401)]), "accuracy-negative": stamped_by_tsa(accuracy=[tlv(2, b"\xff")]),
    "accuracy-wide": stamped_by_tsa(accuracy=[integer(1 << 64)]), "accuracy-negative-millis": stamped_by_tsa(accuracy=[tlv(0x80, b"\xff")]),
    "accuracy-negative-micros": stamped_by_tsa(accuracy=[tlv(0x81, b"\xff")]), "accuracy-wide-micros": stamped_by_tsa(accuracy=[tlv(0x81, b"\1" + bytes(8))]),
    "baseline": stamped_by_tsa(policy="0.4.0.2023.1.1"), "baseline-and-more": stamped_by_tsa(policy="0.4.0.2023.1.1.1"),
    "baseline-other": stamped_by_tsa(policy="0.4.0.2023.1.2"), "baseline-less": stamped_by_tsa(policy="0.4.0.2023.1"), "baseline-long": stamped_by_tsa(policy="0.4.0.2023.1.1" + ".999999999" * 12),
    "said": stamped_by_tsa(said=utc(T)), "said-first": stamped_by_tsa(said=utc(T - 10**8)), "said-last": stamped_by_tsa(said=utc(T + 10**8)),
    "said-early": stamped_by_tsa(said=utc(T - 10**8 - 1)), "said-late": stamped_by_tsa(said=utc(T + 10**8 + 1)),
    "said-null": stamped_by_tsa(said=b"\5\0"), "said-text": stamped_by_tsa(said=utf8("20260115120000Z")), "said-boolean": stamped_by_tsa(said=b"\1\1\xff"),
    "said-type": stamped_by_tsa(said=oid("1.2.3")), "said-broken": stamped_by_tsa(said=tlv(0x17, b"26011511590XZ")),
}

# An anchor of X.509 version 1 cannot say that it is an authority.
OLD_ROOT = forge(start=utc(T - 10**8), end=utc(T + 10**8), subject=ROOT.name.public_bytes(), key_=spki(ROOT.key), version=0)
roots["old-anchor"] = {**root_of(), "certificateAuthorities": [{"certChain": {"certificates": [{"rawBytes": b64(c)} for c in (der(FULCIO.cert), OLD_ROOT)]}}]}


# ---- files -----------------------------------------------------------------------------------------------------------
def delta(base, case, at=""):
    if isinstance(base, dict) and isinstance(case, dict):
        return {k: v for n in sorted(set(base) | set(case)) for k, v in delta(base.get(n), case.get(n), at + "/" + n).items()}
    if isinstance(base, list) and isinstance(case, list) and len(base) == len(case):
        return {k: v for i, (b, c) in enumerate(zip(base, case)) for k, v in delta(b, c, "%s/%d" % (at, i)).items()}
    return {} if base == case else {at: case}


for name, cases in (("roots", roots), ("legacy", legacies), ("bundle", bundles)):
    base = cases.pop("good")
    lines = ["  %s: %s" % (json.dumps(n), json.dumps(delta(base, c))) for n, c in cases.items()]
    with open(os.path.join(OUT, name + ".json"), "w") as f:
        f.write('{"base": %s,\n "cases": {\n%s\n }}\n' % (json.dumps(base), ",\n".join(lines)))
for name, all_ in (("certs", certs), ("stamps", stamps)):
    with open(os.path.join(OUT, name + ".json"), "w") as f:
        f.write("{\n%s\n}\n" % ",\n".join("  %s: %s" % (json.dumps(n), json.dumps(b64(c))) for n, c in all_.items()))
