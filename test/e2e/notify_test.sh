#!/usr/bin/env bash
# A real notification-controller on a real API server: an Alert and a generic Provider post what happens to an OCIRepository to a receiver
# of ours. A new artifact, a failure and the recovery arrive with the object's annotations, also across a restart of
# notification-controller; without it the object is as well as ever.
# Alone: it measures time.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
h_registry_start reg
h_cluster_start
k apply -k "$H_ROOT/deploy" >/dev/null
# shellcheck disable=SC2046 # one file a word
h_crds_apply $(h_notification_controller_crds)
h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
EVENTS=127.0.0.1:$(h_free_port)
mkdir "$H_TMP/store"
h_controller_start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store" --events-addr="http://$EVENTS/"
h_address src artifacts >/dev/null || h_die "the controller did not start"
METRICS=$(h_address src metrics)

# What the Provider posts to.
h_receiver_start hook

h_namespace apps
kn() { k -n apps "$@"; }
kn apply -f - >/dev/null <<EOT
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: hook}
spec: {type: generic, address: 'http://$RECEIVER/'}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: all}
spec:
  providerRef: {name: hook}
  eventSeverity: info
  eventSources: [{kind: OCIRepository, name: '*'}]
  eventMetadata: {cluster: e2e}
EOT

push()
{
	mkdir -p "$H_TMP/app" && echo "version: '$1'" >"$H_TMP/app/version.yaml"
	"$OCICTL" push "oci://$REGISTRY/web:$1" --path="$H_TMP/app" --source=https://example.com/web.git --revision="main@sha1:$1" >>"$H_TMP/log/push.out" 2>&1 ||
		h_die "cannot push $1"
}
counter() { curl -sf "http://$METRICS/metrics" | sed -n "s/^$1 //p"; }
ready() { kn get ocirepository "$1" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].reason}' 2>/dev/null; }
revision() { kn get ocirepository "$1" -o jsonpath='{.status.artifact.revision}' 2>/dev/null; }
# told NAME REASON JQ: what the receiver got last of this object with this reason.
told() { jq -r --arg n "$1" --arg r "$2" "select(.involvedObject.name == \$n and .reason == \$r) | $3" "$H_TMP/hook.posts" 2>/dev/null | tail -n 1; }
count() { jq -r --arg n "$1" --arg r "$2" 'select(.involvedObject.name == $n and .reason == $r) | .reason' "$H_TMP/hook.posts" 2>/dev/null | grep -c .; }

# ---- nobody is there yet: the object does not care ---------------------------------------------------------------------
push 1.0.0
kn apply -f - >/dev/null <<EOT
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: web
  annotations: {event.toolkit.fluxcd.io/team: blue, example.com/other: x}
spec: {interval: 10m, url: 'oci://$REGISTRY/web', ref: {tag: 1.0.0}}
EOT
check_soon "without notification-controller the object gets ready" 20 "True Succeeded" ready web
check_soon_match "and its event waits, or is on its way" 10 '^[1-9]' counter flux_events_requests_total
check_eq "nothing was given up" "0 0" "$(counter 'flux_events_total{outcome="failed"}') $(counter 'flux_events_total{outcome="dropped"}')"
check_eq "the log has it once" 1 "$(grep -c 'cannot tell notification-controller' "$H_TMP/log/src.err")"

# ---- a new artifact, told by the real one -------------------------------------------------------------------------------
h_notification_controller_start "$EVENTS"
check_soon "a new artifact is told, late" 60 1 count web NewArtifact
check_eq "its message" "stored artifact with revision '$(revision web)' from 'oci://$REGISTRY/web', origin source 'https://example.com/web.git', origin revision 'main@sha1:1.0.0'" \
	"$(told web NewArtifact .message)"
check_eq "whom it is from" "info source-controller $(hostname) OCIRepository apps source.toolkit.fluxcd.io/v1" \
	"$(told web NewArtifact '"\(.severity) \(.reportingController) \(.reportingInstance) \(.involvedObject | "\(.kind) \(.namespace) \(.apiVersion)")"')"
check_eq "the object it is about" "$(kn get ocirepository web -o jsonpath='{.metadata.uid}')" "$(told web NewArtifact .involvedObject.uid)"
check_eq "its metadata, as notification-controller makes it" "{\"cluster\":\"e2e\",\"originRevision\":\"main@sha1:1.0.0\",\"revision\":\"$(revision web)\",\"team\":\"blue\"}" \
	"$(told web NewArtifact '.metadata | tojson' | jq -cS .)"

# ---- a failure, and the recovery right after ------------------------------------------------------------------------------
kn patch ocirepository web --type=merge -p '{"spec":{"ref":{"tag":"none"}}}' >/dev/null
check_soon "a failure is told" 20 "error" told web OCIArtifactPullFailed .severity
check_eq "in the words of the status" "$(kn get ocirepository web -o jsonpath='{.status.conditions[?(@.type=="Ready")].message}')" "$(told web OCIArtifactPullFailed .message)"
kn patch ocirepository web --type=merge -p '{"spec":{"ref":{"tag":"1.0.0"}}}' >/dev/null
check_soon "so is the recovery, within the time in which its text would be a duplicate" 20 info told web Succeeded .severity
check_eq "with the revision that is there again" "$(revision web)" "$(told web Succeeded .metadata.revision)"
check_eq "what only rate limits are made by is nobody's business" null "$(told web Succeeded .metadata.token)"

# ---- the same failure at each run -----------------------------------------------------------------------------------------
kn patch ocirepository web --type=merge -p '{"spec":{"ref":{"tag":"gone"}}}' >/dev/null
check_soon_match "a failure that stays is told at each run, and left out there" 20 '^[1-9]' counter 'flux_events_total{outcome="duplicate"}'
check_soon "so people hear of it once more" 20 2 count web OCIArtifactPullFailed

# ---- notification-controller restarts ---------------------------------------------------------------------------------------
h_stop "$NOTIFICATION_CONTROLLER_PID"
push 2.0.0
kn patch ocirepository web --type=merge -p '{"spec":{"ref":{"tag":"2.0.0"}}}' >/dev/null
check_soon "it is away: a new revision" 20 "True Succeeded" ready web
h_notification_controller_start "$EVENTS"
check_soon "is told when it is back" 60 "$(revision web)" told web NewArtifact .metadata.revision
# An outage within a minute of another one is not told again.
check_match "the log says so, once a minute at most" '^[12]$' "$(grep -c 'notification-controller takes events again' "$H_TMP/log/src.err")"

# ---- the end of the process -------------------------------------------------------------------------------------------------
before=$(h_now_ms)
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
check_le "it waits for nobody" 5000 $(($(h_now_ms) - before))
h_finish
