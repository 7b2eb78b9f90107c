"""Entra, the managed identities of a virtual machine and of App Service, and the exchange at the registry.

Settings of a host:
    entra, or kind "entra"
               clients: [{"tenant", "client", "scope", and "secret" or "jwt" (state.check_jwt)}]; text_expiry (expires_in as a string);
               discovery (the questions of other clients are answered)
    the local listener
               resource, client (null: none is named), header (App Service's)
    registry   life (of a refresh token), exp (a value in place of the claim; null: none)"""
import re
import time

import jwt
from state import Reply, need, same

PUBLIC_SCOPE = "https://containerregistry.azure.net/.default"
AUTHORITIES = ("login.microsoftonline.com", "login.chinacloudapi.cn", "login.microsoftonline.us")
REGISTRY = re.compile(r"(?:[a-z0-9-]+\.)+azurecr\.(?:io|cn|us|de)")
USER = "00000000-0000-0000-0000-000000000000"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Entra:
    name = "entra"

    def serve(self, fake, q):
        if fake.setting(q, "discovery") and q.method == "GET":
            return self.discovery(q)
        same("method", "POST", q.method)
        same("query", "", q.query_text)
        m = re.fullmatch(r"/([A-Za-z0-9.-]+)/oauth2/v2\.0/token", q.path)
        need(m, f"path {q.path!r}")
        form = q.form()
        clients = fake.setting(q, "clients", fake.script.get("entra", []))
        wanted = next((c for c in clients if (c["tenant"], c["client"]) == (m[1], form.get("client_id"))), None)
        need(wanted, f"tenant {m[1]!r} with client_id {form.get('client_id')!r} is none of this case")
        fields = {"client_id", "grant_type", "scope"} | ({"client_secret"} if "secret" in wanted else {"client_assertion", "client_assertion_type"})
        same("fields", sorted(fields), sorted(set(form) - {"client_info"}))
        same("client_info", "1", form.get("client_info", "1"))
        same("grant_type", "client_credentials", form["grant_type"])
        scopes = set(form["scope"].split()) - {"openid", "offline_access", "profile"}
        same("scope", {wanted.get("scope", PUBLIC_SCOPE)}, scopes)
        if "secret" in wanted:
            same("client_secret", wanted["secret"], form["client_secret"])
        else:
            same("client_assertion_type", ASSERTION, form["client_assertion_type"])
            fake.check_jwt(q, form["client_assertion"], {"aud": "api://AzureADTokenExchange", **wanted["jwt"]})
        life = 3600
        token = fake.give_token("entra token", life, source=f"{m[1]}/{form['client_id']}")
        return Reply(200, {"token_type": "Bearer", "expires_in": str(life) if fake.setting(q, "text_expiry") else life, "ext_expires_in": life,
                           "access_token": token})

    def discovery(self, q):
        if q.path == "/common/discovery/instance":
            tenant = q.query["authorization_endpoint"].split("/")[3]
            return Reply(200, {"tenant_discovery_endpoint": f"https://{q.host}/{tenant}/v2.0/.well-known/openid-configuration", "api-version": "1.1",
                               "metadata": [{"preferred_network": q.host, "preferred_cache": q.host, "aliases": [q.host]}]})
        m = re.fullmatch(r"/([^/]+)/v2\.0/\.well-known/openid-configuration", q.path)
        need(m, f"path {q.path!r}")
        base = f"https://{q.host}/{m[1]}"
        return Reply(200, {"token_endpoint": f"{base}/oauth2/v2.0/token", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                           "issuer": f"{base}/v2.0"})

    def error(self, status, code, text):
        return Reply(status, {"error": code, "error_description": text, "error_codes": [700211], "correlation_id": "fake-correlation",
                              "trace_id": "fake-trace"})


class Managed:
    """A virtual machine's; `header`: App Service's."""

    def __init__(self, app_service):
        self.app_service = app_service
        self.name = "app-service" if app_service else "azure-imds"

    def serve(self, fake, q):
        need(q.local, "the managed identity was asked for through a proxy")
        same("method", "GET", q.method)
        if self.app_service:
            same("X-IDENTITY-HEADER", fake.setting(q, "header"), q.header("X-IDENTITY-HEADER"))
        else:
            same("Metadata", "true", q.header("Metadata"))
            need(not q.header("X-Forwarded-For"), "X-Forwarded-For")
        query = {"api-version": "2019-08-01" if self.app_service else "2018-02-01",
                 "resource": fake.setting(q, "resource", "https://containerregistry.azure.net")}
        client = fake.setting(q, "client")
        if client:
            query["client_id"] = client
        same("query", query, q.query)
        token = fake.give_token("entra token", 3600, source=f"{self.name}/{client or ''}")
        return Reply(200, {"access_token": token, "client_id": client or "any", "expires_in": "3599", "expires_on": str(int(time.time()) + 3599),
                           "resource": query["resource"], "token_type": "Bearer"})

    def error(self, status, code, text):
        if self.app_service:
            return Reply(status, {"statusCode": status, "message": text})
        return Reply(status, {"error": code, "error_description": text})


class Exchange:
    name = "exchange"

    def serve(self, fake, q):
        same("method", "POST", q.method)
        same("query", {"api-version": "2021-07-01"}, q.query)
        need(not q.header("Authorization"), "the exchange takes no Authorization")
        form = q.form()
        same("fields", ["access_token", "grant_type", "service"], sorted(form))
        same("grant_type", "access_token", form["grant_type"])
        same("service", q.host, form["service"])
        entra = fake.token("entra token", form["access_token"])
        claims = {"jti": fake.make("refresh token"), "iss": "Azure Container Registry", "aud": q.host, "iat": int(time.time()),
                  "exp": int(time.time()) + fake.setting(q, "life", 10800), "grant_type": "refresh_token"}
        if "exp" in fake.settings(q.host):
            claims["exp"] = fake.settings(q.host)["exp"]
        claims = {k: v for k, v in claims.items() if v is not None}
        token = fake.know("refresh token", jwt.make(claims, None))
        with fake.lock:
            fake.passwords[token] = {"user": USER, "host": q.host, "until": time.time() + 10800, "source": entra["source"]}
        return Reply(200, {"refresh_token": token})

    def error(self, status, code, text):
        return Reply(status, {"errors": [{"code": code, "message": text}]})


def role(fake, host, path, local):
    if local:
        if path == "/metadata/identity/oauth2/token":
            return Managed(False)
        return Managed(True) if path == "/msi/token" else None
    if host in AUTHORITIES or fake.settings(host).get("kind") == "entra":
        return Entra()
    if path == "/oauth2/exchange" and (REGISTRY.fullmatch(host) or fake.settings(host).get("kind") == "acr"):
        return Exchange()
    return None
