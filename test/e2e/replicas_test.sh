#!/usr/bin/env bash
# Several replicas on a real API server: who writes, who serves, what a follower does. Each has an address of its own, as a Pod has, in a
# network of the test's own: the API server takes no loopback address for an EndpointSlice.
# Alone: it measures time, and lives by short Leases.
. "$(dirname "$0")/../lib/replicas_net.sh"
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
. "$H_ROOT/test/lib/replicas.sh"
replicas_begin
start()
{
	replicas_start "$@"
	h_address "src$1" artifacts >/dev/null || h_die "replica $1 did not start"
}
moved() { [ "$(named web)" = "$was" ] || echo yes; }
writes() { h_audit "(.verb == \"patch\" or .verb == \"update\" or .verb == \"create\") and .objectRef.resource == \"ocirepositories\" and .user.username == \"system:serviceaccount:flux-system:source-controller\""; }

# ---- the Lease is somebody else's ------------------------------------------------------------------------------------
k create -f - >/dev/null <<EOF
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: $LEASE, namespace: flux-system}
spec: {holderIdentity: flux-pod_1234, leaseDurationSeconds: 3600, acquireTime: '2026-01-01T00:00:00.000000Z', renewTime: '2026-01-01T00:00:00.000000Z', leaseTransitions: 5}
EOF
replicas_push web one
replicas_object web 2s
replicas_slice 1 2
start 1
check_soon "a replica follows while another has the Lease" 20 0 leads 1
check_soon "and is ready" 20 200 ready 1
sleep 3
check_eq "it writes nothing: no finalizer, no status" "0 null" "$(writes) $(field web '.metadata.finalizers')"
check_eq "the Lease stays whose it is" flux-pod_1234 "$(lease .spec.holderIdentity)"
k -n flux-system patch lease "$LEASE" --type=merge -p '{"spec":{"holderIdentity":""}}' >/dev/null
check_soon "given back, it is taken at once" 10 1 leads 1
check_match "under the Pod's name" '^pod-1_[0-9a-f-]{36}$' "$(lease .spec.holderIdentity)"
check_eq "counted" 6 "$(lease .spec.leaseTransitions)"
check_soon "and the object is reconciled" 20 "True Succeeded" outcome web

# ---- a second one follows --------------------------------------------------------------------------------------------
start 2
check_soon "the second replica has the file" 20 200 served 2 web
check_eq "its bytes are those that the status names" "$(named web)" "$(sum 2 web)"
check_eq "it follows" 0 "$(leads 2)"
check_eq "the file came from the first one" "1 0" "$(metric 2 'replica_files_total{result="success"}') $(metric 2 'oci_registry_blob_bytes_total')"
was=$(named web)
replicas_push web two
check_soon "a new revision" 20 yes moved
for n in 1 2; do check_soon "replica $n has it" 20 "$(named web)" sum $n web; done
replicas_push big three 700000
replicas_object big 2s
check_soon "a file that is too large for memory" 20 "True Succeeded" outcome big
check_soon "is on the follower" 20 "$(named big)" sum 2 big
check_eq "nothing came from the registry" 0 "$(metric 2 'oci_registry_blob_bytes_total')"

# ---- the same path, other bytes --------------------------------------------------------------------------------------
path=$(field web .status.artifact.path)
k -n apps patch ocirepository web --type=merge -p '{"spec":{"ignore":"file\n"}}' >/dev/null
ignored() { field web .status.observedIgnore; }
check_soon "other rules" 20 file ignored
check_eq "under the same path" "$path" "$(field web .status.artifact.path)"
for n in 1 2; do check_soon "replica $n has the other bytes" 20 "$(named web)" sum $n web; done

# ---- a consumer is quicker than the follower's watch -----------------------------------------------------------------
kill -STOP "${PID[2]}"
replicas_push web four
k -n apps annotate ocirepository web --overwrite reconcile.fluxcd.io/requestedAt=1 >/dev/null
check_soon "a request is answered" 20 1 field web .status.lastHandledReconcileAt
(sum 2 web >"$H_TMP/quick") &
quick=$!
sleep 0.3
kill -CONT "${PID[2]}"
wait $quick
check_eq "a file that the follower has not heard of is waited for" "$(named web)" "$(cat "$H_TMP/quick")"
check_eq "what no status names is not there" 404 "$(curl -s -o /dev/null -w '%{http_code}' --max-time 30 "http://10.97.0.2:$PORT/ocirepository/apps/web/sha256:$(printf '%064d' 0).tar.gz")"
check_eq "nor what no object has" 404 "$(curl -s -o /dev/null -w '%{http_code}' --max-time 30 "http://10.97.0.2:$PORT/ocirepository/apps/no/sha256:$(printf '%064d' 0).tar.gz")"

# ---- the leader dies ---------------------------------------------------------------------------------------------------
kill -KILL "${PID[1]}"
h_forget "${PID[1]}" 2>/dev/null
check_eq "the follower serves on" 200 "$(served 2 big)"
check_soon "and leads when the Lease has run out" 15 1 leads 2
was=$(named web)
replicas_push web five
check_soon "it reconciles" 20 yes moved
rm -rf "$H_TMP/store1"
start 1
check_soon "the first one comes back with an empty store: ready" 20 200 ready 1
check_eq "it has what the statuses name" "$(named big)" "$(sum 1 big)"
check_eq "and follows" 0 "$(leads 1)"

# ---- the registry is gone: a follower still gets everything -------------------------------------------------------------
h_stop "$REGISTRY_PID"
replicas_slice 1 2 3
start 3
check_soon "a third replica is ready without a registry" 20 200 ready 3
for name in web big; do check_eq "it serves $name" "$(named $name)" "$(sum 3 $name)"; done
h_registry_start reg

# ---- deleted objects -------------------------------------------------------------------------------------------------
files() { find "$H_TMP/store$1/ocirepository/apps/$2" -name '*.tar.gz' -type f 2>/dev/null | wc -l; }
check_ne "a file of it" 0 "$(files 1 big)"
k -n apps delete ocirepository big --timeout=30s >/dev/null
for n in 1 2 3; do check_soon "its files go on replica $n" 20 0 files $n big; done

# ---- an update: who ends serves on until the Services know -------------------------------------------------------------
h_stop "${PID[1]}"
start 1 --shutdown-delay=10s
check_soon "ready again" 20 200 ready 1
was=$(named web)
kill -TERM "${PID[1]}"
replicas_push web new
k -n apps annotate ocirepository web --overwrite reconcile.fluxcd.io/requestedAt=2 >/dev/null
check_soon "another revision meanwhile" 9 yes moved
check_eq "new clients are given it" "$(named web)" "$(sum 1 web)"
check_eq "what no status names is not there" 404 "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "http://10.97.0.1:$PORT/ocirepository/apps/web/sha256:$(printf '%064d' 1).tar.gz")"
check_ok "then it ends" h_until 30 h_gone "${PID[1]}"
h_forget "${PID[1]}" 2>/dev/null
start 1

# ---- the leader leaves -----------------------------------------------------------------------------------------------
since=$(h_now_ms)
kill -TERM "${PID[2]}"
led() { for n in 1 3; do [ "$(leads $n)" != 1 ] || echo $n; done | wc -l; }
check_soon "another one leads at once" 10 1 led
check_le "within a look" 3500 $(($(h_now_ms) - since))
was=$(named web)
replicas_push web six
check_soon "and reconciles" 20 yes moved

# ---- URLs with a secret ----------------------------------------------------------------------------------------------
echo "a secret of all replicas" >"$H_TMP/secret"
for n in 1 3; do
	h_stop "${PID[$n]}"
	rm -rf "$H_TMP/store$n"
	start $n --artifact-url-secret="$H_TMP/secret"
done
secret_path() { field web .status.artifact.url | sed 's|^http://[^/]*/||'; }
element() { secret_path | grep -cE '^[0-9a-f]{64}/ocirepository/apps/web/sha256:'; }
check_soon "the leader has written the other URL" 20 1 element
for n in 1 3; do
	check_soon "replica $n answers to it" 20 200 curl -s -o /dev/null -w '%{http_code}' --max-time 30 "http://10.97.0.$n:$PORT/$(secret_path)"
	check_eq "and to no other on replica $n" 404 "$(served $n web)"
done
h_stop "${PID[3]}"
check_soon "the other one leads" 15 1 leads 1 # who leads asks the registry
rm -rf "$H_TMP/store3"
start 3 --artifact-url-secret="$H_TMP/secret"
check_soon "one that comes back is ready" 20 200 ready 3
check_eq "it has asked another replica with it" "1 0" "$(metric 3 'replica_files_total{result="success"}') $(metric 3 'oci_registry_blob_bytes_total')"
h_finish
