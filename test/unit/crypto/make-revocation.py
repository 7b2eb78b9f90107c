#!/usr/bin/env python3
"""make-revocation.py: makes test/unit/crypto/data/revocation.json anew: certificates, answers of OCSP and lists of revoked
certificates with fixed keys and times, honest ones and what must not count. The same bytes each time. Needs the Python
package cryptography; no test does.

  {"cert": {NAME: DER in base64, ...}, "ocsp": {...}, "crl": {...}, "served": {...}}

"served" is what servers of the tests of test/unit/source and test/unit/ocirepository answer, "ocsp" and "crl" are the
rows of test/unit/crypto.

What cryptography would not make is put together here byte by byte."""
import base64, datetime, hashlib, json, os
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = os.path.dirname(os.path.abspath(__file__))
DER, RAW = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
OID = x509.ObjectIdentifier
OCSP_URL, CRL_URL = "http://pki.example/ocsp", "http://pki.example/root.crl"


def when(text): return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
def sha(data): return hashlib.sha256(data).digest()
def key(name, curve=None): return ec.derive_private_key(int.from_bytes(sha(name.encode()), "big") >> 8, curve or ec.SECP256R1())


# ---- DER -------------------------------------------------------------------------------------------------------------
def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    size = bytes([n]) if n < 128 else bytes([128 + (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + size + body


def seq(*parts): return tlv(0x30, *parts)
def integer(n): return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))
def octets(data): return tlv(4, data)
def bits(data): return tlv(3, b"\0" + data)
def enum(n): return tlv(10, bytes([n]))
def gentime(text): return tlv(24, when(text).strftime("%Y%m%d%H%M%SZ").encode())
def utctime(text): return tlv(23, when(text).strftime("%y%m%d%H%M%SZ").encode())
def boolean(v): return tlv(1, b"\xff" if v else b"\0")
def explicit(n, *parts): return tlv(0xa0 + n, *parts)
def ext(oid, value, critical=False): return seq(dotted(oid), boolean(True) if critical else b"", octets(value))


def dotted(text):
    n = [int(p) for p in text.split(".")]
    out = bytes([n[0] * 40 + n[1]])
    for v in n[2:]:
        part = [v & 127]
        while v > 127:
            v >>= 7
            part.insert(0, 128 | v & 127)
        out += bytes(part)
    return tlv(6, out)


NULL = b"\5\0"
SHA = {"none": ("1.2.3.4", None), "sha1": ("1.3.14.3.2.26", hashes.SHA1()), "sha256": ("2.16.840.1.101.3.4.2.1", hashes.SHA256())}
ECDSA = {"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3"}


def alg(k, how):
    if isinstance(k, ed25519.Ed25519PrivateKey):
        return seq(dotted("1.3.101.112"))
    if isinstance(k, ec.EllipticCurvePrivateKey):
        return seq(dotted(ECDSA[how]))
    if how == "pss":
        h = seq(dotted(SHA["sha256"][0]), NULL)
        return seq(dotted("1.2.840.113549.1.1.10"),
                   seq(explicit(0, h), explicit(1, seq(dotted("1.2.840.113549.1.1.8"), h)), explicit(2, integer(0))))
    return seq(dotted("1.2.840.113549.1.1.11"), NULL)


def sign(k, how, data):
    if isinstance(k, ed25519.Ed25519PrivateKey):
        return k.sign(data)
    if isinstance(k, ec.EllipticCurvePrivateKey):
        h = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384()}[how]
        return k.sign(data, ec.ECDSA(h, deterministic_signing=True))
    return k.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 0) if how == "pss" else padding.PKCS1v15(), hashes.SHA256())


# ---- certificates ----------------------------------------------------------------------------------------------------
def dn(name): return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "US"), x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "WA"),
                                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Notary"), x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Cert:
    def __init__(self, name, parent=None, k=None, ca=False, serial=None, ocsp=(), crl=(), eku=None, crl_sign=True, end="2030-01-01",
                 start="2026-01-01", usage=True, extra=None, subject=None):
        self.key, self.dn = k or key(name), dn(subject or name)
        by = parent or self
        self.serial = serial or int.from_bytes(sha(name.encode())[:8], "big") >> 1
        b = (x509.CertificateBuilder().subject_name(self.dn).issuer_name(by.dn).public_key(self.key.public_key()).serial_number(self.serial)
             .not_valid_before(when(start)).not_valid_after(when(end)).add_extension(x509.BasicConstraints(ca, None), True))
        if usage:
            b = b.add_extension(x509.KeyUsage(not ca and usage != "none", False, False, False, usage == "none", ca, ca and crl_sign, False, False), True)
        if eku:
            b = b.add_extension(x509.ExtendedKeyUsage(eku), False)
        if ocsp:
            b = b.add_extension(x509.AuthorityInformationAccess([x509.AccessDescription(OID("1.3.6.1.5.5.7.48.1"), x509.UniformResourceIdentifier(u))
                                                                 for u in ocsp]), False)
        if crl:
            b = b.add_extension(x509.CRLDistributionPoints([x509.DistributionPoint([x509.UniformResourceIdentifier(u)], None, None, None)
                                                            for u in crl]), False)
        for oid, value, critical in extra or ():
            b = b.add_extension(x509.UnrecognizedExtension(OID(oid), value), critical)
        h = None if isinstance(by.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        deterministic = {"ecdsa_deterministic": True} if isinstance(by.key, ec.EllipticCurvePrivateKey) else {}
        self.der = b.sign(by.key, h, **deterministic).public_bytes(DER)

    def name(self): return self.dn.public_bytes()


certs = {}


def cert(label, **how):
    certs[label] = Cert(how.pop("cn", label), **how)
    return certs[label]


OCSP_SIGNING = [ExtendedKeyUsageOID.OCSP_SIGNING]
root = cert("root", ca=True)
leaf = cert("leaf", parent=root, ocsp=[OCSP_URL], crl=[CRL_URL])
middle = cert("middle", parent=root, ca=True, ocsp=[OCSP_URL], crl=[CRL_URL])
other = cert("other", parent=root, ocsp=[OCSP_URL])
# Of the same name as the root, with another key.
twin = cert("twin", cn="twin", subject="root", ca=True)
plain = cert("plain", parent=root)
no_crl_sign = cert("no-crl-sign", ca=True, crl_sign=False)
below = cert("below-no-crl-sign", parent=no_crl_sign, crl=[CRL_URL])
responder = cert("responder", parent=root, eku=OCSP_SIGNING)
responders = {
    "of-another": cert("responder-of-another", parent=twin, eku=OCSP_SIGNING),
    "not-for-that": cert("responder-not-for-that", parent=root, eku=[ExtendedKeyUsageOID.CODE_SIGNING]),
    "for-nothing": cert("responder-for-nothing", parent=root),
    "expired": cert("responder-expired", parent=root, eku=OCSP_SIGNING, end="2026-11-25"),
    "not-yet": cert("responder-not-yet", parent=root, eku=OCSP_SIGNING, start="2026-12-05"),
    "usage": cert("responder-usage", parent=root, eku=OCSP_SIGNING, usage="none"),
    "critical": cert("responder-critical", parent=root, eku=OCSP_SIGNING, extra=[("1.2.3.4", b"\5\0", True)]),
}
nocheck = cert("responder-nocheck", parent=root, eku=OCSP_SIGNING, extra=[("1.3.6.1.5.5.7.48.1.5", b"\5\0", False)])
RSA = serialization.load_pem_private_key(open(os.path.join(HERE, "../verify/data/signer.pem"), "rb").read(), None)
ED = ed25519.Ed25519PrivateKey.from_private_bytes(sha(b"ed25519"))
kinds = {"rsa": RSA, "p384": key("p384", ec.SECP384R1()), "ed25519": ED}
for kind, k in kinds.items():
    cert("root-" + kind, ca=True, k=k)
    cert("leaf-" + kind, parent=certs["root-" + kind], ocsp=[OCSP_URL], crl=[CRL_URL])
# Of a key that is too weak, of a name as long as the root's.
weak = cert("root-p192", ca=True, k=ec.derive_private_key(int.from_bytes(sha(b"p192")[:23], "big"), ec.SECP192R1()))
cert("leaf-p192", parent=weak)
# Places of all sorts.
cert("places", parent=root, ocsp=["http://a.example/", "https://b.example/x", "ldap://c.example/"],
     crl=["http://a.example/1.crl", "ldap://b.example/x", "http://c.example/3.crl"])
uri = tlv(0x86, b"http://a.example/\0.crl")
cert("places-nul", parent=root, extra=[("2.5.29.31", seq(seq(explicit(0, explicit(0, uri)))), False),
                                       ("1.3.6.1.5.5.7.1.1", seq(seq(dotted("1.3.6.1.5.5.7.48.1"), uri)), False)])
for label, at in {"dns": seq(dotted("1.3.6.1.5.5.7.48.1"), tlv(0x82, b"http://a.example/")),
                  "issuers": seq(dotted("1.3.6.1.5.5.7.48.2"), tlv(0x86, b"http://a.example/"))}.items():
    cert("places-" + label, parent=root, extra=[("1.3.6.1.5.5.7.1.1", seq(at), False)])
cert("places-without-name", parent=root, extra=[("2.5.29.31", seq(seq(tlv(0x81, b"\6\x40"))), False)])
# Relative to its issuer's name: one point, of two attributes.
part = x509.Name([x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "crl"), x509.NameAttribute(NameOID.LOCALITY_NAME, "x")])])
part = part.public_bytes()[4:]
cert("places-relative", parent=root, extra=[("2.5.29.31", seq(seq(explicit(0, tlv(0xa1, part)))), False)])
cert("places-broken", parent=root, extra=[("1.3.6.1.5.5.7.1.1", b"\x30\x05junk", False)])


# ---- answers of OCSP -------------------------------------------------------------------------------------------------
ocsp = {}
FROM, UNTIL = "2026-11-20T00:00:00", "2026-12-10T00:00:00"
GOOD, UNKNOWN = tlv(0x80), tlv(0x82)
INVALID_DATE, REASON = "2.5.29.24", "2.5.29.21"


def revoked(reason=None, at="2026-06-01"): return tlv(0xa1, gentime(at), explicit(0, enum(reason)) if reason is not None else b"")


def cert_id(c, issuer, h="sha1", name=None, k=None):
    hashed = lambda data: hashlib.new("sha1" if h == "none" else h, data).digest()
    bits_of = x509.load_der_x509_certificate(issuer.der).public_key().public_bytes(DER, RAW)
    # SubjectPublicKeyInfo is an algorithm and a bit string; its bytes are what is hashed.
    at = 2 if bits_of[1] < 128 else 2 + (bits_of[1] & 127)
    at += 2 + bits_of[at + 1]
    assert bits_of[at] == 3
    at += 2 if bits_of[at + 1] < 128 else 2 + (bits_of[at + 1] & 127)
    return seq(seq(dotted(SHA[h][0]), NULL), octets(name or hashed(issuer.name())), octets(k or hashed(bits_of[at + 1:])), integer(c.serial))


def single(c=leaf, issuer=root, status=GOOD, start=FROM, end=UNTIL, exts=(), id=None):
    return seq(id or cert_id(c, issuer), status, gentime(start), explicit(0, gentime(end)) if end else b"",
               explicit(1, seq(*exts)) if exts else b"")


def answer(label, *singles, by=root, k=None, how="sha256", chain=(), exts=(), sig=None, edit=None, kind="1.3.6.1.5.5.7.48.1.1", tail=b"",
           to=None):
    k = k or by.key
    data = seq(explicit(1, by.name()), gentime(FROM), seq(*(singles or (single(),))), explicit(1, seq(*exts)) if exts else b"")
    mark = sign(k, how, data)
    if edit:
        data = edit(data)
    basic = seq(data, alg(k, how), bits(sig or mark), explicit(0, seq(*[c.der for c in chain])) if chain else b"")
    (ocsp if to is None else to)[label] = seq(enum(0), explicit(0, seq(dotted(kind), octets(basic)))) + tail


answer("good")
answer("good-sha256-id", single(id=cert_id(leaf, root, "sha256")))
answer("good-responder", by=responder, chain=[responder])
answer("good-responder-nocheck", by=nocheck, chain=[nocheck])
answer("good-chain-of-two", by=responder, chain=[other, responder])
answer("good-among-others", single(other, status=revoked(1)), single())
answer("good-nonce", exts=[ext("1.3.6.1.5.5.7.48.1.2", octets(b"12345678"))])
answer("good-ca", single(middle))
answer("revoked", single(status=revoked(1)))
answer("revoked-no-reason", single(status=revoked()))
answer("revoked-invalid", single(status=revoked(1), exts=[ext(INVALID_DATE, gentime("2026-05-01"))]))
answer("revoked-invalid-broken", single(status=revoked(1), exts=[ext(INVALID_DATE, octets(b"junk"))]))
answer("revoked-responder", single(status=revoked(4)), by=responder, chain=[responder])
answer("unknown", single(status=UNKNOWN))
answer("expired", single(end="2026-11-30T23:59:59"))
answer("no-end", single(end=None))
answer("future", single(start="2026-12-01T00:05:01"))
answer("just-now", single(start="2026-12-01T00:05:00"))
answer("bad-time", single().replace(b"20261210000000Z", b"20261310000000Z"))
answer("bad-start", single().replace(b"20261120000000Z", b"20261320000000Z"))
answer("other-hash", single(id=cert_id(leaf, root, "none")))
answer("unsigned", sig=b"\x30\x06\2\1\1\2\1\1")
answer("other-key", k=twin.key)
answer("sha1", how="sha1")
answer("edited", single(status=revoked(1)), edit=lambda d: d.replace(b"20260601", b"20260602"))
answer("other-certificate", single(other))
answer("same-serial-other-issuer", single(id=cert_id(leaf, certs["root-p384"])))
answer("other-name-hash", single(id=cert_id(leaf, root, name=b"x" * 20)))
answer("critical-single", single(exts=[ext("1.2.3.4", NULL, True)]))
answer("critical-answer", exts=[ext("1.2.3.4", NULL, True)])
answer("other-kind", kind="1.3.6.1.5.5.7.48.1.9")
answer("tail", tail=b"x")
answer("responder-not-there", by=responder)
for name, c in responders.items():
    answer("responder-" + name, by=c, chain=[c])
# Who is named is there, and another one has signed.
answer("responder-other-signs", by=responder, k=twin.key, chain=[responder])
for n in (1, 2, 3, 5, 6):
    ocsp["status-%d" % n] = seq(enum(n))
ocsp["status-0-empty"] = seq(enum(0))
ocsp["junk"] = b"junk"
for kind in kinds:
    r, c = certs["root-" + kind], certs["leaf-" + kind]
    answer("good-" + kind, single(c, r), by=r, how="sha384" if kind == "p384" else "sha256")
answer("good-rsa-pss", single(certs["leaf-rsa"], certs["root-rsa"]), by=certs["root-rsa"], how="pss")


# ---- lists -----------------------------------------------------------------------------------------------------------
crl = {}
HOLD, REMOVED = 6, 8


def entry(c, at="2026-06-01", reason=None, invalid=None, exts=(), serial=None):
    x = list(exts)
    if reason is not None:
        x.append(ext(REASON, enum(reason)))
    if invalid:
        x.append(ext(INVALID_DATE, gentime(invalid)))
    return seq(serial or integer(c.serial), utctime(at), seq(*x) if x else b"")


def crl_list(label, *entries, by=root, k=None, how="sha256", exts=(), start=FROM, end=UNTIL, version=1, edit=None, inner=None, tail=b"",
             name=None, sig=None, empty=False, to=None):
    k = k or by.key
    number = ext("2.5.29.20", integer(7))
    tbs = seq(integer(version) if version is not None else b"", inner or alg(k, how), name or by.name(), utctime(start),
              utctime(end) if end else b"", seq(*entries) if entries or empty else b"",
              explicit(0, seq(number, *exts)) if exts is not None else b"")
    mark = sign(k, how, tbs)
    if edit:
        tbs = edit(tbs)
    (crl if to is None else to)[label] = seq(tbs, alg(k, how), bits(sig or mark)) + tail


def scope(*parts): return ext("2.5.29.28", seq(*parts), True)


def point(*urls): return explicit(0, explicit(0, *[tlv(0x86, u.encode()) for u in urls]))


many = [entry(other, serial=integer(10**9 + n)) for n in range(300)]
crl_list("empty")
crl_list("empty-sequence", empty=True)
crl_list("no-extensions", exts=None)
crl_list("others", *many)
crl_list("revoked", *many, entry(leaf, reason=1), entry(other))
crl_list("revoked-no-reason", entry(leaf))
crl_list("revoked-invalid", entry(leaf, reason=1, invalid="2026-05-01"))
crl_list("hold", entry(leaf, reason=HOLD))
crl_list("removed", entry(leaf, reason=REMOVED))
crl_list("hold-then-removed", entry(leaf, "2026-06-01", HOLD), entry(leaf, "2026-06-02", REMOVED))
crl_list("removed-then-hold", entry(leaf, "2026-06-02", REMOVED), entry(leaf, "2026-06-03", HOLD))
crl_list("removed-listed-first", entry(leaf, "2026-06-02", REMOVED), entry(leaf, "2026-06-01", HOLD))
crl_list("removed-but-revoked", entry(leaf, "2026-06-03", REMOVED), entry(leaf, "2026-06-01", 1), entry(leaf, "2026-06-04", REMOVED))
crl_list("expired", end="2026-11-30T23:59:59")
crl_list("no-end", end=None)
crl_list("future", start="2026-12-01T00:05:01")
crl_list("just-now", start="2026-12-01T00:05:00")
crl_list("other-issuer", by=certs["root-p384"], how="sha384")
crl_list("other-key", k=twin.key)
crl_list("other-name", name=other.name())
crl_list("sha1", how="sha1")
crl_list("unsigned", sig=b"\x30\x06\2\1\1\2\1\1")
crl_list("edited", entry(leaf), edit=lambda d: d.replace(b"260601", b"260602"))
crl_list("two-algorithms", inner=seq(dotted(ECDSA["sha384"])))
crl_list("version-1", version=None, exts=None)
crl_list("version-3", version=2)
crl_list("no-crl-sign", by=no_crl_sign)
crl_list("critical", exts=[ext("1.2.3.4", NULL, True)])
crl_list("not-critical", exts=[ext("1.2.3.4", NULL)])
crl_list("entry-critical", entry(leaf, exts=[ext("1.2.3.4", NULL, True)]))
crl_list("entry-critical-other", entry(other, exts=[ext("1.2.3.4", NULL, True)]))
crl_list("entry-broken-date", entry(leaf, exts=[ext(INVALID_DATE, octets(b"junk"))]))
crl_list("entry-broken-reason", entry(leaf, exts=[ext(REASON, octets(b"junk"))]))
crl_list("entry-padded-serial", entry(leaf, serial=tlv(2, b"\0" + integer(leaf.serial)[2:])))
crl_list("entry-is-junk", tlv(4, b"junk"))
crl_list("entry-bad-time", seq(integer(leaf.serial), tlv(23, b"261301000000Z")))
crl_list("delta", exts=[ext("2.5.29.27", integer(6), True)])
crl_list("freshest", exts=[ext("2.5.29.46", seq(seq(point("http://pki.example/delta.crl"))))])
crl_list("scope-same-place", exts=[scope(point(CRL_URL))])
crl_list("scope-two-places", exts=[scope(point("http://pki.example/mirror.crl", CRL_URL))])
crl_list("scope-other-place", exts=[scope(point("http://pki.example/2.crl"))])
crl_list("scope-relative", exts=[scope(explicit(0, tlv(0xa1, seq(dotted("2.5.4.3"), tlv(12, b"x")))))])
crl_list("scope-users", exts=[scope(tlv(0x81, b"\xff"))])
crl_list("scope-cas", exts=[scope(tlv(0x82, b"\xff"))])
crl_list("scope-reasons", exts=[scope(tlv(0x83, b"\6\x40"))])
crl_list("scope-indirect", exts=[scope(tlv(0x84, b"\xff"))])
crl_list("scope-attributes", exts=[scope(tlv(0x85, b"\xff"))])
crl_list("scope-broken", exts=[ext("2.5.29.28", b"\x30\x05junk", True)])
crl_list("tail", tail=b"x")
# What is put together otherwise, and signed as it is.
TIMES, NUMBER = utctime(FROM) + utctime(UNTIL), ext("2.5.29.20", integer(7))


def crl_raw(label, version=integer(1), inner=None, name=None, times=TIMES, rest=b"", outer=None, sig=None, behind=b"", tag=0x30, by=root, k=None):
    inner = inner or alg(by.key, "sha256")
    tbs = tlv(tag, version, inner, name or by.name(), times, rest)
    crl[label] = seq(tbs, outer or inner, sig or bits(sign(k or by.key, "sha256", tbs)), behind)


def as_set(data): return b"\x31" + data[1:]


crl_raw("version-enumerated", enum(1))
crl_raw("version-long", tlv(2, b"\1\0"))
crl_raw("inner-set", inner=as_set(alg(root.key, "sha256")), outer=alg(root.key, "sha256"))
crl_raw("outer-set", outer=as_set(alg(root.key, "sha256")))
crl_raw("name-set", name=as_set(root.name()))
crl_raw("no-times", times=b"")
crl_raw("no-end-at-all", times=utctime(FROM))
crl_raw("tbs-set", tag=0x31)
crl_raw("signature-octets", sig=octets(b"\0" + sha(b"")))
crl_raw("behind-signature", behind=NULL)
crl_raw("entries-indefinite", rest=b"\x30\x80" + explicit(0, seq(NUMBER)))
crl_raw("extensions-other-class", rest=b"\x3f\x81\0" + explicit(0, seq(NUMBER))[1:])
crl_raw("extensions-empty", rest=explicit(0))
crl_raw("extensions-behind", rest=explicit(0, seq(NUMBER), NULL))
crl_raw("algorithm-broken", inner=seq(integer(1)))
crl_raw("signature-empty", sig=b"\3\0")
crl_raw("same-length-name", name=dn("toor").public_bytes())
crl_raw("bad-start", times=tlv(23, b"261301000000Z") + utctime(UNTIL))
crl_raw("bad-end", times=utctime(FROM) + tlv(23, b"261301000000Z"))
crl_raw("weak-key", by=weak)
crl_raw("rsa-says-ecdsa", by=certs["root-rsa"], inner=seq(dotted(ECDSA["sha256"])))
for name, one in {"set": tlv(0x31, integer(7), utctime(FROM)), "serial-enumerated": seq(enum(7), utctime(FROM)), "no-time": seq(integer(7)),
                  "behind": seq(integer(7), utctime(FROM), seq(), NULL), "serial-empty": seq(b"\2\0", utctime(FROM))}.items():
    crl_raw("entry-" + name, rest=seq(one))
crl_list("scope-dns", exts=[scope(explicit(0, explicit(0, tlv(0x82, CRL_URL.encode()))))])
crl_list("scope-longer-place", exts=[scope(point(CRL_URL + "x"))])
crl_list("scope-same-length", exts=[scope(point(CRL_URL.replace("root", "toor")))])
crl["indefinite"] = b"\x30\x80" + crl["empty"][4:] + b"\0\0"
crl["cut"] = crl["others"][:-1]
crl["junk"] = b"junk"
for kind in kinds:
    crl_list("empty-" + kind, by=certs["root-" + kind], how="sha384" if kind == "p384" else "sha256")
crl_list("empty-rsa-pss", by=certs["root-rsa"], how="pss")

# ---- what servers answer ---------------------------------------------------------------------------------------------
served = {}
LATER = "2029-01-01T00:00:00"
SIGNER = serialization.load_pem_private_key(open(os.path.join(HERE, "../verify/data/notation/signer.pem"), "rb").read(), None)
signer = cert("signer", parent=root, k=SIGNER, ocsp=[OCSP_URL], crl=[CRL_URL])
deep = cert("deep", parent=middle, ocsp=[OCSP_URL], crl=["http://pki.example/middle.crl"])
posting = cert("posting", parent=root, ocsp=["http://pki.example/ocsp?a=b"])
several = cert("several", parent=root, ocsp=["https://pki.example/", "http://pki.example/down/", OCSP_URL])
lists = cert("lists", parent=root, crl=["http://pki.example/1.crl", "http://pki.example/2.crl"])
cert("too-many-lists", parent=root, crl=["http://pki.example/%d.crl" % n for n in range(1, 6)])
for c in (leaf, signer, deep, posting, several, other, middle):
    by = middle if c is deep else root
    name = next(k for k, v in certs.items() if v is c)
    answer(name + " good", single(c, by, end=LATER), by=by, to=served)
    answer(name + " revoked", single(c, by, revoked(1), end=LATER), by=by, to=served)
    answer(name + " unknown", single(c, by, UNKNOWN, end=LATER), by=by, to=served)
answer("signer invalid", single(signer, status=revoked(1), end=LATER, exts=[ext(INVALID_DATE, gentime("2026-05-01"))]), to=served)
answer("signer soon", single(signer, end="2027-01-15T08:10:00"), to=served)
crl_list("list empty", end=LATER, to=served)
crl_list("list revoked", entry(leaf, reason=1), entry(signer, reason=1), entry(lists, reason=4), end=LATER, to=served)
crl_list("list soon", end="2027-01-15T08:10:00", to=served)
crl_list("list of middle", by=middle, end=LATER, to=served)

b64 = lambda all: {k: base64.b64encode(v if isinstance(v, bytes) else v.der).decode() for k, v in all.items()}
with open(os.path.join(HERE, "data/revocation.json"), "w") as f:
    json.dump({"cert": b64(certs), "ocsp": b64(ocsp), "crl": b64(crl), "served": b64(served)}, f, indent=1)
    f.write("\n")
