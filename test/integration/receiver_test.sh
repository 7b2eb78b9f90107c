#!/usr/bin/env bash
# Receivers as their callers see them: each type, each answer, with curl and with what curl cannot send. The same file runs against
# notification-controller (API=peers, test/lib/image.sh); the rows where we differ on purpose ask `ours`.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
NS=hook-test
. "$H_ROOT/test/lib/image.sh"
ours() { [ "$API" != peers ]; }
TOKEN=open-sesame-41
i_start
h_namespace $NS
kn create secret generic token --from-literal=token=$TOKEN >/dev/null
# What receivers wake: suspended, so that nobody is asked for anything.
repository one '{"image":"127.0.0.1:1/one","suspend":true}'
repository two '{"image":"127.0.0.1:1/two","suspend":true}'
kn label imagerepository one two team=x >/dev/null
kn annotate imagerepository one kept=yes >/dev/null

stamp() { kn get imagerepository "${1:-one}" -o json | jq -r '.metadata.annotations["reconcile.fluxcd.io/requestedAt"] // ""'; }
ONE='{"apiVersion":"image.toolkit.fluxcd.io/v1","kind":"ImageRepository","name":"one"}'
# receiver NAME TYPE [MORE]: with the Secret `token`, on the object `one`, Ready.
receiver()
{
	apply Receiver "$1" "$(jq -cn --arg type "$2" --argjson one "$ONE" --argjson more "${3:-{\}}" '{$type, secretRef: {name: "token"}, resources: [$one]} + $more | del(..|nulls)')"
	h_until "$SOON" is_ready "$1" || h_fail "receiver $1 is Ready" True "$(conditions receiver "$1") $(message receiver "$1")"
	hook_path "$1" >"$H_TMP/path.$1"
}
is_ready() { [ "$(outcome receiver "$1")" = "True Succeeded" ]; }
# post NAME CURL...: the status of a POST to the receiver.
post() { curl -s -o "$H_TMP/answer" -w '%{http_code}' --max-time 60 -X POST "${@:2}" "http://$HOOK$(cat "$H_TMP/path.$1")"; }
# fires ROW CODE NAME CURL...: this answer, and `one` is annotated when it is 200. keeps: it is not, whatever the answer.
fires()
{
	local row=$1 want=$2 before

	shift 2
	before=$(stamp)
	check_eq "$row" "$want" "$(post "$@")"
	if [ "$want" = 200 ]; then check_ne "$row: fires" "$before" "$(stamp)"; else check_eq "$row: fires nothing" "$before" "$(stamp)"; fi
}
keeps()
{
	local row=$1 want=$2 before

	shift 2
	before=$(stamp)
	check_eq "$row" "$want" "$(post "$@")"
	check_eq "$row: fires nothing" "$before" "$(stamp)"
}
mac() { printf %s "$2" | openssl dgst "-$1" -hmac "${3:-$TOKEN}" -r | cut -d' ' -f1; }
json=(-H 'Content-Type: application/json')
raw() { python3 "$H_ROOT/test/lib/raw_http.py" "$HOOK" "$@"; }
# send LINE [HEADER...]: a request with these lines and no body.
send() { { printf '%s\r\nHost: %s\r\n' "$1" "$HOOK"; [ $# -lt 2 ] || printf '%s\r\n' "${@:2}"; printf '\r\n'; } | raw; }

# ---- paths -------------------------------------------------------------------------------------------------------------
receiver plain generic
P=$(hook_path plain)
check_eq "RC-01 the path" "/hook/$(printf '%s' "${TOKEN}plain$NS" | sha256sum | cut -d' ' -f1)" "$P"
check_eq "RC-01 Ready and no other condition" "Ready=True/Succeeded" "$(conditions receiver plain)"
fires "generic" 200 plain
fires "generic with a body of any sort" 200 plain -d 'neither JSON nor a form'
check_eq "RC-03 an unknown path" 404 "$(send "POST /hook/0000 HTTP/1.1" 'Content-Length: 0')"
check_eq "RC-03 with a query" 404 "$(send "POST $P?a=b HTTP/1.1" 'Content-Length: 0')"
check_eq "RC-03 with a slash behind it" 404 "$(send "POST $P/ HTTP/1.1" 'Content-Length: 0')"
check_eq "RC-03 upper case" 404 "$(send "POST /hook/$(tr a-f A-F <<<"${P#/hook/}") HTTP/1.1" 'Content-Length: 0')"
check_eq "RC-03 with an escape" 404 "$(send "POST /hook/$(printf '%%%x' "'${P:6:1}")${P:7} HTTP/1.1" 'Content-Length: 0')"
check_eq "RC-03 in absolute form" 404 "$(send "POST http://$HOOK$P HTTP/1.1" 'Content-Length: 0')"
check_eq "RC-03 elsewhere" 404 "$(send "POST / HTTP/1.1" 'Content-Length: 0')"
check_eq "RC-04 //hook/" 307 "$(send "POST /$P HTTP/1.1" 'Content-Length: 0')"
check_eq "RC-04 /hook" 307 "$(send "POST /hook HTTP/1.1" 'Content-Length: 0')"
check_eq "RC-04 /./hook/" 307 "$(send "POST /.$P HTTP/1.1" 'Content-Length: 0')"

# ---- sizes and forms of a request --------------------------------------------------------------------------------------
head -c 3145728 /dev/zero | tr '\0' ' ' >"$H_TMP/3m"
{ cat "$H_TMP/3m"; printf ' '; } >"$H_TMP/more"
fires "RC-05 a body of 3 MiB" 200 plain --data-binary "@$H_TMP/3m"
fires "RC-05 one byte more" 413 plain --data-binary "@$H_TMP/more"
check_eq "RC-05 more, to an unknown path" 413 "$(curl -s -o /dev/null -w '%{http_code}' --data-binary "@$H_TMP/more" "http://$HOOK/hook/none")"
fires "RC-05 3 MiB in chunks" 200 plain -H 'Transfer-Encoding: chunked' --data-binary "@$H_TMP/3m"
fires "RC-05 more in chunks" 413 plain -H 'Transfer-Encoding: chunked' --data-binary "@$H_TMP/more"
# headers KIB: lines of 1 KiB, with the rest of the request.
headers() { for ((i = 0; i < $1; i++)); do printf 'X-%04d: %01014d\r\n' $i 0; done; }
big() { { printf 'POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n' "$P"; headers "$1"; printf '\r\n'; } | raw; }
check_eq "RC-06 headers of 250 KiB" 200 "$(big 250)"
check_eq "RC-06 headers of 300 KiB" 431 "$(big 300)"
check_eq "RC-07 chunked" 200 "$(printf 'POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n' "$P" | raw)"
check_eq "RC-07 HTTP/1.0" 200 "$(printf 'POST %s HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}' "$P" | raw)"
check_eq "RC-07 a broken chunk" 400 "$(printf 'POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n' "$P" | raw)"
before=$(h_now_ms)
check_match "RC-07 a body that does not come" '^(closed|400|408)$' "$(printf 'POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{}' "$P" | raw 45)"
check_le "RC-07 is waited for half a minute" 40000 "$(($(h_now_ms) - before))"
check_match "RC-07 headers that do not end" '^(closed|408)$' "$(printf 'POST %s HTTP/1.1\r\nHost: x\r\n' "$P" | raw 30)"

# ---- methods -----------------------------------------------------------------------------------------------------------
for method in PUT DELETE PATCH; do fires "RC-09 $method" 200 plain -X $method; done
if ours; then
	for method in GET OPTIONS; do fires "RC-09 $method" 405 plain -X $method; done
	before=$(stamp)
	check_eq "RC-09 HEAD" 405 "$(curl -sI -o /dev/null -w '%{http_code}' "http://$HOOK$P")"
	check_eq "RC-09 HEAD fires nothing" "$before" "$(stamp)"
fi

# ---- states ------------------------------------------------------------------------------------------------------------
kn patch receiver plain --type=merge -p '{"spec":{"suspend":true}}' >/dev/null
check_soon "RC-08 suspended" "$SOON" 503 post plain
kn patch receiver plain --type=merge -p '{"spec":{"suspend":null}}' >/dev/null
check_soon "RC-08 resumed" "$SOON" 200 post plain
receiver was-ready generic
kn patch receiver was-ready --type=merge -p '{"spec":{"resourceFilter":"req."}}' >/dev/null
check_soon_match "RC-28 a filter that is none" "$SOON" "Stalled=True/InvalidCELExpression" conditions receiver was-ready
fires "RC-08 not Ready any more" 503 was-ready
kn delete receiver was-ready >/dev/null
receiver was-ready generic '{"suspend":null}'
fires "deleted and made again: the same path" 200 was-ready
kn delete receiver was-ready >/dev/null
check_soon "RC-03 deleted" "$SOON" 404 post was-ready
kn create secret generic brief --from-literal=token=first >/dev/null
kn label secret brief reconcile.fluxcd.io/watch=Enabled >/dev/null
receiver brief generic '{"secretRef":{"name":"brief"}}'
kn create secret generic brief --from-literal=token=second --dry-run=client -o json | jq '.metadata.labels = {"reconcile.fluxcd.io/watch": "Enabled"}' | kn apply -f - >/dev/null 2>&1
check_soon "RC-02 another token: another path" "$SOON" "/hook/$(printf '%s' "secondbrief$NS" | sha256sum | cut -d' ' -f1)" hook_path brief
check_eq "RC-02 the old one is gone" 404 "$(post brief)"
hook_path brief >"$H_TMP/path.brief"
fires "RC-02 the new one" 200 brief
kn delete secret brief >/dev/null
check_soon "RC-02 no Secret" "$SOON" "False TokenNotFound" outcome receiver brief
check_eq "RC-02 no path" "" "$(hook_path brief)"
check_eq "RC-02 404" 404 "$(post brief)"
check_has "RC-02 it is tried again" Reconciling=True "$(conditions receiver brief)"

# ---- generic-hmac ------------------------------------------------------------------------------------------------------
receiver hmac generic-hmac
B='{"a":1}'
for h in sha1 sha256 sha512; do fires "RC-10 $h" 200 hmac -H "X-Signature: $h=$(mac $h "$B")" -d "$B"; done
fires "RC-10 hex in upper case" 200 hmac -H "X-Signature: sha256=$(mac sha256 "$B" | tr a-f A-F)" -d "$B"
fires "RC-10 prefix in upper case" 400 hmac -H "X-Signature: SHA256=$(mac sha256 "$B")" -d "$B"
fires "RC-10 no prefix" 400 hmac -H "X-Signature: $(mac sha256 "$B")" -d "$B"
fires "RC-10 another key" 400 hmac -H "X-Signature: sha256=$(mac sha256 "$B" other)" -d "$B"
fires "RC-10 none" 400 hmac -d "$B"
fires "RC-10 of another body" 400 hmac -H "X-Signature: sha256=$(mac sha256 "$B")" -d "$B "
if ours; then
	said=$(cat "$H_TMP/answer")
	check_ne "RC-10 a reason is given" "" "$said"
	check_hasnt "RC-10 and not the token" $TOKEN "$said"
	check_le "RC-10 in one line" 1 "$(wc -l <"$H_TMP/answer")"
fi

# ---- github, bitbucket -------------------------------------------------------------------------------------------------
receiver hub github '{"events":["push","Package"]}'
B='{"action":"published"}'
S256=sha256=$(mac sha256 "$B")
push=(-H 'X-GitHub-Event: push')
fires "RC-11 sha256" 200 hub "${json[@]}" "${push[@]}" -H "X-Hub-Signature-256: $S256" -d "$B"
fires "RC-11 sha1" 200 hub "${json[@]}" "${push[@]}" -H "X-Hub-Signature: sha1=$(mac sha1 "$B")" -d "$B"
fires "RC-11 both, the first bad" 400 hub "${json[@]}" "${push[@]}" -H "X-Hub-Signature-256: sha256=$(mac sha256 "$B" other)" -H "X-Hub-Signature: sha1=$(mac sha1 "$B")" -d "$B"
F=payload=%7B%7D
fires "RC-11 a form" 200 hub "${push[@]}" -H 'Content-Type: application/x-www-form-urlencoded' -H "X-Hub-Signature-256: sha256=$(mac sha256 "$F")" -d "$F"
fires "RC-11 no content type" 400 hub "${push[@]}" -H 'Content-Type:' -H "X-Hub-Signature-256: $S256" -d "$B"
fires "RC-11 text/plain" 400 hub "${push[@]}" -H 'Content-Type: text/plain' -H "X-Hub-Signature-256: $S256" -d "$B"
fires "RC-11 no signature" 400 hub "${json[@]}" "${push[@]}" -d "$B"
fires "RC-12 an event in the list" 200 hub "${json[@]}" -H 'X-GitHub-Event: package' -H "X-Hub-Signature-256: $S256" -d "$B"
fires "RC-12 in another case" 200 hub "${json[@]}" -H 'X-GitHub-Event: PUSH' -H "X-Hub-Signature-256: $S256" -d "$B"
fires "RC-12 not in it" 400 hub "${json[@]}" -H 'X-GitHub-Event: issues' -H "X-Hub-Signature-256: $S256" -d "$B"
if ours; then keeps "RC-12 ping" 200 hub "${json[@]}" -H 'X-GitHub-Event: ping' -H "X-Hub-Signature-256: $S256" -d "$B"; fi
fires "RC-12 ping with a bad signature" 400 hub "${json[@]}" -H 'X-GitHub-Event: ping' -H "X-Hub-Signature-256: sha256=$(mac sha256 "$B" other)" -d "$B"
receiver bucket bitbucket '{"events":["repo:refs_changed"]}'
fires "RC-14 bitbucket" 200 bucket "${json[@]}" -H 'X-Event-Key: repo:refs_changed' -H "X-Hub-Signature: $S256" -d "$B"
fires "RC-14 another event" 400 bucket "${json[@]}" -H 'X-Event-Key: pr:opened' -H "X-Hub-Signature: $S256" -d "$B"
fires "RC-14 a bad signature" 400 bucket "${json[@]}" -H 'X-Event-Key: repo:refs_changed' -H "X-Hub-Signature: sha256=00" -d "$B"

# ---- gitlab, harbor ----------------------------------------------------------------------------------------------------
receiver lab gitlab '{"events":["Push Hook"]}'
fires "RC-13 the token" 200 lab -H "X-Gitlab-Token: $TOKEN" -H 'X-Gitlab-Event: Push Hook'
fires "RC-13 a wrong one" 400 lab -H "X-Gitlab-Token: ${TOKEN}0" -H 'X-Gitlab-Event: Push Hook'
fires "RC-13 none" 400 lab -H 'X-Gitlab-Event: Push Hook'
fires "RC-13 another event" 400 lab -H "X-Gitlab-Token: $TOKEN" -H 'X-Gitlab-Event: Tag Push Hook'
receiver harbor harbor
fires "RC-15 the token" 200 harbor -H "Authorization: $TOKEN"
fires "RC-15 with Bearer" 400 harbor -H "Authorization: Bearer $TOKEN"

# ---- dockerhub, quay, acr, nexus ---------------------------------------------------------------------------------------
receiver docker dockerhub
fires "RC-16 no body" 400 docker
fires "RC-16 {}" 200 docker -d '{}'
fires "RC-16 a real one" 200 docker "${json[@]}" -d '{"push_data":{"tag":"sha-abc1234","pusher":"ci"},"repository":{"repo_url":"https://hub.docker.com/r/aamini/web","repo_name":"aamini/web"}}'
fires "RC-16 null" 200 docker -d 'null'
fires "RC-16 an array" 400 docker -d '[]'
fires "RC-16 a wrong type" 400 docker -d '{"push_data":{"tag":1}}'
fires "RC-16 text" 400 docker -d 'push'
fires "RC-16 junk behind it" 200 docker -d '{} junk'
receiver quay quay
fires "RC-17 quay" 200 quay "${json[@]}" -d '{"docker_url":"quay.io/example/web","updated_tags":["latest"]}'
fires "RC-17 quay {}" 200 quay -d '{}'
fires "RC-17 quay broken" 400 quay -d '{'
fires "RC-17 quay wrong type" 400 quay -d '{"updated_tags":"latest"}'
receiver acr acr
fires "RC-17 acr" 200 acr "${json[@]}" -d '{"action":"push","target":{"repository":"web","tag":"1.0.0"}}'
fires "RC-17 acr {}" 200 acr -d '{}'
fires "RC-17 acr broken" 400 acr -d '{"action":'
fires "RC-17 acr wrong type" 400 acr -d '{"target":[]}'
receiver nexus nexus
B='{"action":"CREATED"}'
fires "RC-18 nexus" 200 nexus -H "X-Nexus-Webhook-Signature: $(mac sha1 "$B")" -d "$B"
fires "RC-18 in upper case" 400 nexus -H "X-Nexus-Webhook-Signature: $(mac sha1 "$B" | tr a-f A-F)" -d "$B"
fires "RC-18 none" 400 nexus -d "$B"
fires "RC-18 a body that is no JSON" 400 nexus -H "X-Nexus-Webhook-Signature: $(mac sha1 x)" -d x

# ---- gcr, generic-oidc -------------------------------------------------------------------------------------------------
kn create secret generic gcr --from-literal=token=$TOKEN --from-literal=email=ci@example.test --from-literal=audience=https://hooks.example.test >/dev/null
receiver gcr gcr '{"secretRef":{"name":"gcr"}}'
fires "RC-19 gcr without a token" 400 gcr "${json[@]}" -d '{}'
receiver gcr-bare gcr
fires "RC-19 a Secret without email and audience" 400 gcr-bare "${json[@]}" -H 'Authorization: Bearer a.b.c' -d '{}'

b64url() { openssl base64 -A | tr '+/' '-_' | tr -d =; }
ISSUER_PORT=$(h_free_port)
ISSUER=http://127.0.0.1:$ISSUER_PORT
mkdir -p "$H_TMP/issuer/.well-known"
openssl genrsa -out "$H_TMP/issuer.pem" 2048 2>/dev/null
openssl genrsa -out "$H_TMP/stranger.pem" 2048 2>/dev/null
modulus=$(openssl rsa -in "$H_TMP/issuer.pem" -noout -modulus | cut -d= -f2 | python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' | b64url)
echo "{\"issuer\":\"$ISSUER\",\"jwks_uri\":\"$ISSUER/keys\",\"authorization_endpoint\":\"$ISSUER/a\",\"token_endpoint\":\"$ISSUER/t\",\"id_token_signing_alg_values_supported\":[\"RS256\"]}" \
	>"$H_TMP/issuer/.well-known/openid-configuration"
echo "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS256\",\"use\":\"sig\",\"kid\":\"k1\",\"n\":\"$modulus\",\"e\":\"AQAB\"}]}" >"$H_TMP/issuer/keys"
h_spawn issuer python3 -m http.server --bind 127.0.0.1 --directory "$H_TMP/issuer" "$ISSUER_PORT"
h_until 20 curl -sf "$ISSUER/keys" || h_die "the issuer does not answer"
# jwt KEY ISSUER AUDIENCE SECONDS CLAIMS
jwt()
{
	local now head body

	now=$(date +%s)
	head=$(printf '{"alg":"RS256","kid":"k1","typ":"JWT"}' | b64url)
	body=$(jq -cn --arg iss "$2" --arg aud "$3" --argjson exp $((now + $4)) --argjson iat $((now - 60)) --argjson more "${5:-{\}}" '{$iss, $aud, sub: "ci", $exp, $iat} + $more' | tr -d '\n' | b64url)
	printf '%s.%s.%s' "$head" "$body" "$(printf '%s.%s' "$head" "$body" | openssl dgst -sha256 -sign "$H_TMP/$1.pem" | b64url)"
}
receiver oidc generic-oidc "{\"secretRef\":null,\"oidcProviders\":[{\"issuerURL\":\"$ISSUER\",\"variables\":[{\"name\":\"org\",\"expression\":\"claims.repository.split('/')[0]\"}],
	\"validations\":[{\"expression\":\"vars.org == 'example'\",\"message\":\"not ours\"}]}]}"
check_eq "RC-20 the path has no token in it" "/hook/$(printf '%s' "oidc$NS" | sha256sum | cut -d' ' -f1)" "$(hook_path oidc)"
bearer() { printf 'Authorization: Bearer %s' "$(jwt "$@")"; }
OURS='{"repository":"example/web"}'
AUD=notification-controller
fires "RC-20 good, with a variable" 200 oidc -H "$(bearer issuer "$ISSUER" $AUD 300 "$OURS")" "${json[@]}" -d '{}'
fires "RC-20 again, from what was fetched" 200 oidc -H "$(bearer issuer "$ISSUER" $AUD 300 "$OURS")" "${json[@]}" -d '{}'
fires "RC-20 expired" 400 oidc -H "$(bearer issuer "$ISSUER" $AUD -300 "$OURS")" -d '{}'
fires "RC-20 another audience" 400 oidc -H "$(bearer issuer "$ISSUER" other 300 "$OURS")" -d '{}'
fires "RC-20 another issuer" 400 oidc -H "$(bearer issuer http://127.0.0.1:1 $AUD 300 "$OURS")" -d '{}'
fires "RC-20 another key" 400 oidc -H "$(bearer stranger "$ISSUER" $AUD 300 "$OURS")" -d '{}'
fires "RC-20 a validation fails" 400 oidc -H "$(bearer issuer "$ISSUER" $AUD 300 '{"repository":"other/web"}')" -d '{}'
fires "RC-20 a claim is missing" 400 oidc -H "$(bearer issuer "$ISSUER" $AUD 300 '{}')" -d '{}'
fires "RC-20 no header" 400 oidc -d '{}'
fires "RC-20 no JWT" 400 oidc -H 'Authorization: Bearer x' -d '{}'

# ---- cdevents ----------------------------------------------------------------------------------------------------------
receiver events cdevents '{"events":["dev.cdevents.artifact.published.0.2.0"]}'
cd_event() { jq -cn --arg type "$1" '{context: {version: "0.4.1", id: "1", source: "/ci", $type, timestamp: "2026-11-30T14:27:05.315384Z"}, subject: {id: "pkg:oci/web@sha256%3A00", source: "/ci", type: "artifact", content: {}}}'; }
fires "RC-21 a valid event" 200 events "${json[@]}" -H 'Ce-Type: dev.cdevents.artifact.published.0.2.0' -d "$(cd_event dev.cdevents.artifact.published.0.2.0)"
fires "RC-21 a broken one" 400 events "${json[@]}" -H 'Ce-Type: dev.cdevents.artifact.published.0.2.0' -d '{"context":{}}'
fires "RC-21 no JSON" 400 events -H 'Ce-Type: dev.cdevents.artifact.published.0.2.0' -d 'x'
fires "RC-21 not in the list" 400 events "${json[@]}" -H 'Ce-Type: dev.cdevents.artifact.packaged.0.2.0' -d "$(cd_event dev.cdevents.artifact.published.0.2.0)"

# ---- empty tokens, wrong Secrets ---------------------------------------------------------------------------------------
kn create secret generic empty --from-literal=token= >/dev/null
kn create secret generic tokenless --from-literal=other=x >/dev/null
if ours; then
	for type in gitlab harbor github generic-hmac; do
		apply Receiver "empty-$type" "{\"type\":\"$type\",\"secretRef\":{\"name\":\"empty\"},\"resources\":[$ONE]}"
		check_soon "RC-22 an empty token: $type" "$SOON" "False TokenNotFound" outcome receiver "empty-$type"
	done
fi
apply Receiver tokenless "{\"type\":\"generic\",\"secretRef\":{\"name\":\"tokenless\"},\"resources\":[$ONE]}"
check_soon "RC-02 a Secret without a token" "$SOON" "False TokenNotFound" outcome receiver tokenless
check_has "RC-34 generic-oidc with secretRef" secretRef "$(kn apply -f <(manifest Receiver bad "{\"type\":\"generic-oidc\",\"secretRef\":{\"name\":\"token\"},\"oidcProviders\":[{\"issuerURL\":\"$ISSUER\",\"validations\":[{\"expression\":\"true\",\"message\":\"m\"}]}],\"resources\":[$ONE]}") 2>&1)"
check_has "RC-34 others without" secretRef "$(kn apply -f <(manifest Receiver bad "{\"type\":\"generic\",\"resources\":[$ONE]}") 2>&1)"

# ---- resources ---------------------------------------------------------------------------------------------------------
V='"apiVersion":"image.toolkit.fluxcd.io/v1","kind":"ImageRepository"'
receiver r23 generic "{\"resources\":[{$V,\"name\":\"nobody\"}]}"
check_eq "RC-23 a resource that is missing" 500 "$(post r23)"
receiver r23b generic "{\"resources\":[{$V,\"name\":\"nobody\"},$ONE]}"
before=$(stamp)
check_eq "RC-23 beside a good one" 500 "$(post r23b)"
check_ne "RC-23 which is annotated" "$before" "$(stamp)"
receiver r24 generic "{\"resources\":[{$V,\"name\":\"*\",\"matchLabels\":{\"team\":\"x\"}}]}"
before=$(stamp two)
fires "RC-24 all with a label" 200 r24
check_ne "RC-24 each of them" "$before" "$(stamp two)"
receiver r24b generic "{\"resources\":[{$V,\"name\":\"*\",\"matchLabels\":{\"team\":\"nobody\"}}]}"
keeps "RC-24 that match nothing" 200 r24b
receiver r24c generic "{\"resources\":[{$V,\"name\":\"*\"}]}"
fires "RC-24 without labels" 500 r24c
manifest Receiver r24d "{\"type\":\"generic\",\"secretRef\":{\"name\":\"token\"},\"resources\":[{$V,\"name\":\"*\",\"matchLabels\":{}}]}" | kn apply -f - >/dev/null
h_until "$SOON" is_ready r24d; hook_path r24d >"$H_TMP/path.r24d"
fires "RC-24 with no label in them" 200 r24d
receiver r25 generic '{"resources":[{"kind":"ImageRepository","name":"one"}]}'
fires "RC-25 no apiVersion" 200 r25
receiver r25b generic '{"resources":[{"kind":"Kustomization","name":"one"}]}'
fires "RC-25 of a kind that has none to fall back on" 500 r25b
receiver r29 generic "{\"resources\":[{$V,\"name\":\"*\",\"matchLabels\":{\"team\":\"x\"},\"filter\":\"res.metadata.name == 'one'\"}],\"resourceFilter\":\"req.go == 'yes'\"}"
before=$(stamp two)
fires "RC-29 both filters" 200 r29 "${json[@]}" -d '{"go":"yes"}'
check_eq "RC-29 not what one of them leaves out" "$before" "$(stamp two)"
keeps "RC-29 neither when the other says no" 200 r29 "${json[@]}" -d '{"go":"no"}'
check_eq "RC-31 a suspended target is annotated, and other annotations stay" "true yes" "$(kn get imagerepository one -o json | jq -r '"\(.spec.suspend) \(.metadata.annotations.kept)"')"
before=$(stamp); post plain >/dev/null; second=$(stamp); post plain >/dev/null
check_eq "RC-32 another text at each call" 3 "$(printf '%s\n' "$before" "$second" "$(stamp)" | sort -u | wc -l)"

# ---- filters -----------------------------------------------------------------------------------------------------------
receiver f generic '{"resourceFilter":"req.tag == \"1\""}'
fires "RC-27 true" 200 f "${json[@]}" -d '{"tag":"1"}'
keeps "RC-27 false" 200 f "${json[@]}" -d '{"tag":"2"}'
fires "RC-27 a missing field" 500 f "${json[@]}" -d '{}'
fires "RC-27 an array" 500 f "${json[@]}" -d '[]'
fires "RC-27 no content type" 500 f -H 'Content-Type:' -d '{"tag":"1"}'
fires "RC-27 application/x+json" 500 f -H 'Content-Type: application/x+json' -d '{"tag":"1"}'
fires "RC-27 with a charset" 200 f -H 'Content-Type: application/json; charset=utf-8' -d '{"tag":"1"}'
n=0
while read -r filter; do
	n=$((n + 1))
	apply Receiver "r28-$n" "$(jq -cn --arg f "$filter" --argjson one "$ONE" '{type: "generic", secretRef: {name: "token"}, resources: [$one], resourceFilter: $f}')"
	check_soon "RC-28 $filter" "$SOON" "Stalled=True/InvalidCELExpression" field receiver "r28-$n" '.status.conditions[]? | select(.type == "Stalled") | "\(.type)=\(.status)/\(.reason)"'
done <<'EOF'
req.
"text"
req.a
claims.sub == "x"
nobody == "x"
1 == 1.0
EOF

# ---- other namespaces --------------------------------------------------------------------------------------------------
h_namespace $NS-2
manifest ImageRepository far '{"image":"127.0.0.1:1/far","interval":"1h","suspend":true}' | k -n $NS-2 apply -f - >/dev/null
receiver far generic "{\"resources\":[{$V,\"name\":\"far\",\"namespace\":\"$NS-2\"}]}"
far_stamp() { k -n $NS-2 get imagerepository far -o json | jq -r '.metadata.annotations["reconcile.fluxcd.io/requestedAt"] // ""'; }
check_eq "RC-26 another namespace" 200 "$(post far)"
check_ne "RC-26 is annotated" "" "$(far_stamp)"
if ours; then
	i_stop
	i_start --no-cross-namespace-refs
	check_soon "RC-26 with --no-cross-namespace-refs" "$SOON" 500 post far
	fires "RC-26 but its own" 200 plain
fi

# ---- many --------------------------------------------------------------------------------------------------------------
i_tags_start
tags busy '{"tags":["1","2"]}'
repository busy "{\"image\":\"$TAGS/busy\"}"
check_soon "RC-35 scanned once" "$SOON" "True Succeeded" outcome imagerepository busy
receiver busy generic "{\"resources\":[{$V,\"name\":\"busy\"}]}"
for ((i = 0; i < 1000; i++)); do printf 'url = "http://%s%s"\noutput = "/dev/null"\ndata = "{}"\nwrite-out = "%%{http_code}\\n"\n' "$HOOK" "$(cat "$H_TMP/path.busy")"; done >"$H_TMP/many.curl"
rss() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$CONTROLLER_PID/status"; }
before=$(rss)
scans=$(asked busy)
check_eq "RC-35 a thousand calls" "1000 200" "$(curl -sZ --parallel-max 50 -K "$H_TMP/many.curl" 2>/dev/null | sort | uniq -c | awk '{print $1, $2}')"
check_soon "RC-35 the object is Ready after them" "$SOON" "True Succeeded" outcome imagerepository busy
! ours || check_le "RC-35 their scans are merged" 500 "$(($(asked busy) - scans))"
case $BUILD in */san) ;; *) ! ours || check_le "RC-35 memory" 16384 "$(($(rss) - before))" ;; esac

# ---- the API server is gone --------------------------------------------------------------------------------------------
if [ "$API" != embedded ]; then
	h_stop "$KUBE_PID" KILL
	want=500
	ours || want=400 # it asks for the Secret first
	check_eq "RC-33 the API server does not answer" $want "$(post plain)"
	KUBE_PID=
fi

check_eq "RC-36 the token is in no log and no answer" "" "$(grep -rhoE "$TOKEN" "$H_TMP"/log/src.* "$H_TMP/answer" | sort -u)"
[ "$API" != embedded ] || check_eq "RC-36 nor in an object" "" "$(kn get receivers,events,imagerepositories -o json | grep -oE "$TOKEN" | sort -u)"
i_stop
check_eq "SIGTERM: exit status" 0 $?
h_finish
