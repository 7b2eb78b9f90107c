#!/usr/bin/env bash
# --events-addr as a black box: what is posted, that nobody waits for it, and what comes of it when the receiver is away, says nothing, or
# when the process ends.
# Alone: it measures time.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
SOON=20
h_registry_start reg
h_receiver_start nc
mkdir "$H_TMP/app" "$H_TMP/objects"
echo 'a: 1' >"$H_TMP/app/a.yaml"
"$OCICTL" push "oci://$REGISTRY/web:1.0.0" --path="$H_TMP/app" --source=https://example.com/web.git --revision=main@sha1:1 >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"
start() { h_embedded_start src "$H_TMP/objects" "$@" && METRICS=$(h_address src metrics); }
counter() { curl -sf "http://$METRICS/metrics" | sed -n "s/^$1 //p"; }
ready() { k get ocirepository "$1" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].reason}' 2>/dev/null; }
said() { jq -r '"\(.involvedObject.name) \(.severity) \(.reason)"' "$H_TMP/nc.posts" | uniq | paste -sd ,; }
object() { printf '{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"%s","namespace":"default","annotations":{"event.toolkit.fluxcd.io/team":"blue"}},"spec":{"interval":"10m","url":"oci://%s/web","ref":{"tag":"%s"}}}' "$1" "$REGISTRY" "$2" | k apply -f - >/dev/null; }

# ---- what is posted ----------------------------------------------------------------------------------------------------
start --events-addr="http://$RECEIVER/"
object web 1.0.0
check_soon "a new artifact" "$SOON" "web info NewArtifact" said
first=$(head -n 1 "$H_TMP/nc.posts")
check_eq "whom it is from" "source-controller $(hostname)" "$(jq -r '"\(.reportingController) \(.reportingInstance)"' <<<"$first")"
check_match "when" '^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:]{8}Z$' "$(jq -r .timestamp <<<"$first")"
check_eq "the object" "$(k get ocirepository web -o json | jq -cS '{apiVersion, kind, name: .metadata.name, namespace: .metadata.namespace, uid: .metadata.uid, resourceVersion: .metadata.resourceVersion}')" \
	"$(jq -cS .involvedObject <<<"$first")"
check_eq "its metadata" "$(k get ocirepository web -o json | jq -cS '{"event.toolkit.fluxcd.io/team": "blue", "source.toolkit.fluxcd.io/digest": .status.artifact.digest,
	"source.toolkit.fluxcd.io/originRevision": "main@sha1:1", "source.toolkit.fluxcd.io/revision": .status.artifact.revision}')" "$(jq -cS .metadata <<<"$first")"
check_has "the same as the Event says" "$(jq -r .message <<<"$first")" "$(k get events -o json | jq -r '.items[].message')"
object web none
check_soon "a failure" "$SOON" "web info NewArtifact,web error OCIArtifactPullFailed" said
object web 1.0.0
check_soon "the recovery" "$SOON" "web info NewArtifact,web error OCIArtifactPullFailed,web info Succeeded" said
check_eq "nothing was lost" "0 0 0" "$(counter 'flux_events_total{outcome="failed"}') $(counter 'flux_events_total{outcome="dropped"}') $(counter flux_events_waiting)"

# ---- duplicates are no error ---------------------------------------------------------------------------------------------
echo 429 >"$H_TMP/nc.status"
object api 1.0.0
check_soon "a duplicate" "$SOON" 1 counter 'flux_events_total{outcome="duplicate"}'
check_eq "is no problem" 0 "$(grep -c 'cannot tell notification-controller' "$H_TMP/log/src.err")"
rm "$H_TMP/nc.status"

# ---- it says nothing, then it is gone --------------------------------------------------------------------------------------
kill -s STOP "$RECEIVER_PID"
before=$(h_now_ms)
object stalled 1.0.0
check_soon "it stalls: the object does not wait" "$SOON" "True Succeeded" ready stalled
check_le "not even a little" 4000 $(($(h_now_ms) - before))
check_soon "that is logged" "$SOON" 1 grep -c 'cannot tell notification-controller' "$H_TMP/log/src.err"
kill -s CONT "$RECEIVER_PID"
check_soon_match "then it hears of it" "$SOON" 'stalled info NewArtifact' said
h_stop "$RECEIVER_PID"
object away 1.0.0
check_soon "it is away: the object does not wait" "$SOON" "True Succeeded" ready away
h_receiver_start nc
check_soon_match "it is back, and hears of it" "$SOON" 'away info NewArtifact' said

# ---- the end ---------------------------------------------------------------------------------------------------------------
kill -s STOP "$RECEIVER_PID"
object last 1.0.0
h_until "$SOON" bash -c "curl -sf http://$METRICS/metrics | grep -q '^flux_events_requests_total'"
check_soon "one more" "$SOON" "True Succeeded" ready last
(sleep 0.5; kill -s CONT "$RECEIVER_PID") &
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
check_match "what was on its way arrives" 'last info NewArtifact' "$(said)"
start --events-addr="http://$RECEIVER/"
kill -s STOP "$RECEIVER_PID"
object late 1.0.0
check_soon "nobody listens at the end" "$SOON" "True Succeeded" ready late
before=$(h_now_ms)
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
check_le "the end does not wait for it either" 5000 $(($(h_now_ms) - before))
kill -s CONT "$RECEIVER_PID"

# ---- off, and nonsense -------------------------------------------------------------------------------------------------------
start --events-addr=
check_eq "without an address nothing is counted" "" "$(counter flux_events_waiting)"
h_stop "$CONTROLLER_PID"
out=$(timeout 20 "$CONTROLLER" --embedded --events-addr=notification-controller:80 2>&1)
check_eq "no URL: exit status" 2 $?
check_has "and the flag is named" --events-addr "$out"
h_finish
