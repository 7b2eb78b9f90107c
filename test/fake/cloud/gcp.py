"""The metadata server of Google's machines, the exchange of tokens, impersonation, the token server of key files, and a place that has the
token of an external account.

Settings of a host:
    the local listener
               email's scopes are checked; project, location, cluster
    sts.googleapis.com, or kind "google-sts"
               audiences: {audience: {"jwt": state.check_jwt, "scope"}}
    iamcredentials.googleapis.com, or kind "google-iam"
               emails: [who may be impersonated]
    kind "google-token"
               keys: [{"email", "kid", "key" (file of the public key)}]; refresh: [{"client_id", "client_secret", "refresh_token"}]
    kind "subject"
               want: {header: value}, text or json: what it says"""
import json
import re
import time

import jwt
from aws import rfc3339
from state import Reply, need, same

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
REGISTRY = re.compile(r"(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev|docker\.s3nsregistry\.fr")
USER = "oauth2accesstoken"
TOKEN = "urn:ietf:params:oauth:token-type:"


def give(fake, source, life=3599, **more):
    """An access token; it is a registry's password, too."""
    token = fake.give_token("google token", life, source=source, **more)
    with fake.lock:
        fake.passwords[token] = {"user": USER, "host": None, "until": time.time() + life, "source": source}
    return token


class Metadata:
    name = "metadata"

    def serve(self, fake, q):
        need(q.local, "the metadata server was asked through a proxy")
        same("method", "GET", q.method)
        same("Metadata-Flavor", "Google", q.header("Metadata-Flavor"))
        need(not q.header("X-Forwarded-For"), "X-Forwarded-For")
        what = q.path.removeprefix("/computeMetadata/v1/")
        flavor = [("Metadata-Flavor", "Google")]
        if not what:  # is there one at all
            return Reply(200, "instance/\nproject/\n", "application/text", flavor)
        if what == "instance/service-accounts/default/token":
            same("scopes", {CLOUD, EMAIL}, set(q.query.get("scopes", "").split(",")))
            life = fake.setting(q, "life", 3599)
            return Reply(200, {"access_token": give(fake, "metadata", life), "expires_in": life, "token_type": "Bearer"}, headers=flavor)
        facts = {"project/project-id": "project", "instance/attributes/cluster-location": "location", "instance/attributes/cluster-name": "cluster"}
        need(what in facts, f"path {q.path!r}")
        return Reply(200, fake.setting(q, facts[what], "fake-" + facts[what]), "application/text", flavor)

    def error(self, status, code, text):
        return Reply(status, text, "text/html", [("Metadata-Flavor", "Google")])


class Sts:
    name = "google-sts"

    def serve(self, fake, q):
        same("method and path", ("POST", "/v1/token", ""), (q.method, q.path, q.query_text))
        need(not q.header("Authorization"), "the exchange takes no Authorization here")
        form = q.form()
        same("fields", ["audience", "grant_type", "requested_token_type", "scope", "subject_token", "subject_token_type"], sorted(form))
        same("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange", form["grant_type"])
        same("requested_token_type", TOKEN + "access_token", form["requested_token_type"])
        same("subject_token_type", TOKEN + "jwt", form["subject_token_type"])
        audiences = fake.setting(q, "audiences", fake.script.get("google", {}))
        need(form["audience"] in audiences, f"audience {form['audience']!r} is none of this case")
        wanted = audiences[form["audience"]]
        same("scope", set(wanted.get("scope", [CLOUD, EMAIL])), set(form["scope"].split()))
        claims = fake.check_jwt(q, form["subject_token"], wanted["jwt"])
        token = give(fake, f"federated {claims.get('sub')}", kind_of="federated")
        return Reply(200, {"access_token": token, "issued_token_type": TOKEN + "access_token", "token_type": "Bearer", "expires_in": 3599})

    def error(self, status, code, text):
        return Reply(status, {"error": code, "error_description": text})


class Iam:
    name = "google-iam"

    def serve(self, fake, q):
        same("method", "POST", q.method)
        m = re.fullmatch(r"/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken", q.path)
        need(m, f"path {q.path!r}")
        bearer = q.header("Authorization") or ""
        need(bearer.startswith("Bearer "), "no Bearer token")
        record = fake.token("google token", bearer[7:])
        need(record["source"].startswith(("federated", "user")), f"impersonation with the token of {record['source']}")
        emails = fake.setting(q, "emails", fake.script.get("emails", []))
        need(m[1] in emails, f"{m[1]!r} is none of this case")
        same("Content-Type", "application/json", (q.header("Content-Type") or "").split(";")[0])
        body = json.loads(q.body)
        same("members", ["lifetime", "scope"], sorted(k for k in body if k != "delegates"))
        same("lifetime", "3600s", body["lifetime"])
        same("scope", {CLOUD, EMAIL}, set(body["scope"]))
        return Reply(200, {"accessToken": give(fake, f"impersonated {m[1]}", 3600), "expireTime": rfc3339(time.time() + 3600)})

    def error(self, status, code, text):
        return Reply(status, {"error": {"code": status, "message": text, "status": code}})


class Token:
    name = "google-token"

    def serve(self, fake, q):
        same("method", "POST", q.method)
        form = q.form()
        if form.get("grant_type") == "refresh_token":
            same("the refresh grant", True, {k: v for k, v in form.items() if k != "grant_type"} in fake.setting(q, "refresh", []))
            return Reply(200, {"access_token": give(fake, "user", 3599), "expires_in": 3599, "scope": CLOUD, "token_type": "Bearer"})
        same("fields", ["assertion", "grant_type"], sorted(form))
        same("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", form["grant_type"])
        token = fake.know("JWT", form["assertion"])
        unchecked = json.loads(jwt.decode(token.split(".")[1]))
        key = next((k for k in fake.setting(q, "keys", []) if k["email"] == unchecked.get("iss")), None)
        need(key, f"iss {unchecked.get('iss')!r} is none of this case")
        claims = fake.check_jwt(q, token, {"key": key["key"], "aud": f"https://{q.host}{q.path}"})
        header = json.loads(jwt.decode(token.split(".")[0]))
        same("header", {"alg": "RS256", "typ": "JWT", "kid": key["kid"]}, header)
        same("claims", ["aud", "exp", "iat", "iss", "scope"], sorted(set(claims) - {"sub"}))
        same("scope", {CLOUD, EMAIL}, set(claims["scope"].split(" ")))
        same("life", 3600, claims["exp"] - claims["iat"])
        need(abs(claims["iat"] - fake.now(q)) <= 60, f"iat is {claims['iat'] - fake.now(q):.0f} s away from now")
        return Reply(200, {"access_token": give(fake, f"key of {claims['iss']}"), "expires_in": 3599, "token_type": "Bearer"})

    def error(self, status, code, text):
        return Reply(status, {"error": code, "error_description": text})


class Subject:
    name = "subject"

    def serve(self, fake, q):
        same("method", "GET", q.method)
        for name, value in fake.setting(q, "want", {}).items():
            same(name, value, q.header(name))
        if "json" in fake.settings(q.host):
            return Reply(200, fake.setting(q, "json"))
        return Reply(200, fake.setting(q, "text"), "text/plain")

    def error(self, status, code, text):
        return Reply(status, {"error": code, "message": text})


KINDS = {"google-sts": Sts, "google-iam": Iam, "google-token": Token, "subject": Subject}


def role(fake, host, path, local):
    if local:
        return Metadata() if path.startswith("/computeMetadata/v1/") else None
    if host == "sts.googleapis.com":
        return Sts()
    if host == "iamcredentials.googleapis.com":
        return Iam()
    kind = KINDS.get(fake.settings(host).get("kind"))
    return kind() if kind else None
