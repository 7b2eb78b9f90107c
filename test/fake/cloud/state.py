"""What a fake cloud knows: its script, its log, and the secrets that it gave to somebody.

The script says of a host what differs from the answer that everybody gets there:

    {"hosts": {"sts.eu-west-1.amazonaws.com": {"role": "arn:aws:iam::1:role/puller",
                                               "answers": [{"error": "Throttling", "status": 400, "times": 2}]}}}

`answers` are used up one after the other, each `times` times (1; -1: for ever). What may stand in one:

    on       a regular expression that "METHOD PATH" has to match; else the answer waits for another request
    status   with `error` (a code of the cloud) and `text`: the refusal in the form of that endpoint
    raw      this body, with `status` (200), `type` and `headers`; %(NAME)s is replaced by what the endpoint would have said
    change   the good answer, a JSON object, with these members; null takes one away
    pad      so many blanks behind the body
    cut      the connection ends in the middle of the body
    hang     no answer for so many seconds
    reset    the connection is reset in place of an answer

The requests are checked before that, whatever the answer will be. The other settings are those of the endpoints: aws.py, azure.py, gcp.py,
devops.py, registry.py."""
import email.utils
import json
import re
import secrets
import threading
import time
import urllib.parse

import jwt


class Wrong(Exception):
    """A request that should not have been made like this: it is answered with 599, and the case has failed."""


def need(ok, why):
    if not ok:
        raise Wrong(why)


def same(what, wanted, got):
    need(wanted == got, f"{what}: wanted {wanted!r}, got {got!r}")


class Request:
    def __init__(self, method, target, headers, body, host, via):
        self.method, self.target, self.headers, self.body, self.host, self.via = method, target, headers, body, host, via
        path, _, self.query_text = target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.query = dict(urllib.parse.parse_qsl(self.query_text, keep_blank_values=True))

    @property
    def local(self):
        return self.via.startswith("local")

    def header(self, name):
        return self.headers.get(name)

    def form(self):
        same("Content-Type", "application/x-www-form-urlencoded", (self.header("Content-Type") or "").split(";")[0])
        pairs = urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True)
        need(len(dict(pairs)) == len(pairs), "a field of the form is there twice")
        return dict(pairs)


class Reply:
    def __init__(self, status, body=b"", kind="application/json", headers=(), values=None):
        self.status, self.headers = status, list(headers)
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode() if not isinstance(body, str) else body.encode()
        self.kind, self.values = kind, values or {}
        self.hang, self.cut, self.reset = 0, False, False


class Fake:
    def __init__(self, log_path):
        self.lock = threading.RLock()
        self.log_path = log_path
        self.secrets = {}  # every one that was ever given away or is known: text -> kind
        self.reset()

    def reset(self):
        with self.lock:
            self.script, self.log = {"hosts": {}}, []
            self.counts = {}
            self.keys = {}  # AWS: id -> {"secret", "token", "until", "source", ...}
            self.passwords = {}  # of registries: text -> {"user", "api" or "host", "source", ...}
            self.tokens = {}  # of clouds: text -> {"kind", "until", ...}
            self.challenged = set()  # hosts that have sent a challenge
            self.revoked = {}  # (registry, password) -> status

    # ---- script ----------------------------------------------------------------------------------------------------

    def add_script(self, more):
        with self.lock:
            for host, settings in more.pop("hosts", {}).items():
                self.script["hosts"].setdefault(host, {}).update(settings)
            for key_id, key in more.pop("aws_keys", {}).items():
                self.keys[key_id] = {"until": float("inf"), "source": "static", "token": "", **key}
                self.know("aws secret key", key["secret"])
            for text in more.pop("secrets", []):
                self.know("of the test", text)
            self.script.update(more)

    def settings(self, host):
        return self.script["hosts"].get(host, {})

    def setting(self, q, name, fallback=None):
        return self.settings(q.host).get(name, fallback)

    def scripted(self, q):
        with self.lock:
            for entry in self.settings(q.host).get("answers", []):
                if entry.get("times", 1) and re.search(entry.get("on", ""), f"{q.method} {q.path}"):
                    entry["times"] = entry.get("times", 1) - 1
                    return entry
        return None

    def now(self, q):
        return time.time() + self.setting(q, "skew", 0)

    def date(self, q):
        return email.utils.formatdate(self.now(q), usegmt=True)

    # ---- secrets ---------------------------------------------------------------------------------------------------

    def know(self, kind, text):
        if text:
            self.secrets[text] = kind
        return text

    def make(self, kind):
        return self.know(kind, f"{kind.replace(' ', '-')}-{secrets.token_urlsafe(24)}")

    def give_token(self, kind, life, **more):
        text = self.make(kind)
        with self.lock:
            self.tokens[text] = {"kind": kind, "until": time.time() + life, **more}
        return text

    def token(self, kind, text):
        """The record of a token of this kind that was given away and is still good."""
        with self.lock:
            found = self.tokens.get(text)
        need(found and found["kind"] == kind, f"{text!r} is no {kind} that was given away")
        need(found["until"] > time.time(), f"an expired {kind}")
        return found

    def check_jwt(self, q, token, wanted):
        """wanted: {"key": file of a public key, and claims that have to be like this; "aud" is one of them}; the claims."""
        self.know("JWT", token)
        try:
            with open(wanted["key"]) as f:
                _, claims = jwt.check(token, f.read())
        except ValueError as e:
            raise Wrong(f"the JWT: {e}") from e
        for name, value in wanted.items():
            if name == "key":
                continue
            got = claims.get(name)
            need(got == value or (isinstance(got, list) and got == [value]), f"the JWT's {name}: wanted {value!r}, got {got!r}")
        now = self.now(q)
        need(claims.get("exp", 0) > now, "the JWT has expired")
        need(claims.get("nbf", 0) <= now + 60, "the JWT counts later only")
        return claims

    # ---- log -------------------------------------------------------------------------------------------------------

    def write(self, **line):
        with self.lock:
            line = {"n": len(self.log), "at": round(time.time(), 3), **line}
            self.log.append(line)
            with open(self.log_path, "a") as f:
                f.write(json.dumps(line) + "\n")

    def count(self, name):
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1
            return self.counts[name]
