"""Registries with the challenge of their cloud, and one small artifact under every repository and tag.

A host is one when it is named like a cloud's, or when the script says `kind`: "basic", "bearer", "acr", "gar", "ecr", "open" (no challenge),
"bucket" (where blobs are, behind a redirect). Settings:
    user, password   who is let in at kind "basic" or "bearer"; a cloud's kind wants what the cloud gave for it
    anonymous        true: everybody gets a Bearer token, as public repositories have it
    source           whose login the password has to come from ("static", "sts", "node-role", ...): a regular expression
    role, session    the same of an AWS role: its ARN, and the name of the session
    api              the host that gives passwords for it, where the environment moved it
    refuse           [status, ...]: passwords that were given are refused with it, one status each password
    bucket           a host: blobs are redirected to there
    tags             what there is (["1.0.0"])
Before a challenge nothing may be shown to a host."""
import base64
import gzip
import hashlib
import io
import json
import re
import tarfile
import time

import aws
import azure
import gcp
from state import Reply, need, same

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer():
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as g, tarfile.open(fileobj=g, mode="w", format=tarfile.USTAR_FORMAT) as t:
        info = tarfile.TarInfo("configmap.yaml")
        data = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fake}\n"
        info.size, info.mode = len(data), 0o644
        t.addfile(info, io.BytesIO(data))
    return out.getvalue()


LAYER, CONFIG = layer(), b"{}"
DOCUMENT = json.dumps({
    "schemaVersion": 2, "mediaType": MANIFEST,
    "config": {"mediaType": "application/vnd.cncf.flux.config.v1+json", "digest": digest(CONFIG), "size": len(CONFIG)},
    "layers": [{"mediaType": "application/vnd.cncf.flux.content.v1.tar+gzip", "digest": digest(LAYER), "size": len(LAYER)}]}).encode()
BLOBS = {digest(LAYER): LAYER, digest(CONFIG): CONFIG}


def kind_of(fake, host):
    kind = fake.settings(host).get("kind")
    if kind in ("basic", "bearer", "acr", "gar", "ecr", "open", "bucket"):
        return kind
    if host in aws.PUBLIC_REGISTRIES:
        return "ecr-public"
    if aws.api_host(host):
        return "ecr"
    if azure.REGISTRY.fullmatch(host):
        return "acr"
    return "gar" if gcp.REGISTRY.fullmatch(host) else None


# realm's path, service, scope
REALMS = {"acr": ("/oauth2/token", "{host}", "repository:{repository}:pull"), "gar": ("/v2/token", "{host}", "repository:{repository}:pull"),
          "bearer": ("/token", "{host}", "repository:{repository}:pull"), "ecr-public": ("/token/", "{host}", "aws")}


class Registry:
    name = "registry"

    def __init__(self, kind):
        self.kind = kind

    def serve(self, fake, q):
        need(not q.local, "a registry was asked as a local endpoint")
        if self.kind == "bucket":
            return self.bucket(q)
        if self.kind in REALMS and q.path == REALMS[self.kind][0]:
            self.name = "realm"
            return self.realm(fake, q)
        need(q.method in ("GET", "HEAD"), f"method {q.method}")
        m = re.fullmatch(r"/v2/(?:(.+)/(manifests|blobs|tags)/([^/]+))?", q.path)
        need(m, f"path {q.path!r}")
        shown = q.header("Authorization")
        if self.kind == "open":
            need(not shown, "a credential for a registry that never asked for one")
        else:
            need(not shown or q.host in fake.challenged, "a credential before the challenge")
            refusal = self.refuses(fake, q, shown, m[1])
            if refusal:
                return refusal
        return self.content(fake, q, *m.groups())

    def content(self, fake, q, repository, what, name):
        if what is None:
            return Reply(200, {})
        if what == "tags":
            same("what is below tags", "list", name)
            return Reply(200, {"name": repository, "tags": fake.setting(q, "tags", ["1.0.0"])})
        if what == "manifests":
            if name not in fake.setting(q, "tags", ["1.0.0"]) and name != digest(DOCUMENT):
                return self.error(404, "MANIFEST_UNKNOWN", "there is no such manifest")
            return Reply(200, DOCUMENT, MANIFEST, [("Docker-Content-Digest", digest(DOCUMENT))])
        if name not in BLOBS:
            return self.error(404, "BLOB_UNKNOWN", "there is no such blob")
        bucket = fake.setting(q, "bucket")
        if bucket:
            return Reply(307, b"", headers=[("Location", f"https://{bucket}/{name}?X-Amz-Signature=fake")])
        return Reply(200, BLOBS[name], "application/octet-stream")

    def bucket(self, q):
        need(not q.header("Authorization"), "the registry's credential was sent to where its blobs are")
        same("query", {"X-Amz-Signature": "fake"}, q.query)
        return Reply(200, BLOBS[q.path[1:]], "application/octet-stream")

    # ---- who is let in ---------------------------------------------------------------------------------------------

    def refuses(self, fake, q, shown, repository):
        """The refusal, or None."""
        if self.kind in ("ecr", "basic"):
            if shown:
                return self.judge(fake, q, shown)
            return self.challenge(fake, q, f'Basic realm="https://{q.host}/",service="ecr.amazonaws.com"')
        realm, service, scope = (part.format(host=q.host, repository=repository) for part in REALMS[self.kind])
        if shown:
            need(shown.startswith("Bearer "), f"Authorization {shown.split(' ')[0]!r} at a registry that wants a Bearer token")
            record = fake.token("registry token", shown[7:])
            same("the token's registry and scope", (q.host, scope), (record["host"], record["scope"]))
            status = fake.revoked.get((q.host, record["password"]))
            if not status:
                return None
        return self.challenge(fake, q, f'Bearer realm="https://{q.host}{realm}",service="{service}",scope="{scope}"')

    def challenge(self, fake, q, text):
        with fake.lock:
            fake.challenged.add(q.host)
        said = self.error(401, "UNAUTHORIZED", "authentication required")
        said.headers.append(("WWW-Authenticate", text))
        return said

    def judge(self, fake, q, shown):
        """Who shows a Basic credential: None, or the refusal."""
        need(shown.startswith("Basic "), f"Authorization {shown.split(' ')[0]!r} where Basic is wanted")
        user, _, password = base64.b64decode(shown[6:], validate=True).decode().partition(":")
        if self.kind in ("basic", "bearer") or fake.setting(q, "user"):
            same("user and password", (fake.setting(q, "user"), fake.setting(q, "password")), (user, password))
            return None
        with fake.lock:
            record = fake.passwords.get(password)
        need(record, f"password {password!r} was given to nobody")
        same("user", record["user"], user)
        if self.kind in ("ecr", "ecr-public"):
            same("the password's API", fake.setting(q, "api", aws.api_host(q.host)), record.get("api"))
        else:
            same("the password's registry", q.host, record["host"] or q.host)
        for what in ("source", "role", "session"):
            wanted = fake.setting(q, what)
            need(wanted is None or re.fullmatch(wanted, record.get(what) or ""), f"the password's {what}: wanted {wanted}, got {record.get(what)!r}")
        with fake.lock:
            if (q.host, password) not in fake.revoked and fake.setting(q, "refuse"):
                fake.revoked[q.host, password] = fake.setting(q, "refuse").pop(0)
            status = fake.revoked.get((q.host, password))
        if status is None:
            need(record["until"] > fake.now(q), "an expired password")
            return None
        if status == 401:
            return self.challenge(fake, q, self.again(q))
        return self.error(status, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")

    def again(self, q):
        return f'Basic realm="https://{q.host}/",service="ecr.amazonaws.com"'

    def realm(self, fake, q):
        same("method", "GET", q.method)
        _, service, scope = REALMS[self.kind]
        same("service", service.format(host=q.host), q.query.get("service"))
        if scope == "aws":
            same("scope", "aws", q.query.get("scope"))
        else:
            need(re.fullmatch(r"repository:[a-z0-9/._-]+:pull", q.query.get("scope", "")), f"scope {q.query.get('scope')!r}")
        shown, password = q.header("Authorization"), ""
        if shown:
            refusal = self.judge(fake, q, shown)
            if refusal:
                return refusal
            password = base64.b64decode(shown[6:]).decode().partition(":")[2]
        elif not fake.setting(q, "anonymous"):
            return self.error(401, "UNAUTHORIZED", "authentication required")
        token = fake.give_token("registry token", 300, host=q.host, scope=q.query["scope"], password=password)
        if self.kind == "acr":
            return Reply(200, {"access_token": token})
        return Reply(200, {"token": token, "expires_in": 300, "issued_at": aws.rfc3339(time.time())})

    def error(self, status, code, text):
        return Reply(status, {"errors": [{"code": code, "message": text}]}, headers=[("Docker-Distribution-Api-Version", "registry/2.0")])


def role(fake, host, path, local):
    kind = None if local else kind_of(fake, host)
    return Registry(kind) if kind else None
