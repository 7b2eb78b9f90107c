#!/usr/bin/env bash
# What the release build keeps in memory while something big goes through it: a layer, and a tag list. (A sanitized build says nothing about this.)
# Alone: it measures memory.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
h_registry_start reg
mkdir "$H_TMP/objects" "$H_TMP/small" "$H_TMP/big"
echo small >"$H_TMP/small/file.yaml"
head -c 100000000 /dev/urandom >"$H_TMP/big/noise"
touch "$H_TMP/big/left-out.png" # so that the layer is packed again
"$OCICTL" push "oci://$REGISTRY/app:1.0.0" --path="$H_TMP/small" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"
"$OCICTL" push "oci://$REGISTRY/app:big" --path="$H_TMP/big" --source=s --revision=r --ignore-paths=nothing >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"
# Thirty thousand versions, put where the registry keeps its tags.
tags=$H_TMP/reg/docker/registry/v2/repositories/many/_manifests/tags
"$OCICTL" push "oci://$REGISTRY/many:1.0.0" --path="$H_TMP/small" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"
long=$(printf 'x%.0s' $(seq 100))
(cd "$tags" && seq -f "1.%.0f.0-$long" 30000 | xargs mkdir && for t in 1.30000.0-*; do cp -r 1.0.0/* "$t"; done)

h_embedded_start src "$H_TMP/objects"
object()
{
	jq -n --arg name "$1" --argjson spec "$2" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name}, spec: ({interval: "10m"} + $spec)}' |
		k apply -f - >/dev/null || h_die "cannot apply $1"
}
revision() { k get ocirepository "$1" -o json | jq -r '.status.artifact.revision // (.status.conditions[]? | select(.type == "Ready") | .message) | sub("@.*"; "")'; }
peak() { awk '/^VmHWM:/ {print $2}' "/proc/$CONTROLLER_PID/status"; }
object warm '{"url":"oci://'"$REGISTRY"'/app","ref":{"semver":"1.x"}}'
check_soon "a small one first" 20 1.0.0 revision warm
before=$(peak)
object many '{"url":"oci://'"$REGISTRY"'/many","ref":{"semver":">=1.0.0-0"}}'
check_soon "the highest of 30,001 tags" 60 "1.30000.0-$long" revision many
check_le "a tag list of 3 MB leaves less than 2 MiB behind (KiB)" $((before + 2048)) "$(peak)"
before=$(peak)
object copy '{"url":"oci://'"$REGISTRY"'/app","ref":{"tag":"big"},"layerSelector":{"operation":"copy"}}'
check_soon "100 MB, copied" 60 big revision copy
check_le "in less than 6 MiB (KiB)" $((before + 6144)) "$(peak)"
object extract '{"url":"oci://'"$REGISTRY"'/app","ref":{"tag":"big"}}'
check_soon "100 MB, packed again" 60 big revision extract
check_le "in less than 12 MiB (KiB)" $((before + 12288)) "$(peak)"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
h_finish
