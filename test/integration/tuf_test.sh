#!/usr/bin/env bash
# The trusted root of objects that name none, by TUF: a repository on loopback (test/unit/verify/make-tuf.py has made its files), the real
# program, its folder and its variables.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
. "$H_ROOT/test/lib/keyless.sh"
SOON=30

h_registry_start reg
mkdir "$H_TMP/objects" "$H_TMP/tuf" "$H_TMP/tuf/targets"
get() { k -n apps get ocirepository "$1" -o json; }

# ---- the repository --------------------------------------------------------------------------------------------------
made() { jq -j --arg name "$1" '.[$name]' "$DATA/tuf/made.json"; }
made root-1 >"$H_TMP/root.json"
for n in 1 2; do
	made snapshot-$n >"$H_TMP/tuf/$n.snapshot.json"
	made targets-$n >"$H_TMP/tuf/$n.targets.json"
	made target-$n >"$H_TMP/target"
	cp "$H_TMP/target" "$H_TMP/tuf/targets/$(sha256sum <"$H_TMP/target" | cut -d' ' -f1).trusted_root.json"
done
made timestamp-1 >"$H_TMP/tuf/timestamp.json"
PORT=$(h_free_port)
server_start()
{
	h_spawn tuf python3 -m http.server "$PORT" --bind 127.0.0.1 --directory "$H_TMP/tuf"
	TUF_PID=$H_PID
	h_until 20 curl -s -o /dev/null "http://127.0.0.1:$PORT/" || h_die "the TUF repository does not answer"
	: >"$H_TMP/log/tuf.err"
}
asked() { grep -oE '"GET [^ ]+' "$H_TMP/log/tuf.err" | cut -d' ' -f2 | sed 's,/targets/.*[.],/targets/….,' | xargs; }
server_start

export TUF_MIRROR=http://127.0.0.1:$PORT TUF_ROOT=$H_TMP/kept TUF_ROOT_JSON=$H_TMP/root.json
KEPT=$H_TMP/kept/127.0.0.1-$PORT
metric() { curl -s "http://$(h_address "$1" metrics)/metrics" | sed -n "s/^$2 //p"; }

# keyless_object NAME [MORE]
keyless_object()
{
	k -n apps apply -f - >/dev/null <<-EOT
	apiVersion: source.toolkit.fluxcd.io/v1
	kind: OCIRepository
	metadata: {name: $1}
	spec: {interval: 10m, url: 'oci://$REGISTRY/app', ref: {tag: b}, verify: {provider: cosign, ${2:-}
	  matchOIDCIdentity: [{issuer: '^https://issuer\\.example\$', subject: '^https://github\\.com/org/app/'}]}}
	EOT
}
keyless_push b >"$H_TMP/ref.b"
keyless_layer b good-b

# ---- the first load --------------------------------------------------------------------------------------------------
h_embedded_start src "$H_TMP/objects"
k create namespace apps >/dev/null
keyless_case roots good >"$H_TMP/trusted_root.json"
k -n apps create secret generic own-root --from-file="$H_TMP/trusted_root.json" >/dev/null || h_die "cannot create the secret own-root"
keyless_object own 'trustedRootSecretRef: {name: own-root},'
check_soon "with a root of its own" $SOON "True Succeeded" outcome own
check_eq "nobody is asked" "" "$(asked)"
keyless_object web
check_soon "without one" $SOON "True Succeeded" outcome web
check_eq "it is verified" "verified signature of revision b@$(cat "$DATA/b.digest") by $KEYLESS_BY" \
	"$(field web '.status.conditions[] | select(.type == "SourceVerified") | .message')"
check_eq "by what the repository has" "/2.root.json /timestamp.json /1.snapshot.json /1.targets.json /targets/….json" "$(asked)"
check_eq "it is counted" 1 "$(metric src 'trusted_root_refreshes_total{outcome="taken"}')"
check_match "and has an age" '^[0-9]' "$(metric src trusted_root_age_seconds)"
check_eq "it is kept" "snapshot.json targets.json timestamp.json trusted_root.json" "$(ls "$KEPT" | xargs)"
check_eq "by nobody else" "700 600" "$(stat -c %a "$KEPT" "$KEPT/timestamp.json" | xargs)"
keyless_object second
check_soon "the next object has it" $SOON "True Succeeded" outcome second
check_eq "and asks nobody" 5 "$(asked | wc -w)"
h_stop "$CONTROLLER_PID"
check_eq "the controller ends well" 0 $?

# ---- a restart, and nobody answers -----------------------------------------------------------------------------------
h_stop "$TUF_PID"
h_embedded_start src "$H_TMP/objects"
keyless_object third
check_soon "what was kept counts after a restart" $SOON "True Succeeded" outcome third
failed_once() { [ "$(metric src 'trusted_root_refreshes_total{outcome="failed"}')" = 1 ]; }
check_ok "that nobody answers is counted" h_until $SOON failed_once
check_has "and told" "the trusted root could not be refreshed" "$(h_log_since_start src)"
h_stop "$CONTROLLER_PID"

echo '{' >"$KEPT/timestamp.json"
h_embedded_start src "$H_TMP/objects"
keyless_object fourth
check_soon "broken, and nobody answers" $SOON "False VerificationError" outcome fourth
check_has "says why" "provider 'cosign keyless': unable to initialize trusted root: 2.root.json: GET 'http://127.0.0.1:$PORT/2.root.json': " "$(message fourth)"
check_has "and what helps" "; where the internet cannot be reached, give spec.verify.trustedRootSecretRef or --sigstore-trusted-root" "$(message fourth)"
check_has "what is broken is told" "what was kept of the trusted root cannot be used" "$(h_log_since_start src)"
check_eq "who has an own root does not care" "True Succeeded" "$(outcome own)"
h_stop "$CONTROLLER_PID"

# ---- something newer, and something older ----------------------------------------------------------------------------
made timestamp-2 >"$H_TMP/tuf/timestamp.json"
server_start
h_embedded_start src "$H_TMP/objects"
check_soon "another root" $SOON "False VerificationError" outcome fourth
check_soon_match "is another root" $SOON "when the log was not trusted" message fourth
h_stop "$CONTROLLER_PID"
made timestamp-1 >"$H_TMP/tuf/timestamp.json"
h_embedded_start src "$H_TMP/objects"
older_told() { h_log_since_start src | grep -qF "timestamp.json: its version is 1, older than 2, which is known"; }
check_ok "an older state is refused after a restart" h_until $SOON older_told
check_soon_match "and the newer one counts" $SOON "when the log was not trusted" message fourth
h_stop "$CONTROLLER_PID"

# ---- the operator's file, and variables that are wrong ---------------------------------------------------------------
: >"$H_TMP/log/tuf.err"
h_embedded_start src "$H_TMP/objects" --sigstore-trusted-root="$H_TMP/trusted_root.json"
check_soon "the operator's file comes first" $SOON "True Succeeded" outcome fourth
check_eq "and nobody is asked" "" "$(asked)"
h_stop "$CONTROLLER_PID"

start_fails() { "$CONTROLLER" --embedded="$H_TMP/objects" --state-dir="$H_TMP/fails" --embedded-addr=127.0.0.1:0 2>&1 | jq -r 'select(.level == "error") | .error'; }
check_has "no root.json" "TUF_ROOT_JSON" "$(TUF_ROOT_JSON=$H_TMP/target start_fails)"
check_has "no file" "TUF_ROOT_JSON: open '/nowhere'" "$(TUF_ROOT_JSON=/nowhere start_fails)"
check_has "no address" "TUF_MIRROR" "$(TUF_MIRROR=ftp://x TUF_ROOT_JSON='' start_fails)"
h_finish
