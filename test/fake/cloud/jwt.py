"""JSON web tokens (RFC 7515, 7519) with RS256: made with the openssl command, checked with arithmetic of our own."""
import base64
import hashlib
import json
import subprocess

PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")  # DigestInfo of SHA-256 (RFC 8017, 9.2)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    if "=" in text or "+" in text or "/" in text:
        raise ValueError("base64url without padding is demanded")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make(claims, key_file, **header):
    """key_file: a private key in PEM. None: a signature that nobody checks."""
    text = ".".join(encode(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT", **header}, claims))
    if not key_file:
        return text + "." + encode(hashlib.sha256(text.encode()).digest())
    made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key_file], input=text.encode(), stdout=subprocess.PIPE, check=True)
    return text + "." + encode(made.stdout)


def _der(data, at=0):
    """(tag, content, what is behind) of the element at `at`."""
    length, at_content = data[at + 1], at + 2
    if length & 0x80:
        n = length & 0x7f
        length, at_content = int.from_bytes(data[at + 2:at + 2 + n], "big"), at + 2 + n
    return data[at], data[at_content:at_content + length], at_content + length


def public_key(pem):
    """(n, e) of a PEM "PUBLIC KEY" with an RSA key in it."""
    body = pem.split("-----BEGIN PUBLIC KEY-----")[1].split("-----END")[0]
    _, info, _ = _der(base64.b64decode(body))
    _, _, behind = _der(info)
    _, bits, _ = _der(info, behind)
    _, pair, _ = _der(bits[1:])
    _, n, behind = _der(pair)
    _, e, _ = _der(pair, behind)
    return int.from_bytes(n, "big"), int.from_bytes(e, "big")


def check(token, pem):
    """(header, claims) of a token with a good signature; ValueError otherwise."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError(f"a token of {len(parts)} parts")
    header, claims, signature = (decode(p) for p in parts)
    header, claims = json.loads(header), json.loads(claims)
    if header.get("alg") != "RS256":
        raise ValueError(f"alg {header.get('alg')}")
    n, e = public_key(pem)
    size = (n.bit_length() + 7) // 8
    digest = PREFIX + hashlib.sha256(f"{parts[0]}.{parts[1]}".encode()).digest()
    wanted = b"\x00\x01" + b"\xff" * (size - 3 - len(digest)) + b"\x00" + digest
    if len(signature) != size or pow(int.from_bytes(signature, "big"), e, n).to_bytes(size, "big") != wanted:
        raise ValueError("the signature is not of this key")
    return header, claims
