#!/usr/bin/env bash
# A semver choice when the tag list goes backwards: a page that lacks the current tag, and a tag that is really deleted.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"

h_registry_start reg
TAGS=(1.0.0 2.0.0)
mkdir -p "$H_TMP/objects"
for tag in "${TAGS[@]}"; do
	mkdir -p "$H_TMP/$tag"
	echo "$tag" >"$H_TMP/$tag/file"
	env HOME="$H_TMP" "$OCICTL" push "oci://$REGISTRY/app:$tag" --path="$H_TMP/$tag" --source=s --revision=r >/dev/null || h_die "cannot push $tag"
done
manifest() { curl -sI -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/app/manifests/$1" | tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p'; }
LOWER=1.0.0@$(manifest 1.0.0)
CURRENT=2.0.0@$(manifest 2.0.0)

h_front_start "$REGISTRY" "$H_TMP/lag"
asked() { grep -c -- "$1" "$H_TMP/front.log"; }
asked_since() { [ "$(asked "$1")" -ge "$2" ]; }
logged() { grep -c -- "$1" "$H_TMP/log/src.err"; }

h_embedded_start src "$H_TMP/objects"
cat >"$H_TMP/objects/app.yaml" <<EOF2
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: app, namespace: default}
spec: {interval: 2s, url: "oci://$FRONT/app", ref: {semver: ">=1.0.0"}}
EOF2
check_soon "the highest version is chosen" 30 "True Succeeded" outcome app
check_eq "which is" "$CURRENT" "$(field app .status.artifact.revision)"
BEFORE=$(get app | jq -S .status)

# ---- the list lags ---------------------------------------------------------------------------------------------------

echo 2.0.0 >"$H_TMP/lag"
n=$(asked 'GET /v2/app/tags/list')
h_until 30 asked_since 'GET /v2/app/tags/list' $((n + 4)) || h_die "the list is not asked for any more"
check_eq "a list that lacks the current tag changes nothing" "$BEFORE" "$(get app | jq -S .status)"
check_ne "the tag itself was asked for" 0 "$(asked 'HEAD /v2/app/manifests/2.0.0')"
check_eq "the lower one was not" 0 "$(asked 'HEAD /v2/app/manifests/1.0.0')"
check_eq "it is said once" 1 "$(logged '"level":"info".*the tag list lacks the current tag, which the registry still has: it stays')"
rm "$H_TMP/lag"

# ---- the tag is deleted ----------------------------------------------------------------------------------------------

code=$(curl -s -o /dev/null -w '%{http_code}' -X DELETE "http://$REGISTRY/v2/app/manifests/${CURRENT#*@}")
check_eq "the registry deletes it" 202 "$code"
check_soon "the first answer is noted" 20 1 logged '"level":"info".*the current tag is gone: it stays until that is confirmed'
check_eq "and changes nothing" "$BEFORE" "$(get app | jq -S .status)"
check_soon "the second one, later, makes way for the lower version" 60 "$LOWER" field app .status.artifact.revision
check_eq "which is Ready" "True Succeeded" "$(outcome app)"
check_eq "it is said once, too" 1 "$(logged '"level":"info".*the current tag is confirmed gone: the tag list counts')"
h_stop "$CONTROLLER_PID"
check_eq "a clean end" 0 $?
h_finish
