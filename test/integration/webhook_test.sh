#!/usr/bin/env bash
# Webhooks: a signed call wakes an object, many calls at a time, strangers, what a payload says, a changed token.
# Alone: it measures memory.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"

h_registry_start reg
push() { env HOME="$H_TMP" "$OCICTL" push "oci://$REGISTRY/app:$1" --path="$H_ROOT/deploy/samples/app" --source=s --revision="$1" 2>&1; }
check_has "pushed" "app:1.0.0@sha256:" "$(push 1.0.0)"
TAGS=$H_TMP/reg/docker/registry/v2/repositories/app/_manifests/tags
TOKEN=correct-horse-battery
mkdir "$H_TMP/objects"
h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store" --log-level=debug
k apply -f - >/dev/null <<EOF || h_die "cannot apply the objects"
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: $TOKEN}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app}
spec: {interval: 1h, image: $REGISTRY/app}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app}
spec: {imageRepositoryRef: {name: app}, policy: {semver: {range: ">=1.0.0"}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: app, labels: {team: a}}
spec: {interval: 1h, url: "oci://$REGISTRY/app", ref: {tag: 1.0.0}}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: signed}
spec:
  type: generic-hmac
  secretRef: {name: token}
  resourceFilter: req.tag.startsWith(res.metadata.name)
  resources:
  - {kind: OCIRepository, name: "*", matchLabels: {team: a}}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: pushed}
spec:
  type: harbor
  secretRef: {name: token}
  resources:
  - {kind: ImageRepository, name: app}
EOF
path() { k get receiver "$1" -o jsonpath='{.status.webhookPath}'; }
path_of() { echo "/hook/$(printf '%s' "$1$2default" | sha256sum | cut -d' ' -f1)"; }
check_soon "the path of token, name and namespace" 20 "$(path_of $TOKEN signed)" path signed
check_soon "of the other one, too" 20 "$(path_of $TOKEN pushed)" path pushed
URL=$(sed -n 's/.*"msg":"listening","server":"webhooks","address":"\([^"]*\)".*/http:\/\/\1/p' "$H_TMP/log/src.err" | tail -n1)
asked() { k get ocirepository app -o json | jq -r '.metadata.annotations["reconcile.fluxcd.io/requestedAt"] // ""'; }
handled() { k get ocirepository app -o jsonpath='{.status.lastHandledReconcileAt}'; }
code() { curl -s -o /dev/null -w '%{http_code}' --max-time 40 "$@"; }
signed() # BODY [SIGNED]
{
	code -H 'Content-Type: application/json' -H "X-Signature: sha256=$(printf '%s' "${2-$1}" | openssl dgst -sha256 -hmac $TOKEN -r | cut -d' ' -f1)" \
		-d "$1" "$URL$(path signed)"
}

# ---- a signed call ---------------------------------------------------------------------------------------------------
check_eq "a signed call" 200 "$(signed '{"tag": "app-1"}')"
first=$(asked)
check_match "wakes the object" '^20[0-9-]*T[0-9:]*\.[0-9]{9}Z$' "$first"
check_soon "which reconciles" 20 "$first" handled
check_eq "what the filter says no to" 200 "$(signed '{"tag": "other"}')"
check_eq "what it cannot say" 500 "$(signed '{}')"
check_eq "a body that was not signed" 400 "$(signed '{"tag": "app-2"}' '{"tag": "app-1"}')"
check_eq "none of them wakes it" "$first" "$(asked)"
check_eq "a look" 405 "$(code "$URL$(path signed)")"
check_eq "a query" 404 "$(code -d '{}' "$URL$(path signed)?a=b")"
check_eq "a longer way" "307 $URL/hook/" "$(curl -s -o /dev/null -w '%{http_code} %{redirect_url}' --path-as-is "$URL//hook")"

# ---- many ------------------------------------------------------------------------------------------------------------
many() # A thousand of them over 50 connections: how often each answer came.
{
	python3 - "$URL" "$(path signed)" $TOKEN <<'PY'
import collections, hashlib, hmac, http.client, sys, threading
url, path, token = sys.argv[1:]
body = b'{"tag": "app-1"}'
headers = {"Content-Type": "application/json", "X-Signature": "sha256=" + hmac.new(token.encode(), body, hashlib.sha256).hexdigest()}
seen, lock = collections.Counter(), threading.Lock()
def calls():
    c = http.client.HTTPConnection(url[7:], timeout=40)
    for _ in range(20):
        c.request("POST", path, body, headers)
        r = c.getresponse()
        r.read()
        with lock:
            seen[r.status] += 1
threads = [threading.Thread(target=calls) for _ in range(50)]
[t.start() for t in threads]
[t.join() for t in threads]
print(dict(seen))
PY
}
check_eq "a thousand calls" "{200: 1000}" "$(many)"
check_ne "wake the object" "$first" "$(asked)"
check_soon "which comes to an end" 20 "$(asked)" handled

# ---- strangers -------------------------------------------------------------------------------------------------------
head -c 3145728 /dev/zero >"$H_TMP/body"
rss() { awk '/VmRSS/ { print $2 }' "/proc/$CONTROLLER_PID/status"; }
before=$(rss)
for _ in 1 2 3 4 5 6 7 8; do
	code --data-binary "@$H_TMP/body" "$URL/hook/unknown" >>"$H_TMP/codes" &
	CODES+=($!)
done
wait "${CODES[@]}"
check_eq "three megabytes to nobody" "404404404404404404404404" "$(cat "$H_TMP/codes")"
echo x >>"$H_TMP/body"
check_eq "more than that" 413 "$(code --data-binary "@$H_TMP/body" "$URL/hook/unknown")"
check_le "take no memory (KiB)" $((before + 8192)) "$(rss)"

# ---- what a payload says ---------------------------------------------------------------------------------------------
tags() { k get imagerepository app -o jsonpath='{.status.lastScanResult.tagCount}'; }
chosen() { k get imagepolicy app -o jsonpath='{.status.latestRef.tag}'; }
harbor() # TAG
{
	code -H "Authorization: $TOKEN" -d "$(jq -n --arg tag "$1" --arg url "$REGISTRY/app:$1" \
		'{type: "PUSH_ARTIFACT", event_data: {resources: [{tag: $tag, resource_url: $url}]}}')" "$URL$(path pushed)"
}
check_soon "the policy has chosen" 20 1.0.0 chosen
cp -r "$TAGS/1.0.0" "$TAGS/2.0.0"
check_eq "a push is told" 200 "$(harbor 2.0.0)"
check_soon "and chosen" 5 2.0.0 chosen
check_eq "so is one that never was" 200 "$(harbor 9.0.0)"
check_soon "which the scan takes away" 20 2 tags
check_eq "somebody else's word" 400 "$(code -d '{}' "$URL$(path pushed)")"

# ---- a changed token -------------------------------------------------------------------------------------------------
OLD=$(path signed)
k patch secret token -p '{"stringData": {"token": "another-horse"}}' >/dev/null
check_soon "another path" 20 "$(path_of another-horse signed)" path signed
check_eq "the old one is nobody's" 404 "$(code -d '{}' "$URL$OLD")"
k delete secret token >/dev/null
check_soon "without a token no path" 20 "" path signed
check_hasnt "the token is in no line of the log" $TOKEN "$(cat "$H_TMP/log/src.err" "$H_TMP/log/src.out" 2>/dev/null)"
check_hasnt "nor is the path" "${OLD#/hook/}" "$(cat "$H_TMP/log/src.err")"
check_hasnt "nor is either in an Event" "${OLD#/hook/}" "$(k get events -o yaml 2>/dev/null)"
h_stop "$CONTROLLER_PID"
check_eq "a clean end" 0 $?
h_finish
