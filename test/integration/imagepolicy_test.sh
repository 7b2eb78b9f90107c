#!/usr/bin/env bash
# ImagePolicies and their ImageRepository against Debian's docker-registry: a tag that is pushed becomes the choice, digests, a tag that vanishes,
# restarts, a long list.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"

h_registry_start reg
push() { env HOME="$H_TMP" "$OCICTL" push "oci://$REGISTRY/app:$1" --path="$H_ROOT/deploy/samples/app" --source=s --revision="$1" 2>&1; }
check_has "pushed" "app:1.0.0@sha256:" "$(push 1.0.0)"
TAGS=$H_TMP/reg/docker/registry/v2/repositories/app/_manifests/tags
tag() { cp -r "$TAGS/${2:-1.0.0}" "$TAGS/$1"; }
for t in v1.2.0 1.10.0 2.0.0 sha-1f2e3d4 sha-f00dcafe main-1-100 main-2-99; do tag $t; done

mkdir "$H_TMP/objects"
h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store"
jq -n --arg image "$REGISTRY/app" '{apiVersion: "image.toolkit.fluxcd.io/v1", kind: "ImageRepository", metadata: {name: "app"}, spec: {interval: "1h", image: $image}}' |
	k apply -f - >/dev/null || h_die "cannot apply the ImageRepository"
policy() # NAME SPEC
{
	jq -n --arg name "$1" --argjson spec "$2" \
		'{apiVersion: "image.toolkit.fluxcd.io/v1", kind: "ImagePolicy", metadata: {name: $name}, spec: ({imageRepositoryRef: {name: "app"}} + $spec)}' |
		k apply -f - 2>&1
}
field() { k get imagepolicy "$1" -o json | jq -r "$2"; }
latest() { field "$1" '.metadata.generation as $g | (.status.conditions[]? | select(.type == "Ready" and .observedGeneration == $g) | .status), .status.latestRef.tag' | xargs; }
message() { field "$1" '.status.conditions[] | select(.type == "Ready") | .message'; }
scan() { k annotate --overwrite imagerepository app "reconcile.fluxcd.io/requestedAt=$(h_now_ms)" >/dev/null; }
note() { k annotate --overwrite imagepolicy "$@" >/dev/null; }

# ---- the choice ------------------------------------------------------------------------------------------------------
policy semver '{"policy": {"semver": {"range": "1.x"}}}' >/dev/null
policy seed '{"filterTags": {"pattern": "^sha-(?P<sha>[a-fA-F0-9]+)$", "extract": "$sha"}, "policy": {"alphabetical": {}}}' >/dev/null
policy stamp '{"filterTags": {"pattern": "^main-[a-f0-9]+-(?P<ts>[0-9]+)$", "extract": "$ts"}, "policy": {"numerical": {"order": "asc"}}}' >/dev/null
check_soon "by version" 20 "True 1.10.0" latest semver
check_soon "by hash" 20 "True sha-f00dcafe" latest seed
check_soon "by number" 20 "True main-1-100" latest stamp
check_eq "why" "Latest image tag for $REGISTRY/app resolved to 1.10.0; it won over 'v1.2.0': it is the higher version" "$(message semver)"
check_eq "columns" "NAME IMAGE TAG READY STATUS AGE" "$(k get imgpol semver | head -n1 | xargs)"
check_eq "nobody was asked for a manifest" 0 "$(h_registry_requests reg HEAD '/v2/app/manifests/.*')"

tag main-3-101
scan
check_soon "a new tag wins as soon as it is found" 5 "True main-3-101" latest stamp
check_has "and the one before is named" "(previously $REGISTRY/app:main-1-100)" "$(message stamp)"
check_has "a rule of the API" "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'" \
	"$(policy bad '{"digestReflectionPolicy": "Always", "policy": {"alphabetical": {}}}')"
check_has "and the other one" "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'" \
	"$(policy bad '{"interval": "1m", "policy": {"alphabetical": {}}}')"

# ---- digests ---------------------------------------------------------------------------------------------------------
digest() { field digest .status.latestRef.digest; }
of() { curl -sI -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/app/manifests/$1" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //Ip'; }
policy digest '{"digestReflectionPolicy": "Always", "interval": "1s", "policy": {"semver": {"range": "1.x"}}}' >/dev/null
check_soon "a digest" 20 "$(of 1.10.0)" digest
old=$(of 1.10.0)
push 1.10.0 >/dev/null
check_ne "the tag is moved" "$old" "$(of 1.10.0)"
check_soon "and followed" 20 "$(of 1.10.0)" digest
check_has "with the digest before" "(previously $REGISTRY/app:1.10.0@$old)" "$(message digest)"
k delete imagepolicy digest >/dev/null

# ---- build times -----------------------------------------------------------------------------------------------------
built() { env HOME="$H_TMP" "$OCICTL" push "oci://$REGISTRY/app:$1" --path="$H_ROOT/deploy/samples/app" --source=s --revision="$1" --created="$2" >/dev/null 2>&1; }
built git-f00dcaf 2026-01-02T10:00:00Z
built git-1f2e3d4 2026-01-03T10:00:00Z
scan
policy build '{"filterTags": {"pattern": "^git-[0-9a-f]+$"}, "policy": {"alphabetical": {}}}' >/dev/null
check_soon "without build times the greatest text wins" 20 "True git-f00dcaf" latest build
note build oci-source-controller/order=build-time
check_soon "with them the last build" 20 "True git-1f2e3d4" latest build
check_has "the message says why" "it was built at 2026-01-03T10:00:00Z, and the other one at 2026-01-02T10:00:00Z; the registry was asked for 2 of 2 tags" \
	"$(message build)"
built git-abcdef0 2026-01-04T10:00:00Z
scan
check_soon "a later build wins as soon as it is found" 10 "True git-abcdef0" latest build
check_has "and only that one was asked for" "the registry was asked for 1 of 3 tags" "$(message build)"

# ---- a list that lacks the winner ------------------------------------------------------------------------------------
mv "$TAGS/main-3-101" "$H_TMP/away"
scan
sleep 2
check_eq "a tag that vanishes stays for now" "True main-3-101" "$(latest stamp)"
mv "$H_TMP/away" "$TAGS/main-3-101"
scan
mv "$TAGS/main-3-101" "$H_TMP/away"
note stamp 'oci-source-controller/skip=-101$'
check_soon "one that is skipped does not" 5 "True main-1-100" latest stamp
mv "$H_TMP/away" "$TAGS/main-3-101"

# ---- pin -------------------------------------------------------------------------------------------------------------
note semver oci-source-controller/pin=v1.2.0
check_soon "a pin" 5 "True v1.2.0" latest semver
check_has "says so" "it is pinned; without that '1.10.0' would win" "$(message semver)"
note semver oci-source-controller/pin-
check_soon "and ends" 5 "True 1.10.0" latest semver

# ---- a restart -------------------------------------------------------------------------------------------------------
versions() { k get imagepolicies -o json | jq -r '.items[] | "\(.metadata.name) \(.metadata.resourceVersion)"' | xargs; }
before=$(versions)
h_stop "$CONTROLLER_PID"
check_eq "a clean end" 0 $?
h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store"
sleep 3
check_eq "after a restart no policy is written" "$before" "$(versions)"

# ---- many tags -------------------------------------------------------------------------------------------------------
(cd "$TAGS" && seq -f 'many-%06.0f' 1 20000 | xargs mkdir)
policy many '{"filterTags": {"pattern": "^many-(?P<n>[0-9]+)$", "extract": "$n"}, "policy": {"numerical": {}}}' >/dev/null
scan
check_soon "of 20,000 tags the greatest" 60 "True many-020000" latest many
h_finish
