#!/usr/bin/env bash
# ImageRepository, ImagePolicy and a Receiver as a user sees them: from a push to the choice. Rows named IR-, IP- and RC- are cases
# that must hold whoever serves them; the same file runs against Flux's own controllers (API=peers, test/lib/image.sh), without the few rows
# where we differ on purpose.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/image.sh"
. "$H_ROOT/test/lib/rawpush.sh"
ours() { [ "$API" != peers ]; }
i_start
h_namespace "$NS"
i_tags_start

# ---- seed: a push, a webhook, three answers ---------------------------------------------------------------------------
h_registry_start reg
REG=$REGISTRY
echo '{}' >"$H_TMP/config.json"
CONFIG=$(descriptor $FLUX_CONFIG "$(raw_blob app "$H_TMP/config.json")" 3)
ci() { local tag; for tag; do image $OCI_MANIFEST "$CONFIG" "$CONFIG" | raw_manifest app "$tag" $OCI_MANIFEST >/dev/null; done; }
A=sha-0a1b2c3d4e5f60718293a4b5c6d7e8f901234567
B=sha-9f8e7d6c5b4a39281706f5e4d3c2b1a098765432
ci 1.0.0 1.1.0 2.0.0-rc.1 main-abc1234-1700000000 main-def5678-1700000100 $A latest
repository app "{\"image\":\"$REG/app\"}"
policy semver '{"imageRepositoryRef":{"name":"app"},"policy":{"semver":{"range":">=1.0.0"}}}'
policy newest '{"imageRepositoryRef":{"name":"app"},"policy":{"numerical":{"order":"asc"}},"filterTags":{"pattern":"^main-[a-f0-9]+-(?P<ts>[0-9]+)$","extract":"$ts"}}'
policy seed '{"imageRepositoryRef":{"name":"app"},"policy":{"alphabetical":{"order":"asc"}},"filterTags":{"pattern":"^sha-(?P<sha>[a-fA-F0-9]+)$","extract":"$sha"}}'
check_soon "IR-01 a first scan" "$SOON" "True Succeeded" outcome imagerepository app
check_eq "IR-01 of seven tags" 7 "$(count app)"
check_match "IR-01 and its message" '^successful scan: found 7 tags with checksum [^ ]+$' "$(message imagerepository app)"
check_eq "IR-08 what is written with it" "$REG/app [\"^.*\\\\.sig\$\"] 1 1" "$(field imagerepository app '"\(.status.canonicalImageName) \(.status.observedExclusionList | tojson) \(.status.observedGeneration) \(.metadata.generation)"')"
check_eq "IR-08 conditions" "Ready=True/Succeeded" "$(conditions imagerepository app)"
check_eq "IR-23 latestTags: descending bytes" "$A main-def5678-1700000100 main-abc1234-1700000000 latest 2.0.0-rc.1 1.1.0 1.0.0" "$(field imagerepository app '.status.lastScanResult.latestTags | join(" ")')"
check_soon "IP-01 semver" "$SOON" 1.1.0 chosen semver
check_soon "IP-08 numerical by a timestamp" "$SOON" main-def5678-1700000100 chosen newest
check_soon "IP-15 seed: the whole tag" "$SOON" $A chosen seed
check_eq "IP-33 latestRef.name as written" "$REG/app" "$(field imagepolicy seed .status.latestRef.name)"
# Ours says besides why: after a semicolon.
check_eq "the message of a choice" "Latest image tag for $REG/app resolved to 1.1.0" "$(message imagepolicy semver | sed 's/; it .*//')"
! ours || check_match "IP-30 and why it won" "; it won over '1\.0\.0'" "$(message imagepolicy semver)"
check_eq "a policy's conditions" "Ready=True/Succeeded" "$(conditions imagepolicy semver)"

kn create secret generic hook-token --from-literal=token=let-me-in-7 >/dev/null
apply Receiver hub '{"type":"dockerhub","secretRef":{"name":"hook-token"},"resources":[{"kind":"ImageRepository","name":"app"}]}'
check_soon "RC-01 the path of a webhook" "$SOON" "/hook/$(printf 'let-me-in-7hub%s' "$NS" | sha256sum | cut -d' ' -f1)" hook_path hub
check_eq "RC-01 the message" "Receiver initialized for path: $(hook_path hub)" "$(message receiver hub)"
before=$(field imagerepository app .status.lastScanResult.revision)
scans=$(h_registry_requests reg GET '/v2/app/tags/list')
ci 1.2.0 main-0000aaa-1700000200 $B
check_eq "RC-16 a push without a body: refused" 400 "$(hook hub -X POST)"
check_eq "RC-16 and wakes nothing" "$scans" "$(h_registry_requests reg GET '/v2/app/tags/list')"
check_eq "RC-16 a body of {}" 200 "$(hook hub -X POST -H 'Content-Type: application/json' -d '{}')"
check_soon "a new tag after a webhook: semver" "$SOON" 1.2.0 chosen semver
check_soon "numerical" "$SOON" main-0000aaa-1700000200 chosen newest
check_soon "seed" "$SOON" $B chosen seed
check_eq "IP-30 the message says what was before" "Latest image tag for $REG/app resolved to 1.2.0 (previously $REG/app:1.1.0)" "$(message imagepolicy semver | sed 's/; it .*//')"
check_eq "IP-30 and the status" "$REG/app 1.1.0" "$(field imagepolicy semver '.status.observedPreviousRef | "\(.name) \(.tag)"')"
check_ne "IR-24 another revision with other tags" "$before" "$(field imagerepository app .status.lastScanResult.revision)"
before=$(field imagerepository app .status.lastScanResult.revision)
request imagerepository app
check_eq "IR-24 the same with the same tags" "$before" "$(field imagerepository app .status.lastScanResult.revision)"

# ---- restarts --------------------------------------------------------------------------------------------------------
# Nothing is to be seen of a run that has nothing to do: another object says when it is over.
scans=$(h_registry_requests reg GET '/v2/app/tags/list')
i_stop
i_start
tags later '{"tags":["1"]}'
repository later "{\"image\":\"$TAGS/later\"}"
check_soon "started again" "$SOON" "True Succeeded" outcome imagerepository later
check_eq "IR-18 with its store: no request" "$scans" "$(h_registry_requests reg GET '/v2/app/tags/list')"
check_eq "IR-18 and still Ready" "True Succeeded $B" "$(outcome imagerepository app) $(chosen seed)"
i_stop
rm -rf "$H_TMP"/store/* # a real API server's controller
i_tag_files | xargs -r rm -f
i_start
scanned() { [ "$(h_registry_requests reg GET '/v2/app/tags/list')" -gt "$scans" ]; }
check_ok "IR-19 without what it had scanned: a scan" h_until "$SOON" scanned
check_soon "IR-19 Ready again" "$SOON" "True Succeeded" outcome imagerepository app
check_soon "IR-19 and its policies" "$SOON" "True Succeeded" outcome imagepolicy seed
check_eq "IR-19 with the same answer" "$B" "$(chosen seed)"
if ours; then
	h_stop "$CONTROLLER_PID"
	for f in $(i_tag_files); do printf 'x' | dd of="$f" bs=1 seek=40 conv=notrunc status=none; done
	scans=$(h_registry_requests reg GET '/v2/app/tags/list')
	i_start
	check_ok "IR-19 a broken tag file: a scan" h_until "$SOON" scanned
	check_soon "IR-19 Ready again after it" "$SOON" "True Succeeded" outcome imagerepository app
fi

# ---- a registry that is down ------------------------------------------------------------------------------------------
h_stop "$REGISTRY_PID"
kn annotate --overwrite imagerepository app reconcile.fluxcd.io/requestedAt=down >/dev/null
if ours; then
	check_soon "IR-17 asked for while the registry is down" "$SOON" "False ReadOperationFailed" outcome imagerepository app
	check_match "IR-17 says so" '^scan failed: .*' "$(message imagerepository app)"
	check_soon "IR-17 the request is answered" "$SOON" down field imagerepository app .status.lastHandledReconcileAt
	check_has "IR-17 it goes on trying" "Reconciling=True/ProgressingWithRetry" "$(conditions imagerepository app)"
	sleep 3
	check_eq "IR-17 and stays failed until a scan works" "False ReadOperationFailed" "$(outcome imagerepository app)"
fi
check_eq "the policies keep what they have" "True Succeeded $B" "$(outcome imagepolicy seed) $(chosen seed)"
h_registry_start reg
check_soon "IR-17 it is up again" 30 "True Succeeded" outcome imagerepository app
check_soon "IR-17 conditions" "$SOON" "Ready=True/Succeeded" conditions imagerepository app

# ---- names that are none -----------------------------------------------------------------------------------------------
# object | image | part of the message
while IFS='|' read -r name image part; do
	repository "$name" "$(jq -cn --arg image "$image" '{$image}')"
	check_soon "$name: stalled" "$SOON" "False ImageURLInvalid" outcome imagerepository "$name"
	check_has "$name: conditions" "Stalled=True/ImageURLInvalid" "$(conditions imagerepository "$name")"
	check_has "$name: the message" "$part" "$(message imagerepository "$name")"
done <<EOF
ir-03-tag|$TAGS/app:v1|:v1
ir-04-digest|$TAGS/app@sha256:0000000000000000000000000000000000000000000000000000000000000000|@sha256:
ir-05-oci|oci://$TAGS/app|oci://
ir-05-https|https://$TAGS/app|https://
ir-06-upper-case|$TAGS/App|App
ir-06-one-letter|$TAGS/a|
EOF
check_eq "IR-03 no request" 0 "$(asked app)"
tags ir7 '{"tags":["1"]}'
repository ir-03-tag "{\"image\":\"$TAGS/ir7\"}"
check_soon "IR-07 mended after a stall" "$SOON" "True Succeeded" outcome imagerepository ir-03-tag
check_eq "IR-07 Stalled is gone" "Ready=True/Succeeded" "$(conditions imagerepository ir-03-tag)"

# ---- what is left out --------------------------------------------------------------------------------------------------
tags ex '{"tags":["1","2","9","10","sha256-00.sig","a.sig"]}'
repository ex "{\"image\":\"$TAGS/ex\"}"
check_soon "IR-09 signatures are not counted" "$SOON" 4 count ex
check_eq "IR-23 9 before 10" "9 2 10 1" "$(field imagerepository ex '.status.lastScanResult.latestTags | join(" ")')"
repository ex "{\"image\":\"$TAGS/ex\",\"exclusionList\":[\"^1\",\"x\"]}"
check_soon "IR-12 another list: at once" "$SOON" 4 count ex
check_soon "IR-12 with these tags" "$SOON" "sha256-00.sig a.sig 9 2" field imagerepository ex '.status.lastScanResult.latestTags | join(" ")'
check_soon "IR-12 settled" "$SOON" "True Succeeded" outcome imagerepository ex
scans=$(asked ex)
repository ex "{\"image\":\"$TAGS/ex\",\"exclusionList\":[\"x\",\"^1\"]}"
check_soon "IR-13 another order" "$SOON" "True Succeeded" outcome imagerepository ex
check_eq "IR-13 no scan" "$scans" "$(asked ex)"
repository ex "{\"image\":\"$TAGS/ex\",\"exclusionList\":[]}"
check_soon "IR-10 an empty list is the default" "$SOON" "9 2 10 1" field imagerepository ex '.status.lastScanResult.latestTags | join(" ")'
many() { jq -cn --arg image "$TAGS/ex" --argjson n "$1" '{interval: "10m", $image, exclusionList: [range($n) | "x\(.)"]}'; }
check_ok "IR-11 25 of them" kn apply -f <(manifest ImageRepository ex "$(many 25)")
check_fails "IR-11 26 are refused" kn apply -f <(manifest ImageRepository ex "$(many 26)")
check_soon "IR-11 25 of them scan" "$SOON" "True Succeeded" outcome imagerepository ex
if ours; then
	repository ex "{\"image\":\"$TAGS/ex\",\"exclusionList\":[\"(?=x)\"]}"
	check_soon_match "IR-14 no regular expression: stalled" "$SOON" "Stalled=True" conditions imagerepository ex
	repository ex "{\"image\":\"$TAGS/ex:1\",\"exclusionList\":[\"(?=x)\"]}"
	check_soon "IR-37 another stall after it" "$SOON" "False ImageURLInvalid" outcome imagerepository ex
	check_has "IR-37 has its own words" ":1" "$(message imagerepository ex)"
fi
tags ex2 '{"tags":["5"]}'
repository ex "{\"image\":\"$TAGS/ex2\"}"
check_soon "IR-15 another image: at once" "$SOON" "1 $TAGS/ex2" field imagerepository ex '"\(.status.lastScanResult.tagCount) \(.status.canonicalImageName)"'
tags ex2 '{"tags":["5","6"]}'
request imagerepository ex
check_soon "IR-16 asked for: at once" "$SOON" 2 count ex
tags none '{"tags":[]}'
repository none "{\"image\":\"$TAGS/none\"}"
check_soon "IR-21 no tags" "$SOON" "True Succeeded" outcome imagerepository none
check_eq "IR-21 are none" 0 "$(count none)"
repository lists-a "{\"image\":\"$TAGS/ir34\",\"exclusionList\":[\"^a\"]}"
tags ir34 '{"tags":["a1","b1","b2"]}'
repository lists-b "{\"image\":\"$TAGS/ir34\",\"exclusionList\":[\"^b\"]}"
check_soon "IR-34 two lists for one image" 30 2 count lists-a
check_soon "IR-34 the other" "$SOON" 1 count lists-b
policy of-a '{"imageRepositoryRef":{"name":"lists-a"},"policy":{"alphabetical":{}}}'
policy of-b '{"imageRepositoryRef":{"name":"lists-b"},"policy":{"alphabetical":{}}}'
if ours; then
	check_soon "IR-34 apart" "$SOON" b2 chosen of-a
	check_soon "IR-34 the other one" "$SOON" a1 chosen of-b
fi

# ---- large lists, slow and sick registries -----------------------------------------------------------------------------
tags pages '{"count":2500,"page":1000}'
repository pages "{\"image\":\"$TAGS/pages\"}"
check_soon "IR-22 2,500 tags in pages" "$SOON" 2500 count pages
check_eq "IR-22 in three requests" 3 "$(asked pages)"
tags slow '{"tags":["1"],"delay":30}'
repository slow "{\"image\":\"$TAGS/slow\",\"timeout\":\"2s\"}"
check_soon "IR-20 slower than its timeout" 15 "False ReadOperationFailed" outcome imagerepository slow
kn delete imagerepository slow >/dev/null
# A registry of their own: what one answers of its load counts for all its repositories.
WELL=$TAGS
i_tags_start
SICK=$TAGS TAGS=$WELL
for status in 401 403 404 429 500; do
	tags "sick$status" "{\"tags\":[\"1\"],\"status\":$status,\"headers\":{\"Retry-After\":\"3600\"}}"
	repository "sick$status" "{\"image\":\"$SICK/sick$status\"}"
done
for status in 401 403 404 429 500; do
	check_soon "IR-31 $status" 30 "False ReadOperationFailed" outcome imagerepository "sick$status"
	check_has "IR-31 $status is tried again" Reconciling=True/ProgressingWithRetry "$(conditions imagerepository "sick$status")"
done
if ours; then
	scans=$(asked sick429)
	sleep 4
	check_eq "IR-31 429: Retry-After is honoured" "$scans" "$(asked sick429)"
fi
kn delete imagerepository sick401 sick403 sick404 sick429 sick500 >/dev/null

# ---- logins ------------------------------------------------------------------------------------------------------------
login() { kn create secret docker-registry "$1" --docker-server="$2" --docker-username="$3" --docker-password="$4" --dry-run=client -o yaml | kn apply -f - >/dev/null; }
h_registry_start priv "$HTPASSWD_USER:$HTPASSWD_WORD"
PRIV=$REGISTRY
echo '{"auths":{"'"$PRIV"'":{"auth":"'"$(printf %s "$HTPASSWD_USER:$HTPASSWD_WORD" | base64)"'"}}}' >"$H_TMP/config.json"
"$OCICTL" push "oci://$PRIV/app:1.0.0" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r --creds="$HTPASSWD_USER:$HTPASSWD_WORD" >>"$H_TMP/log/push.out" 2>&1 ||
	h_die "cannot push to the private registry"
login pull "$PRIV" "$HTPASSWD_USER" "$HTPASSWD_WORD"
login wrong "$PRIV" "$HTPASSWD_USER" hunter2
login other elsewhere.test "$HTPASSWD_USER" "$HTPASSWD_WORD"
kn create secret generic opaque --from-literal=a=b >/dev/null
for name in pull wrong other opaque; do repository "by-$name" "{\"image\":\"$PRIV/app\",\"secretRef\":{\"name\":\"$name\"}}"; done
repository by-missing "{\"image\":\"$PRIV/app\",\"secretRef\":{\"name\":\"missing\"}}"
check_soon "IR-25 a login" "$SOON" "True Succeeded" outcome imagerepository by-pull
check_soon "IR-25 a wrong one" "$SOON" "False ReadOperationFailed" outcome imagerepository by-wrong
check_soon "IR-25 one for another host: nobody" "$SOON" "False ReadOperationFailed" outcome imagerepository by-other
check_soon_match "IR-25 a Secret of another type" "$SOON" "^False (ReadOperationFailed|AuthenticationFailed)$" outcome imagerepository by-opaque
check_soon "IR-25 no Secret" "$SOON" "False AuthenticationFailed" outcome imagerepository by-missing
check_has "IR-25 says which" missing "$(message imagerepository by-missing)"
if kn get serviceaccounts >/dev/null 2>&1; then
	login elsewhere "$PRIV" nobody nothing
	kn create serviceaccount robot >/dev/null 2>&1
	kn patch serviceaccount robot --type=merge -p '{"imagePullSecrets":[{"name":"elsewhere"},{"name":"pull"}]}' >/dev/null
	repository by-account "{\"image\":\"$PRIV/app\",\"serviceAccountName\":\"robot\"}"
	! ours || check_soon "IR-26 an account with two pull Secrets: all are tried" 30 "True Succeeded" outcome imagerepository by-account
fi
repository by-cloud "{\"image\":\"$PRIV/app\",\"serviceAccountName\":\"robot\",\"provider\":\"aws\"}"
check_soon "IR-27 a cloud's account without the gate" "$SOON" "False FeatureGateDisabled" outcome imagerepository by-cloud
if ours; then
	kn delete imagerepository by-wrong by-other by-opaque >/dev/null
	login wrong "$PRIV" "$HTPASSWD_USER" "$HTPASSWD_WORD"
fi

# ---- certificates and proxies ------------------------------------------------------------------------------------------
cert() # NAME SUBJECT-ALTERNATIVE
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$H_TMP/$1.key" -out "$H_TMP/$1.csr" -subj "/CN=$1" 2>/dev/null &&
		openssl x509 -req -in "$H_TMP/$1.csr" -CA "$H_TMP/ca.pem" -CAkey "$H_TMP/ca.key" -CAcreateserial -days 2 -out "$H_TMP/$1.pem" \
			-extfile <(echo "subjectAltName=$2") 2>/dev/null || h_die "openssl cannot make a certificate"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca -keyout "$H_TMP/ca.key" -out "$H_TMP/ca.pem" 2>/dev/null ||
	h_die "openssl cannot make a certificate"
cert server IP:127.0.0.1
cert client DNS:client
TLS=127.0.0.1:$(h_free_port)
cat >"$H_TMP/tls.yml" <<-YML
	version: 0.1
	log: {level: warn, formatter: json, accesslog: {disabled: false}}
	storage: {filesystem: {rootdirectory: $H_TMP/reg}}
	http: {addr: '$TLS', tls: {certificate: $H_TMP/server.pem, key: $H_TMP/server.key, clientcas: [$H_TMP/ca.pem]}}
YML
h_spawn tls docker-registry serve "$H_TMP/tls.yml"
h_until 20 curl -sfo /dev/null --cacert "$H_TMP/ca.pem" --cert "$H_TMP/client.pem" --key "$H_TMP/client.key" "https://$TLS/v2/" || h_die "docker-registry does not answer over TLS"
file() { printf -- '--from-file=%s=%s' "$1" "$H_TMP/$2"; }
kn create secret generic both "$(file ca.crt ca.pem)" "$(file tls.crt client.pem)" "$(file tls.key client.key)" >/dev/null
kn create secret generic ca "$(file ca.crt ca.pem)" >/dev/null
for name in both ca; do repository "tls-$name" "{\"image\":\"$TLS/app\",\"certSecretRef\":{\"name\":\"$name\"}}"; done
check_soon "IR-28 a private CA and a client certificate" "$SOON" "True Succeeded" outcome imagerepository tls-both
check_soon "IR-28 without a client certificate" "$SOON" "False ReadOperationFailed" outcome imagerepository tls-ca

PROXY=127.0.0.1:$(h_free_port)
mkdir "$H_TMP/squid"
chmod 777 "$H_TMP" "$H_TMP/squid"
printf '#!/bin/sh\nwhile read -r user word; do case $user:$word in tenant:open*) echo OK ;; *) echo ERR ;; esac; done\n' >"$H_TMP/check.sh"
chmod 755 "$H_TMP/check.sh"
cat >"$H_TMP/squid.conf" <<-CONF
	http_port $PROXY
	auth_param basic program $H_TMP/check.sh
	acl known proxy_auth REQUIRED
	http_access allow known
	http_access deny all
	cache deny all
	pid_filename $H_TMP/squid/pid
	access_log stdio:$H_TMP/squid/access.log
	cache_log $H_TMP/squid/cache.log
	coredump_dir $H_TMP/squid
	shutdown_lifetime 0 seconds
CONF
h_spawn squid squid -N -f "$H_TMP/squid.conf"
SQUID_PID=$H_PID
h_until 20 curl -so /dev/null "http://$PROXY/" || h_die "squid does not answer"
kn create secret generic way --from-literal=address="http://$PROXY" --from-literal=username=tenant --from-literal=password=open-sesame >/dev/null
kn create secret generic no-way --from-literal=address="http://$PROXY" --from-literal=username=tenant --from-literal=password=hunter2 >/dev/null
repository through "{\"image\":\"$TLS/app\",\"certSecretRef\":{\"name\":\"both\"},\"proxySecretRef\":{\"name\":\"way\"}}"
repository refused "{\"image\":\"$TLS/app\",\"certSecretRef\":{\"name\":\"both\"},\"proxySecretRef\":{\"name\":\"no-way\"}}"
check_soon "IR-29 through a proxy with a user" "$SOON" "True Succeeded" outcome imagerepository through
check_soon "IR-29 a password that the proxy refuses" "$SOON" "False ReadOperationFailed" outcome imagerepository refused
SOCKS=127.0.0.1:$(h_free_port)
h_spawn socks python3 "$H_ROOT/test/lib/socks.py" "${SOCKS#*:}" "$H_TMP/socks.log" tenant open-sesame
h_until 20 bash -c "</dev/tcp/${SOCKS/:/\/}" || h_die "the SOCKS proxy does not listen"
kn create secret generic socks --from-literal=address="socks5://$SOCKS" --from-literal=username=tenant --from-literal=password=open-sesame >/dev/null
repository by-socks "{\"image\":\"$TLS/app\",\"certSecretRef\":{\"name\":\"both\"},\"proxySecretRef\":{\"name\":\"socks\"}}"
check_soon "IR-29 through a SOCKS proxy with a user" "$SOON" "True Succeeded" outcome imagerepository by-socks
check_has "IR-29 it was asked" "$TLS" "$(cat "$H_TMP/socks.log" 2>&1)"
kill "$SQUID_PID"; wait "$SQUID_PID" 2>/dev/null # it writes its log when it ends
check_has "IR-29 squid was asked" "CONNECT $TLS" "$(grep -F TCP_TUNNEL "$H_TMP/squid/access.log")"

# ---- suspend, delete, what is told -------------------------------------------------------------------------------------
repository ex "{\"image\":\"$TAGS/ex2\",\"suspend\":true}"
scans=$(asked ex2)
request imagerepository ex
check_eq "IR-32 suspended and asked: no scan" "$scans" "$(asked ex2)"
repository ex "{\"image\":\"$TAGS/ex2\",\"suspend\":false}"
tags gone '{"tags":["1"]}'
repository gone "{\"image\":\"$TAGS/gone\"}"
check_soon "to be deleted" "$SOON" "True Succeeded" outcome imagerepository gone
check_eq "IR-33 a finalizer" finalizers.fluxcd.io "$(field imagerepository gone '.metadata.finalizers | join(" ")')"
! ours || check_has "IR-33 a tag file" "/tags/$NS/gone" "$(i_tag_files)"
check_ok "IR-33 delete" kn delete imagerepository gone --timeout=20s
! ours || check_hasnt "IR-33 no tag file is left" "/tags/$NS/gone" "$(i_tag_files)"
told() { kn get events -o json | jq -r --arg kind "$1" --arg name "$2" '.items[] | select(.involvedObject.kind == $kind and .involvedObject.name == $name) | "\(.type) \(.reason) \(.message)"'; }
check_soon_match "IR-35 an event of a scan" "$SOON" "Normal Succeeded successful scan: found 7 tags" told ImageRepository app
check_has "IR-35 a warning of a failure" "Warning AuthenticationFailed" "$(told ImageRepository by-missing)"
check_match "IR-36 kubectl's columns" '^NAME +IMAGE +TAGS +READY +STATUS +AGE$' "$(kn get imagerepositories | head -n 1)"
check_match "IR-36 and with -o wide" '^NAME +IMAGE +TAGS +READY +STATUS +LAST SCAN +AGE$' "$(kn get imagerepositories -o wide | head -n 1)"
check_match "a policy's columns" '^NAME +IMAGE +TAG +READY +STATUS +AGE$' "$(kn get imagepolicies | head -n 1)"
check_match "a receiver's columns" '^NAME +AGE +READY +STATUS$' "$(kn get receivers | head -n 1)"

# ---- policies: what wins -----------------------------------------------------------------------------------------------
# case | tags | spec without imageRepositoryRef | winner, or Ready's status, reason and a part of its message
while IFS='|' read -r name list spec want part; do
	repo=${name%%_*}-r
	tags "$repo" "$(jq -cn --arg tags "$list" '{tags: ($tags | split(" "))}')"
	repository "$repo" "{\"image\":\"$TAGS/$repo\"}"
	policy "${name//_/-}" "$(jq -cn --arg name "$repo" --argjson more "$spec" '{imageRepositoryRef: {$name}} + $more')"
	printf '%s|%s|%s\n' "${name//_/-}" "$want" "$part" >>"$H_TMP/wanted"
done <<'EOF'
ip-01|1.0.0 v1.5.0 1.4.9 2.0.0 x|{"policy":{"semver":{"range":"1.x"}}}|v1.5.0
ip-02|1.0.0 v1.0.0|{"policy":{"semver":{"range":"*"}}}|v1.0.0
ip-03|1.0.0 1.1.0-rc.1|{"policy":{"semver":{"range":"^1.0.0"}}}|1.0.0
ip-03b|1.0.0 1.1.0-rc.1|{"policy":{"semver":{"range":"^1.0.0-0"}}}|1.1.0-rc.1
ip-04|1.0.0|{"policy":{"semver":{"range":"not"}}}|False InvalidPolicy|
ip-05|1.0.0|{"policy":{"semver":{"range":"2.x"}}}|False Failure|unable to determine latest version from provided list
ip-06|a B 1 _x A 1-b 1.b|{"policy":{"alphabetical":{}}}|a
ip-06b|b 1-b 1.b|{"policy":{"alphabetical":{"order":"desc"}}}|1-b
ip-07|9 10|{"policy":{"alphabetical":{"order":"asc"}}}|9
ip-08|9 10 11|{"policy":{"numerical":{"order":"asc"}}}|11
ip-08b|9 10 11|{"policy":{"numerical":{"order":"desc"}}}|9
ip-09|1 2 latest|{"policy":{"numerical":{"order":"asc"}}}|False Failure|failed to parse invalid numeric value 'latest'
ip-10|2 02 2.0|{"policy":{"numerical":{"order":"asc"}}}|02
ip-11|1 1e3 7|{"policy":{"numerical":{"order":"asc"}}}|1e3
ip-11b|1 1e3 7 0x1p14|{"policy":{"numerical":{"order":"asc"}}}|0x1p14
ip-11c|1 1e3 7 inf|{"policy":{"numerical":{"order":"asc"}}}|inf
ip-11d|1 1_000 7|{"policy":{"numerical":{"order":"asc"}}}|1_000
ip-13|20261130101112345 20261130101112346|{"policy":{"numerical":{"order":"asc"}}}|20261130101112345
ip-14|a-1 b-2 c|{"policy":{"alphabetical":{"order":"asc"}},"filterTags":{"pattern":"^[ab]-"}}|b-2
ip-16|q-b-1 r-a-2|{"policy":{"alphabetical":{"order":"asc"}},"filterTags":{"pattern":"^[a-z]-(?P<sha>[a-z])-([0-9])$","extract":"${sha}"}}|q-b-1
ip-16b|q-b-1 r-a-2|{"policy":{"alphabetical":{"order":"asc"}},"filterTags":{"pattern":"^[a-z]-(?P<sha>[a-z])-([0-9])$","extract":"$2"}}|r-a-2
ip-16c|q-b-1 r-a-2|{"policy":{"alphabetical":{"order":"asc"}},"filterTags":{"pattern":"^[a-z]-(?P<sha>[a-z])-([0-9])$","extract":"${2}x"}}|r-a-2
ip-18|q1-1 r1-1|{"policy":{"alphabetical":{"order":"asc"}},"filterTags":{"pattern":"^[qr]1-(.)","extract":"$1"}}|q1-1
ip-19|a|{"policy":{"alphabetical":{}},"filterTags":{"pattern":"(?=a)"}}|False InvalidPolicy|
ip-20|a|{"policy":{"alphabetical":{}},"filterTags":{"pattern":"^b"}}|False Failure|version list argument cannot be empty
ip-21|1.0.0 9|{"policy":{}}|False InvalidPolicy|
ip-21b|1.0.0 9|{"policy":{"semver":{"range":"*"},"numerical":{"order":"asc"}}}|1.0.0
EOF
while IFS='|' read -r name want part; do
	case $want in
	"False "*)
		check_soon "${name^^}" "$SOON" "$want" outcome imagepolicy "$name"
		[ -z "$part" ] || check_has "${name^^} its message" "$part" "$(message imagepolicy "$name")"
		;;
	*) check_soon "${name^^}" "$SOON" "$want" chosen "$name" ;;
	esac
done <"$H_TMP/wanted"
if ours; then
	tags ip12-r '{"tags":["1","nan","2"]}'
	repository ip12-r "{\"image\":\"$TAGS/ip12-r\"}"
	policy ip-12 '{"imageRepositoryRef":{"name":"ip12-r"},"policy":{"numerical":{"order":"asc"}}}'
	check_soon "IP-12 nan is no number" "$SOON" 2 chosen ip-12
fi
check_has "IP-04 stalls" "Stalled=True/InvalidPolicy" "$(conditions imagepolicy ip-04)"

# ---- policies and their repositories -----------------------------------------------------------------------------------
policy ip-22 '{"imageRepositoryRef":{"name":"ip22-r"},"policy":{"alphabetical":{}}}'
check_soon "IP-22 no repository" "$SOON" "False DependencyNotReady" outcome imagepolicy ip-22
tags ip22-r '{"tags":["1","2"],"delay":3}'
repository ip22-r "{\"image\":\"$TAGS/ip22-r\"}"
check_soon "IP-22 IP-23 it comes, and is scanned" "$SOON" 2 chosen ip-22
tags ip22-r '{"tags":["1","2","0"]}'
written() { field imagepolicy ip-22 '"\(.metadata.resourceVersion)"'; }
version=$(written)
request imagerepository ip22-r
check_soon "IP-31 a new tag that does not win" "$SOON" 3 count ip22-r
! ours || check_eq "IP-31 no change" "$version" "$(written)"
if ours; then
	tags ip22-r '{"tags":["0"]}'
	request imagerepository ip22-r
	check_soon "IP-34 the list goes backwards once" "$SOON" 1 count ip22-r
	sleep 1
	check_eq "IP-34 the winner stays" 2 "$(chosen ip-22)"
	tags ip22-r '{"tags":["0","1","2","3"]}'
	request imagerepository ip22-r
	check_soon "IP-34 a newer one wins" "$SOON" 3 chosen ip-22
fi
other=$NS-2
h_namespace "$other"
across() { jq -n --arg ns "$NS" --arg name "$1" '{apiVersion: "image.toolkit.fluxcd.io/v1", kind: "ImagePolicy", metadata: {$name}, spec: {imageRepositoryRef: {name: "shared", namespace: $ns}, policy: {alphabetical: {}}}}' | k -n "$other" apply -f - >/dev/null; }
tags shared '{"tags":["1"]}'
repository shared "{\"image\":\"$TAGS/shared\"}"
across far
NS=$other check_soon "IP-24 another namespace: not allowed" "$SOON" "False AccessDenied" outcome imagepolicy far
repository shared "{\"image\":\"$TAGS/shared\",\"accessFrom\":{\"namespaceSelectors\":[{\"matchLabels\":{\"team\":\"x\"}}]}}"
k label namespace "$other" team=x >/dev/null
across far2
NS=$other check_soon "IP-24 by the label of its namespace" "$SOON" "True Succeeded" outcome imagepolicy far2
NS=$other check_soon "IP-24 who was refused before, too" 60 "True Succeeded" outcome imagepolicy far
repository shared "{\"image\":\"$TAGS/shared\",\"accessFrom\":{\"namespaceSelectors\":[{}]}}"
across far3
NS=$other check_soon "IP-24 everybody" "$SOON" "True Succeeded" outcome imagepolicy far3
i_stop
i_start --no-cross-namespace-refs
NS=$other check_soon "IP-25 with --no-cross-namespace-refs" 60 "False AccessDenied" outcome imagepolicy far3
check_eq "IP-25 it keeps what it has chosen" 1 "$(NS=$other chosen far3)"
check_soon "IP-25 policies of its own namespace work" "$SOON" "True Succeeded" outcome imagepolicy ip-22
i_stop
i_start

# ---- digests -----------------------------------------------------------------------------------------------------------
digest_of() { curl -sI "http://$TAGS/v2/$1/manifests/$2" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //p'; }
digest() { field imagepolicy "$1" '.status.latestRef.digest // empty'; }
tags dig '{"tags":["1.0.0"]}'
repository dig "{\"image\":\"$TAGS/dig\"}"
dig() { policy "dig-$1" '{"imageRepositoryRef":{"name":"dig"},"policy":{"semver":{"range":"*"}},'"$2"'}'; }
dig never '"digestReflectionPolicy":"Never"'
dig once '"digestReflectionPolicy":"IfNotPresent"'
dig always '"digestReflectionPolicy":"Always","interval":"2s"'
first=$(digest_of dig 1.0.0)
check_soon "IP-26 IfNotPresent" "$SOON" "$first" digest dig-once
check_soon "IP-26 Always" "$SOON" "$first" digest dig-always
check_soon "IP-26 Never" "$SOON" "1.0.0" chosen dig-never
check_eq "IP-26 Never has none" "" "$(digest dig-never)"
check_has "IP-26 the message" "resolved to 1.0.0 with digest $first" "$(message imagepolicy dig-once)"
tags dig '{"tags":["1.0.0"],"moved":{"1.0.0":"x"}}'
second=$(digest_of dig 1.0.0)
check_soon "IP-26 Always follows a tag that has moved" "$SOON" "$second" digest dig-always
check_has "IP-30 previous with digest" "(previously $TAGS/dig:1.0.0@$first)" "$(message imagepolicy dig-always)"
request imagepolicy dig-once
check_eq "IP-26 IfNotPresent keeps what it has" "$first" "$(digest dig-once)"
dig always '"digestReflectionPolicy":"Never"'
check_soon "IP-28 Always to Never" "$SOON" "" digest dig-always
check_soon "IP-28 what was before" "$SOON" "$second" field imagepolicy dig-always .status.observedPreviousRef.digest
check_has "IP-27 an interval without Always" "spec.interval" "$(kn apply -f <(manifest ImagePolicy bad '{"imageRepositoryRef":{"name":"dig"},"policy":{"alphabetical":{}},"interval":"1m"}') 2>&1)"
check_has "IP-27 Always without an interval" "spec.interval" "$(kn apply -f <(manifest ImagePolicy bad '{"imageRepositoryRef":{"name":"dig"},"policy":{"alphabetical":{}},"digestReflectionPolicy":"Always"}') 2>&1)"
policy ip-32 '{"imageRepositoryRef":{"name":"dig"},"policy":{"semver":{"range":"*"}},"suspend":true}'
tags dig '{"tags":["1.0.0","1.1.0"]}'
request imagerepository dig
sleep 1
check_eq "IP-32 suspended: no choice" "" "$(chosen ip-32)"
kn patch imagepolicy ip-32 --type=merge -p '{"spec":{"suspend":null}}' >/dev/null
check_soon "IP-32 resumed" "$SOON" 1.1.0 chosen ip-32

# ---- secrets stay secret ------------------------------------------------------------------------------------------------
check_eq "RC-36 no token and no password is told" "" "$({ cat "$H_TMP/log/src.err" "$H_TMP/log/src.out"; kn get imagerepositories,imagepolicies,receivers,events -o json; } | grep -oE 'let-me-in-7|hunter2|open-sesame' | sort -u)"
i_stop
check_eq "SIGTERM: exit status" 0 $?
h_finish
