"""STS, ECR, public ECR, and what gives credentials to what runs inside AWS: IMDS, and the container endpoint of ECS and EKS.

Settings of a host:
    sts        role, session (regular expression), jwt (state.check_jwt); or roles: {ARN: {"jwt", "session"}};
               life, token (of the session: any text), no_expiration
    ecr        life (of a password, seconds), skew, region (of a host that has none in its name)
               kind "sts" or "ecr-api" makes another host to one of them
    the local listener
               role_name, v1 (no token needed), life
               authorization (what the container endpoint has to be shown; {"file": PATH}: what is in there now), no_expiration"""
import base64
import calendar
import hmac
import json
import re
import time

import sigv4
from state import Reply, need, same

REGION = r"[a-z0-9-]{1,32}"
SUFFIX = r"(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
API_SUFFIX = r"(?:api\.aws|api\.amazonwebservices\.com\.cn)"
STS = re.compile(rf"sts(?:-fips)?\.({REGION})\.(?:{SUFFIX}|{API_SUFFIX})")
ECR = re.compile(rf"api\.ecr(?:-fips)?\.({REGION})\.{SUFFIX}|ecr(?:-fips)?\.({REGION})\.{API_SUFFIX}")
PUBLIC = "api.ecr-public.us-east-1.amazonaws.com"
PUBLIC_REGISTRIES = ("public.ecr.aws", "ecr-public.aws.com")
REGISTRY = re.compile(rf"(\d{{12}})\.dkr(\.ecr|-ecr)(-fips)?\.({REGION})\.(.+)")
SUFFIX_OF_REGISTRY = re.compile(SUFFIX)


def api_host(registry):
    """Where the password of a registry comes from; None: it is none of AWS's."""
    if registry in PUBLIC_REGISTRIES:
        return PUBLIC
    m = REGISTRY.fullmatch(registry)
    if not m:
        return None
    _, form, fips, region, suffix = m.groups()
    fips = fips or ""
    if form == ".ecr" and SUFFIX_OF_REGISTRY.fullmatch(suffix):
        return f"api.ecr{fips}.{region}.{suffix}"
    if form == "-ecr" and suffix == "on.aws":
        return f"ecr{fips}.{region}.api.aws"
    if form == "-ecr" and suffix == "on.amazonwebservices.com.cn":
        return f"ecr{fips}.{region}.api.amazonwebservices.com.cn"
    return None


def rfc3339(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def new_key(fake, q, source, token=None, **more):
    """Credentials that are good for a while: {"id", "secret", "token", "until"}."""
    n = fake.count("aws key")
    key = {"id": f"ASIAFAKE{n:012d}", "secret": fake.make("aws secret key"), "token": token or fake.make("aws session"),
           "until": time.time() + fake.setting(q, "life", 3600), "source": source, **more}
    fake.know("aws session", key["token"])
    with fake.lock:
        fake.keys[key["id"]] = key
    return key


def escape(text):
    """XML text, with every form of reference that there is."""
    for char, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&#x3E;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(char, name)
    return text


class Sts:
    name = "sts"

    def serve(self, fake, q):
        same("method and path", ("POST", "/", ""), (q.method, q.path, q.query_text))
        need(not q.header("Authorization"), "AssumeRoleWithWebIdentity is not signed")
        form = q.form()
        same("fields", ["Action", "RoleArn", "RoleSessionName", "Version", "WebIdentityToken"], sorted(form))
        same("Action", "AssumeRoleWithWebIdentity", form["Action"])
        same("Version", "2011-06-15", form["Version"])
        roles = fake.setting(q, "roles", fake.script.get("roles"))
        role = form["RoleArn"]
        if roles:
            need(role in roles, f"RoleArn {role!r} is none of this case")
            wanted = roles[role]
        else:
            same("RoleArn", fake.setting(q, "role", fake.script.get("role")), role)
            wanted = {"jwt": fake.setting(q, "jwt", fake.script.get("jwt")), "session": fake.setting(q, "session", fake.script.get("session"))}
        session = form["RoleSessionName"]
        need(re.fullmatch(r"[\w+=,.@-]{2,64}", session), f"RoleSessionName {session!r} is none: 2 to 64 of [A-Za-z0-9_+=,.@-]")
        need(re.fullmatch(wanted.get("session") or ".*", session), f"RoleSessionName {session!r}, wanted {wanted.get('session')}")
        fake.check_jwt(q, form["WebIdentityToken"], wanted["jwt"])
        key = new_key(fake, q, "sts", fake.setting(q, "token"), role=role, session=session)
        expiration = "" if fake.setting(q, "no_expiration") else f"<Expiration>{rfc3339(key['until'])}</Expiration>"
        body = f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <!-- SecretAccessKey of nobody: <SecretAccessKey>no</SecretAccessKey> -->
  <AssumeRoleWithWebIdentityResult>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser><AssumedRoleId>AROA1:{session}</AssumedRoleId><Arn>{role}/{session}</Arn></AssumedRoleUser>
    <Provider>arn:aws:iam::1:oidc-provider/fake</Provider>
    <Credentials>
      <AccessKeyId>{key['id']}</AccessKeyId><SecretAccessKey>{key['secret']}</SecretAccessKey>
      <SessionToken>{escape(key['token'])}</SessionToken>{expiration}
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>fake</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>
"""
        return Reply(200, body, "text/xml", values={**key, "good": body})

    def error(self, status, code, text):
        return Reply(status, f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(text)}</Message></Error>
  <RequestId>fake</RequestId>
</ErrorResponse>
""", "text/xml")


class Ecr:
    name = "ecr"

    def __init__(self, public=False):
        self.service = "ecr-public" if public else "ecr"
        self.target = ("SpencerFrontendService" if public else "AmazonEC2ContainerRegistry_V20150921") + ".GetAuthorizationToken"

    def region(self, fake, q):
        if self.service == "ecr-public":
            return "us-east-1"
        m = ECR.fullmatch(q.host)
        return fake.setting(q, "region") or m[1] or m[2]

    def serve(self, fake, q):
        same("method and path", ("POST", "/", ""), (q.method, q.path, q.query_text))
        same("Content-Type", "application/x-amz-json-1.1", q.header("Content-Type"))
        same("X-Amz-Target", self.target, q.header("X-Amz-Target"))
        same("body", b"{}", q.body)
        key = self.check_signature(fake, q)
        away = self.time_away(fake, q)
        if abs(away) > 300:
            need(fake.setting(q, "skew"), f"X-Amz-Date is {away:.0f} s away from now")
            return self.error(400, "InvalidSignatureException",
                              f"Signature expired: {q.header('X-Amz-Date')} is now earlier than {time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(fake.now(q)))}")
        password = fake.make("ecr password")
        until = fake.now(q) + fake.setting(q, "life", 43200)
        with fake.lock:
            fake.passwords[password] = {"user": "AWS", "api": q.host, "until": until, "source": key["source"], "role": key.get("role"),
                                        "session": key.get("session")}
        pair = base64.b64encode(f"AWS:{password}".encode()).decode()
        fake.know("authorization token", pair)
        data = {"authorizationToken": pair, "expiresAt": round(until, 3)}
        if self.service == "ecr-public":
            return Reply(200, {"authorizationData": data}, "application/x-amz-json-1.1", values=data)
        return Reply(200, {"authorizationData": [{**data, "proxyEndpoint": f"https://1.{q.host}"}]}, "application/x-amz-json-1.1", values=data)

    def time_away(self, fake, q):
        return fake.now(q) - calendar.timegm(time.strptime(q.header("X-Amz-Date"), "%Y%m%dT%H%M%SZ"))

    def check_signature(self, fake, q):
        m = sigv4.AUTHORIZATION.fullmatch(q.header("Authorization") or "")
        need(m, f"Authorization {q.header('Authorization')!r} is no signature")
        key_id, date, region, service, signed, given = m.groups()
        signed = signed.split(";")
        need(re.fullmatch(r"\d{8}T\d{6}Z", q.header("X-Amz-Date") or ""), f"X-Amz-Date {q.header('X-Amz-Date')!r}")
        same("date in the scope", q.header("X-Amz-Date")[:8], date)
        same("region in the scope", self.region(fake, q), region)
        same("service in the scope", self.service, service)
        with fake.lock:
            key = fake.keys.get(key_id)
        need(key, f"key {key_id!r} was never given to anybody")
        need(key["until"] > time.time(), f"key {key_id!r} has expired")
        same("X-Amz-Security-Token", key["token"] or None, q.header("X-Amz-Security-Token"))
        headers = {name.lower(): value for name, value in q.headers.items()}
        need(signed == sorted(signed), "the signed headers are not in order")
        must = {"host"} | {name for name in headers if name.startswith("x-amz-")} | ({"content-type"} & set(headers))
        need(must <= set(signed), f"not signed: {sorted(must - set(signed))}")
        need(set(signed) <= set(headers), f"signed, but not sent: {sorted(set(signed) - set(headers))}")
        request = sigv4.canonical_request(q.method, q.path, q.query_text, headers, signed, q.body)
        wanted = sigv4.signature(key["secret"], q.header("X-Amz-Date"), region, service, request)
        need(hmac.compare_digest(wanted, given), f"signature {given}, wanted {wanted} of {request!r}")
        return key

    def error(self, status, code, text):
        return Reply(status, {"__type": f"com.amazonaws.ecr#{code}", "message": text}, "application/x-amz-json-1.1",
                     [("X-Amzn-ErrorType", code)])


class Imds:
    name = "imds"

    def serve(self, fake, q):
        need(q.local, "the metadata service was asked through a proxy")
        if q.path == "/latest/api/token":
            same("method", "PUT", q.method)
            life = q.header("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") or ""
            need(life.isdigit() and 1 <= int(life) <= 21600, f"X-Aws-Ec2-Metadata-Token-Ttl-Seconds {life!r}")
            return Reply(200, fake.give_token("imds token", int(life)), "text/plain",
                         [("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", life)])
        same("method", "GET", q.method)
        token = q.header("X-Aws-Ec2-Metadata-Token")
        if token is None:
            need(fake.setting(q, "v1"), "no X-Aws-Ec2-Metadata-Token")
        else:
            fake.token("imds token", token)
        role = fake.setting(q, "role_name", "node-role")
        base = "/latest/meta-data/iam/security-credentials/"
        if q.path == base:
            return Reply(200, role + "\n", "text/plain")
        same("path", base + role, q.path)
        key = new_key(fake, q, "imds")
        return Reply(200, {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": rfc3339(time.time()), "AccessKeyId": key["id"],
                           "SecretAccessKey": key["secret"], "Token": key["token"], "Expiration": rfc3339(key["until"])}, "text/plain")

    def error(self, status, code, text):
        return Reply(status, f"<html><head><title>{status} - {code}</title></head><body>{text}</body></html>", "text/html")


class Container:
    name = "container"

    def serve(self, fake, q):
        need(q.local, "the container's credentials were asked for through a proxy")
        same("method", "GET", q.method)
        need("json" in (q.header("Accept") or ""), f"Accept {q.header('Accept')!r}")
        wanted = fake.setting(q, "authorization")
        if isinstance(wanted, dict):
            with open(wanted["file"], newline="") as f:
                wanted = f.read()
        same("Authorization", wanted, q.header("Authorization"))
        key = new_key(fake, q, "container")
        answer = {"AccessKeyId": key["id"], "SecretAccessKey": key["secret"], "Token": key["token"], "AccountId": "123456789012",
                  "Expiration": rfc3339(key["until"])}
        if fake.setting(q, "no_expiration"):
            del answer["Expiration"]
        return Reply(200, answer)

    def error(self, status, code, text):
        return Reply(status, {"code": code, "message": text})


def role(fake, host, path, local):
    if local:
        if path.startswith("/latest/"):
            return Imds()
        return Container() if re.match(r"/v[12]/credentials", path) else None
    kind = fake.settings(host).get("kind")
    if host == PUBLIC:
        return Ecr(public=True)
    if ECR.fullmatch(host) or kind == "ecr-api":
        return Ecr()
    return Sts() if STS.fullmatch(host) or kind == "sts" else None
