"""AWS Signature Version 4, from the server's side: what the signature of a request should have been.

Written from AWS's description of the four steps, and held to the vector in selftest.py; shares nothing with lib/cloud."""
import hashlib
import hmac
import re

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def canonical_request(method, path, query, headers, signed, body):
    """headers: {lower-case name: value}; signed: their names, in the order that the client says."""
    lines = [method, path, query]
    lines += [f"{name}:{' '.join(headers[name].split())}" for name in signed]
    return "\n".join(lines + ["", ";".join(signed), sha256(body)])


def signing_key(secret, date, region, service):
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def signature(secret, time, region, service, request):
    """time: as in x-amz-date; request: the canonical one."""
    date = time[:8]
    text = "\n".join(["AWS4-HMAC-SHA256", time, f"{date}/{region}/{service}/aws4_request", sha256(request.encode())])
    return hmac.new(signing_key(secret, date, region, service), text.encode(), hashlib.sha256).hexdigest()
