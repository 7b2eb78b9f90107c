#!/usr/bin/env bash
# --registry-mirrors: a registry and its mirror, each of them killed in turn; whose credentials go where; rules that change while we run.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"

push() { env HOME="$H_TMP" "$OCICTL" push "oci://$1" --path="$2" --source=s --revision=r "${@:3}" >/dev/null || h_die "cannot push $1"; }
CREDS=$HTPASSWD_USER:$HTPASSWD_WORD
h_registry_start origin "$CREDS"
ORIGIN=$REGISTRY ORIGIN_PID=$REGISTRY_PID
h_registry_start mirror
MIRROR=$REGISTRY MIRROR_PID=$REGISTRY_PID

h_front_start "$MIRROR"
FRONT_PID=$H_PID
: >"$H_TMP/front.log"

mkdir -p "$H_TMP/objects" "$H_TMP/one" "$H_TMP/two"
echo one >"$H_TMP/one/file"
echo two >"$H_TMP/two/file"
push "$ORIGIN/org/app:1" "$H_TMP/one" --creds "$CREDS"
push "$ORIGIN/org/only:1" "$H_TMP/two" --creds "$CREDS"
push "$MIRROR/copies/app:1" "$H_TMP/one"
push "$MIRROR/copies/app:1.5.0" "$H_TMP/one"

# rules FALLBACK: the file, written as a whole.
rules()
{
	cat >"$H_TMP/rules.new" <<-YML
	rules:
	- match: $ORIGIN/org
	  mirrors:
	  - url: http://$FRONT/copies
	    insecure: true
	  fallback: $1
	YML
	mv "$H_TMP/rules.new" "$H_TMP/rules.yaml"
}
asked() { grep -c -- "$1" "$H_TMP/front.log"; }
metric() { curl -s "http://$(h_address src metrics)/metrics" | sed -n "s/^$1 //p"; }
object()
{
	jq -n --arg name "$1" --arg url "oci://$ORIGIN/org/$2" --argjson ref "$3" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository",
		metadata: {name: $name}, spec: {interval: "1s", timeout: "20s", url: $url, ref: $ref, secretRef: {name: "pull"}}}' |
		k apply -f - >/dev/null || h_die "cannot apply $1"
}

# ---- the start -------------------------------------------------------------------------------------------------------

echo 'rules: [{match: ghcr.io, mirors: []}]' >"$H_TMP/wrong.yaml"
out=$("$CONTROLLER" --embedded --state-dir="$H_TMP/refused" --storage-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0 --health-addr=127.0.0.1:0 \
	--registry-mirrors="$H_TMP/wrong.yaml" 2>&1)
check_eq "a wrong rule ends the start" 1 $?
check_has "and is named" "--registry-mirrors: '$H_TMP/wrong.yaml': rule 1: it has the unknown key 'mirors'" "$out"

# ---- the mirror first ------------------------------------------------------------------------------------------------

rules true
h_embedded_start src "$H_TMP/objects" --registry-mirrors="$H_TMP/rules.yaml" --min-retry-delay=60s
k create secret docker-registry pull --docker-server="$ORIGIN" --docker-username="$HTPASSWD_USER" --docker-password="$HTPASSWD_WORD" >/dev/null ||
	h_die "cannot create a Secret"
object app app '{"tag": "1"}'
check_soon "the mirror has it" 30 "True Succeeded" outcome app
check_ne "it was asked" 0 "$(asked 'HEAD /v2/copies/app/manifests/1')"
check_ne "for the layer, too" 0 "$(asked 'GET /v2/copies/app/blobs/')"
check_eq "the registry was not" 0 "$(h_registry_requests origin '(HEAD|GET)' /v2/org/app)"
check_eq "status and revision are the registry's" "1@sha256" "$(field app '.status.artifact.revision | split(":")[0]')"

object only only '{"tag": "1"}'
check_soon "what the mirror does not have comes from the registry" 30 "True Succeeded" outcome only
check_ne "which asked for the password" 0 "$(h_registry_requests origin HEAD /v2/org/only/manifests/1)"
check_ne "the mirror was asked first" 0 "$(asked '/v2/copies/only/')"
check_eq "the registry's credentials went to no mirror" "" "$(grep -v 'auth=$' "$H_TMP/front.log")"

# ---- the registry is gone --------------------------------------------------------------------------------------------

h_stop "$ORIGIN_PID"
object range app '{"semver": ">=1.0.0"}'
check_soon "a new object comes from the mirror alone" 30 "True Succeeded" outcome range
check_has "by the mirror's tags" "1.5.0@" "$(field range .status.artifact.revision)"

# ---- the mirror is gone, the registry back ---------------------------------------------------------------------------

h_stop "$MIRROR_PID"
h_registry_start origin "$CREDS"
ORIGIN_PID=$REGISTRY_PID
object later only '{"tag": "1"}'
check_soon "a mirror that answers 502 is passed by" 30 "True Succeeded" outcome later
h_stop "$FRONT_PID" KILL
push "$ORIGIN/org/app:1" "$H_TMP/two" --creds "$CREDS"
new=$(curl -sI -u "$CREDS" -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$ORIGIN/v2/org/app/manifests/1" | tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p')
check_soon "and so is one that is not there" 40 "1@$new" field app .status.artifact.revision
check_ne "which the log has at info" 0 "$(grep -c '"level":"info".*"msg":"a mirror does not help"' "$H_TMP/log/src.err")"

# ---- other rules -----------------------------------------------------------------------------------------------------

echo 'rules: {' >"$H_TMP/rules.yaml"
check_soon "a file that cannot be read is counted" 30 1 metric 'file_reloads_total{file="mirrors",outcome="failed"}'
check_eq "and the rules stay" "True Succeeded" "$(outcome app)"
rules false
check_soon "new rules are taken" 30 1 metric 'file_reloads_total{file="mirrors",outcome="taken"}'
check_soon "without fallback the registry is not asked" 40 "False OCIArtifactPullFailed" outcome app
check_has "and the mirror is named" "$FRONT" "$(message app)"
check_has "and whose it is" "(asked as a mirror of '$ORIGIN/org/app')" "$(message app)"
echo 'rules: []' >"$H_TMP/rules.yaml"
check_soon "without rules it is asked again, and nobody waits for the end of a back-off" 20 "True Succeeded" outcome app
check_match "what was asked of mirrors is counted" '^[1-9]' "$(metric 'oci_mirror_questions_total{outcome="asked"}')"
h_stop "$CONTROLLER_PID"
check_eq "a clean end" 0 $?
h_finish
