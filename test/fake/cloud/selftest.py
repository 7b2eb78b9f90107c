"""The fake held to known answers, and to requests that it must not take: a fake that lets everything through would prove nothing."""
import base64
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import aws
import azure
import gcp
import jwt
import server
import sigv4
from state import Fake

ID, SECRET, SESSION = "AKIAOCISOURCETEST001", "oci-source-controller/test+secret/key0001", "IQoJtestSession//Token+0001=="
TIME, TARGET = "20260131T093000Z", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
counts = {True: 0, False: 0}


def check(name, wanted, got):
    counts[wanted == got] += 1
    if wanted != got:
        print(f"FAIL  fake-cloud: {name}\n      wanted: {wanted!r}\n      got:    {got!r}")


def vector():
    headers = {"content-type": "application/x-amz-json-1.1", "host": "api.ecr.eu-west-1.amazonaws.com", "x-amz-date": TIME,
               "x-amz-security-token": SESSION, "x-amz-target": TARGET}
    for name, length, digest, signature in (
            ("with a session", 364, "56672aa8e052ea2c448473e03350e10f25f97cfd2288dd94d77b9be1ae604485",
             "28d0b322a48247d5562be85c97eb8e460e4d38768654e6153ecdba47ff5105c9"),
            ("without", 292, "010057867348d46afd2859846ec2e9f24b9427cd49145639282b74905f82f0c0",
             "0cae00088fd5d9740bfdc6499063b079678692b9d976d0d21d9dbf1f8efe6907")):
        request = sigv4.canonical_request("POST", "/", "", headers, sorted(headers), b"{}")
        check(f"canonical request {name}", (length, digest), (len(request), sigv4.sha256(request.encode())))
        check(f"signature {name}", signature, sigv4.signature(SECRET, TIME, "eu-west-1", "ecr", request))
        headers.pop("x-amz-security-token", None)
    check("signing key", "b348d0c7281dbb256acb3949c95aec3cb89fe8ab95acf106b11c8b475721ec13",
          sigv4.signing_key(SECRET, "20260131", "eu-west-1", "ecr").hex())


def hosts():
    for registry, api in ((REGISTRY, "api.ecr.eu-west-1.amazonaws.com"), ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "api.ecr-fips.us-east-1.amazonaws.com"),
                          ("123456789012.dkr-ecr-fips.us-east-1.on.aws", "ecr-fips.us-east-1.api.aws"),
                          ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "api.ecr.cn-north-1.amazonaws.com.cn"),
                          ("123456789012.dkr-ecr.eu-west-1.on.aws", "ecr.eu-west-1.api.aws"), ("public.ecr.aws", aws.PUBLIC),
                          ("12345678901.dkr.ecr.eu-west-1.amazonaws.com", None), (REGISTRY + ".evil.example", None), ("aXdkr.ecr.eu.amazonaws.com", None)):
        check(f"API of {registry}", api, aws.api_host(registry))


def tokens(folder):
    for name in ("a", "b"):
        subprocess.run(["openssl", "genrsa", "-out", f"{folder}/{name}.key", "2048"], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["openssl", "rsa", "-in", f"{folder}/{name}.key", "-pubout", "-out", f"{folder}/{name}.pub"], check=True, stderr=subprocess.DEVNULL)
    token = jwt.make({"sub": "x"}, f"{folder}/a.key", kid="1")
    pems = {name: open(f"{folder}/{name}.pub").read() for name in ("a", "b")}
    check("a token and its key", ({"alg": "RS256", "typ": "JWT", "kid": "1"}, {"sub": "x"}), jwt.check(token, pems["a"]))
    head, body, signature = token.split(".")
    for name, text, pem in (("of another key", token, pems["b"]), ("with other claims", f"{head}.{jwt.encode(b'{}')}.{signature}", pems["a"]),
                            ("with alg none", f"{jwt.encode(json.dumps({'alg': 'none'}).encode())}.{body}.", pems["a"]), ("unsigned", jwt.make({}, None), pems["a"]),
                            ("in two parts", head + "." + body, pems["a"])):
        try:
            jwt.check(text, pem)
            check(f"a token {name}", "refused", "taken")
        except ValueError:
            check(f"a token {name}", "refused", "refused")


class Client:
    """Asks a host through the fake's proxy."""

    def __init__(self, folder, ports):
        self.ports = ports
        self.trust = ssl.create_default_context(cafile=f"{folder}/ca.pem")

    def ask(self, host, method, path, body=b"", headers=None, proxy="proxy"):
        c = http.client.HTTPSConnection("127.0.0.1", self.ports[proxy], context=self.trust, timeout=20)
        c.set_tunnel(host)
        return self.finish(c, method, path, body, headers)

    def local(self, method, path, body=b"", headers=None, port="local"):
        return self.finish(http.client.HTTPConnection("127.0.0.1", self.ports[port], timeout=20), method, path, body, headers)

    def finish(self, c, method, path, body, headers):
        try:
            c.request(method, path, body or None, headers or {})
            r = c.getresponse()
            return r.status, r.read(), r.headers
        except OSError as e:
            return str(e), b"", {}
        finally:
            c.close()

    def sign(self, host, secret=SECRET, at=None, region="eu-west-1", drop=(), **more):
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at or time.time()))
        headers = {"content-type": "application/x-amz-json-1.1", "host": host, "x-amz-date": at, "x-amz-security-token": SESSION, "x-amz-target": TARGET}
        signed = sorted(set(headers) - set(drop))
        request = sigv4.canonical_request("POST", "/", "", headers, signed, b"{}")
        return {**headers, **more, "authorization": f"AWS4-HMAC-SHA256 Credential={ID}/{at[:8]}/{region}/ecr/aws4_request, "
                f"SignedHeaders={';'.join(signed)}, Signature={sigv4.signature(secret, at, region, 'ecr', request)}"}


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def ecr(c):
    host, manifest = "api.ecr.eu-west-1.amazonaws.com", "/v2/app/manifests/1.0.0"
    c.local("POST", "/script", json.dumps({"aws_keys": {ID: {"secret": SECRET, "token": SESSION}}}), port="control")
    check("a password that nobody gave, before the challenge", 599, c.ask(REGISTRY, "GET", manifest, headers=basic("AWS", "x"))[0])
    status, _, headers = c.ask(REGISTRY, "GET", manifest)
    check("the challenge", (401, f'Basic realm="https://{REGISTRY}/",service="ecr.amazonaws.com"'), (status, headers["WWW-Authenticate"]))
    check("a password that nobody gave", 599, c.ask(REGISTRY, "GET", manifest, headers=basic("AWS", "x"))[0])
    for name, how in (("of another secret", c.sign(host, "other")), ("of another region", c.sign(host, region="eu-west-2")),
                      ("with a changed header", c.sign(host, **{"x-amz-target": "Other"})), ("with a time of before", c.sign(host, at=time.time() - 600)),
                      ("that leaves the target out", c.sign(host, drop=["x-amz-target"])), ("with another session", c.sign(host, **{"x-amz-security-token": "x"}))):
        check(f"a signature {name}", 599, c.ask(host, "POST", "/", b"{}", how)[0])
    check("another body", 599, c.ask(host, "POST", "/", b"{ }", c.sign(host))[0])
    status, body, _ = c.ask(host, "POST", "/", b"{}", c.sign(host))
    check("a good signature", 200, status)
    user, _, password = base64.b64decode(json.loads(body)["authorizationData"][0]["authorizationToken"]).decode().partition(":")
    check("the user", "AWS", user)
    status, body, _ = c.ask(REGISTRY, "GET", manifest, headers=basic(user, password))
    check("the password", 200, status)
    blob = json.loads(body)["layers"][0]["digest"]
    status, body, _ = c.ask(REGISTRY, "GET", f"/v2/app/blobs/{blob}", headers=basic(user, password))
    check("the layer", (200, blob), (status, "sha256:" + sigv4.sha256(body)))
    c.local("POST", "/revoke", json.dumps({"host": REGISTRY, "status": 403}), port="control")
    check("a password that was taken back", 403, c.ask(REGISTRY, "GET", manifest, headers=basic(user, password))[0])
    for answers, wanted in (({"error": "ThrottlingException", "status": 400}, 400), ({"raw": "x"}, 200), ({"reset": True}, "reset")):
        c.local("POST", "/script", json.dumps({"hosts": {host: {"answers": [answers]}}}), port="control")
        status, _, _ = c.ask(host, "POST", "/", b"{}", c.sign(host))
        check(f"scripted: {answers}", wanted, status if isinstance(status, int) else "reset")
        check("and only once", 200, c.ask(host, "POST", "/", b"{}", c.sign(host))[0])


def form(**fields):
    return urllib.parse.urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"}


def exchanges(c, folder):
    now = int(time.time())
    good = jwt.make({"iss": "i", "sub": "s", "aud": "sts.amazonaws.com", "exp": now + 60}, f"{folder}/a.key")
    wanted = {"key": f"{folder}/a.pub", "aud": "sts.amazonaws.com", "sub": "s"}
    sts = dict(Action="AssumeRoleWithWebIdentity", Version="2011-06-15", RoleArn="arn:1", RoleSessionName="name", WebIdentityToken=good)
    c.local("POST", "/script", json.dumps({"role": "arn:1", "jwt": wanted, "entra": [{"tenant": "t", "client": "c", "secret": "s3cret"}]}), port="control")
    host = "sts.eu-west-1.amazonaws.com"
    check("STS", 200, c.ask(host, "POST", "/", *form(**sts))[0])
    for name, fields in (("another role", {"RoleArn": "arn:2"}), ("a long session", {"RoleSessionName": "x" * 65}), ("one field more", {"DurationSeconds": "900"}),
                         ("another subject", {"WebIdentityToken": jwt.make({"sub": "o", "aud": "sts.amazonaws.com", "exp": now + 60}, f"{folder}/a.key")}),
                         ("an old token", {"WebIdentityToken": jwt.make({"sub": "s", "aud": "sts.amazonaws.com", "exp": now - 60}, f"{folder}/a.key")}),
                         ("another's token", {"WebIdentityToken": jwt.make({"sub": "s", "aud": "sts.amazonaws.com", "exp": now + 60}, f"{folder}/b.key")})):
        check(f"STS, {name}", 599, c.ask(host, "POST", "/", *form(**{**sts, **fields}))[0])
    entra = dict(grant_type="client_credentials", client_id="c", client_secret="s3cret", scope=azure.PUBLIC_SCOPE)
    status, body, _ = c.ask("login.microsoftonline.com", "POST", "/t/oauth2/v2.0/token", *form(**entra))
    check("Entra", 200, status)
    token = json.loads(body)["access_token"]
    check("Entra, another tenant", 599, c.ask("login.microsoftonline.com", "POST", "/u/oauth2/v2.0/token", *form(**entra))[0])
    check("Entra, another secret", 599, c.ask("login.microsoftonline.com", "POST", "/t/oauth2/v2.0/token", *form(**{**entra, "client_secret": "x"}))[0])
    exchange = dict(grant_type="access_token", service="x.azurecr.io", access_token=token)
    path = "/oauth2/exchange?api-version=2021-07-01"
    status, body, _ = c.ask("x.azurecr.io", "POST", path, *form(**exchange))
    check("the exchange", 200, status)
    refresh = json.loads(body)["refresh_token"]
    check("the exchange, another service", 599, c.ask("x.azurecr.io", "POST", path, *form(**{**exchange, "service": "y.azurecr.io"}))[0])
    check("the exchange, any token", 599, c.ask("x.azurecr.io", "POST", path, *form(**{**exchange, "access_token": "x"}))[0])
    realm = "/oauth2/token?service=x.azurecr.io&scope=repository%3Aapp%3Apull"
    check("a realm without a credential", 401, c.ask("x.azurecr.io", "GET", realm)[0])
    status, body, _ = c.ask("x.azurecr.io", "GET", realm, headers=basic(azure.USER, refresh))
    check("a realm", 200, status)
    c.ask("x.azurecr.io", "GET", "/v2/app/manifests/1.0.0")
    bearer = {"Authorization": "Bearer " + json.loads(body)["access_token"]}
    check("a registry with its token", 200, c.ask("x.azurecr.io", "GET", "/v2/app/manifests/1.0.0", headers=bearer)[0])
    check("another repository with that token", 599, c.ask("x.azurecr.io", "GET", "/v2/other/manifests/1.0.0", headers=bearer)[0])


def google(c, folder):
    now = int(time.time())
    scopes = f"{gcp.CLOUD} {gcp.EMAIL}"
    claims = {"iss": "me@p", "scope": scopes, "aud": "https://oauth2.googleapis.com/token", "iat": now, "exp": now + 3600}
    subject = jwt.make({"sub": "s", "aud": ["//iam/p"], "exp": now + 60}, f"{folder}/a.key")
    c.local("POST", "/script", json.dumps({
        "google": {"//iam/p": {"jwt": {"key": f"{folder}/a.pub", "aud": "//iam/p"}}}, "emails": ["me@p"],
        "hosts": {"oauth2.googleapis.com": {"kind": "google-token", "keys": [{"email": "me@p", "kid": "1", "key": f"{folder}/a.pub"}]}}}), port="control")

    def assertion(key="a", kid="1", **more):
        made = jwt.make({**claims, **more}, f"{folder}/{key}.key", kid=kid)
        return c.ask("oauth2.googleapis.com", "POST", "/token", *form(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=made))[0]
    check("a key file's assertion", 200, assertion())
    for name, how in (("of another key", {"key": "b"}), ("with another kid", {"kid": "2"}), ("for another place", {"aud": "https://other/token"}),
                      ("for two hours", {"exp": now + 7200}), ("of tomorrow", {"iat": now + 86400, "exp": now + 90000}), ("with another scope", {"scope": gcp.CLOUD})):
        check(f"a key file's assertion {name}", 599, assertion(**how))
    exchange = dict(audience="//iam/p", grant_type="urn:ietf:params:oauth:grant-type:token-exchange", requested_token_type=gcp.TOKEN + "access_token",
                    scope=scopes, subject_token_type=gcp.TOKEN + "jwt", subject_token=subject)
    status, body, _ = c.ask("sts.googleapis.com", "POST", "/v1/token", *form(**exchange))
    check("the exchange of a token", 200, status)
    for name, fields in (("of another audience", {"audience": "//iam/q"}), ("with another scope", {"scope": gcp.CLOUD}), ("of rubbish", {"subject_token": "a.b.c"})):
        check(f"the exchange of a token {name}", 599, c.ask("sts.googleapis.com", "POST", "/v1/token", *form(**{**exchange, **fields}))[0])
    federated = {"Authorization": "Bearer " + json.loads(body)["access_token"], "Content-Type": "application/json"}
    order = json.dumps({"lifetime": "3600s", "scope": [gcp.CLOUD, gcp.EMAIL]})

    def impersonate(who, headers, what=order):
        return c.ask("iamcredentials.googleapis.com", "POST", f"/v1/projects/-/serviceAccounts/{who}:generateAccessToken", what, headers)
    status, body, _ = impersonate("me@p", federated)
    check("impersonation", 200, status)
    check("impersonation of another", 599, impersonate("you@p", federated)[0])
    check("impersonation by nobody", 599, impersonate("me@p", {"Content-Type": "application/json"})[0])
    check("impersonation for long", 599, impersonate("me@p", federated, order.replace("3600s", "43200s"))[0])
    host, realm = "europe-docker.pkg.dev", "/v2/token?service=europe-docker.pkg.dev&scope=repository%3Aapp%3Apull"
    token = json.loads(body)["accessToken"]
    check("a registry before its challenge", 599, c.ask(host, "GET", "/v2/", headers={"Authorization": "Bearer x"})[0])
    check("a registry's realm", 200, c.ask(host, "GET", realm, headers=basic(gcp.USER, token))[0])
    check("a registry's realm, another user", 599, c.ask(host, "GET", realm, headers=basic("me", token))[0])


def nodes(c, folder):
    with open(f"{folder}/token", "w") as f:
        f.write("agent")
    c.local("POST", "/script", json.dumps({"hosts": {"local": {"authorization": {"file": f"{folder}/token"}, "header": "h", "client": "c"}}}), port="control")
    accept = {"Accept": "application/json"}
    check("a container's credentials", 200, c.local("GET", "/v1/credentials", headers={**accept, "Authorization": "agent"})[0])
    check("a container's credentials with a scheme", 599, c.local("GET", "/v1/credentials", headers={**accept, "Authorization": "Bearer agent"})[0])
    query = "resource=https%3A%2F%2Fcontainerregistry.azure.net&client_id=c"
    vm = f"/metadata/identity/oauth2/token?api-version=2018-02-01&{query}"
    check("a virtual machine's identity", 200, c.local("GET", vm, headers={"Metadata": "true"})[0])
    check("a virtual machine's identity without Metadata", 599, c.local("GET", vm)[0])
    check("another client's", 599, c.local("GET", vm + "d", headers={"Metadata": "true"})[0])
    app = f"/msi/token?api-version=2019-08-01&{query}"
    check("App Service's", 200, c.local("GET", app, headers={"X-IDENTITY-HEADER": "h"})[0])
    check("App Service's with another header", 599, c.local("GET", app, headers={"X-IDENTITY-HEADER": "i"})[0])


def ways(c):
    check("any other host", True, "599" in str(c.ask("example.com", "GET", "/")[0]))
    check("another port", True, "599" in str(c.ask("public.ecr.aws:444", "GET", "/v2/")[0]))
    check("a proxy with a password", True, "407" in str(c.ask("public.ecr.aws", "GET", "/v2/", proxy="tenant")[0]))
    check("plain http through the proxy", 599, c.local("GET", "http://169.254.169.254/latest/api/token", port="proxy")[0])
    check("a metadata service through the proxy", 599, c.ask("public.ecr.aws", "GET", "/latest/meta-data/iam/security-credentials/")[0])
    check("IMDS without a token", 599, c.local("GET", "/latest/meta-data/iam/security-credentials/")[0])
    status, token, _ = c.local("PUT", "/latest/api/token", headers={"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": "300"})
    check("IMDS's token", 200, status)
    check("IMDS's role", (200, b"node-role\n"), c.local("GET", "/latest/meta-data/iam/security-credentials/",
                                                        headers={"X-Aws-Ec2-Metadata-Token": token.decode()})[:2])
    check("IMDS, any token", 599, c.local("GET", "/latest/meta-data/iam/security-credentials/", headers={"X-Aws-Ec2-Metadata-Token": "x"})[0])
    check("Google's metadata without its header", 599, c.local("GET", "/computeMetadata/v1/project/project-id")[0])
    check("Google's metadata", (200, b"fake-project"), c.local("GET", "/computeMetadata/v1/project/project-id", headers={"Metadata-Flavor": "Google"})[:2])
    wrong = c.local("GET", "/wrong", port="control")[1].decode().splitlines()
    check("what was wrong is told", True, len(wrong) > 20 and any(l.startswith("example.com: ") for l in wrong))
    secrets = c.local("GET", "/secrets", port="control")[1].decode().splitlines()
    check("secrets are told", True, SECRET in secrets and token.decode() in secrets)
    c.local("POST", "/reset", port="control")
    check("and forgotten", b"", c.local("GET", "/log", port="control")[1])


def main():
    with tempfile.TemporaryDirectory() as folder:
        vector()
        hosts()
        tokens(folder)
        fake = Fake(os.devnull)
        certificates = server.Certificates(folder)
        ports = {name: server.Listener(name, handler, fake, certificates, password=password).port for name, handler, password in (
            ("proxy", server.ProxyHandler, None), ("tenant", server.ProxyHandler, "a:b"), ("local", server.Handler, None),
            ("control", server.ControlHandler, None))}
        c = Client(folder, ports)
        ecr(c)
        exchanges(c, folder)
        google(c, folder)
        nodes(c, folder)
        ways(c)
    print(f"fake-cloud: {counts[True]} passed, {counts[False]} failed")
    return 1 if counts[False] else 0
