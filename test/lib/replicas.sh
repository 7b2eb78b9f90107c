# shellcheck shell=bash
# replicas.sh: several replicas on one API server, each with an address of its own, as a Pod has; sourced after harness.sh and parts.sh, in a
# network of the script's own: the API server takes no loopback address for an EndpointSlice.
#
#   if [ -z "${REPLICAS_NET:-}" ]; then REPLICAS_NET=1 exec unshare --net -- bash "$0"; fi
#   ip link set lo up; ip address add 10.97.0.N/32 dev lo    # for each N; KUBE_APISERVER_ARGS=--advertise-address=10.97.0.1
#   replicas_install          deploy/ and deploy/ha, and $H_TMP/sa.kubeconfig
#   slice 1 2                 what a headless Service's controller would write
#   start 1 ARGS...           PID[1]; its store is $H_TMP/store1; REPLICA_FLAGS are the flags of all
PORT=9090
LEASE=source-controller-leader-election
declare -A PID
REPLICA_FLAGS=()

replicas_install()
{
	mkdir "$H_TMP/ours"
	cp -r "$H_ROOT/deploy" "$H_TMP/deploy"
	printf 'resources: [../deploy]\ncomponents: [../deploy/ha]\n' >"$H_TMP/ours/kustomization.yaml"
	k apply -k "$H_TMP/ours" >/dev/null
	h_crds_apply
	h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
}

# The addresses of all Pods.
slice()
{
	local n

	for n in "$@"; do echo "{\"addresses\":[\"10.97.0.$n\"],\"conditions\":{\"ready\":true},\"targetRef\":{\"kind\":\"Pod\",\"name\":\"pod-$n\"}}"; done |
		jq -s --argjson port $PORT '{apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4",
			metadata: {name: "peers", namespace: "flux-system", labels: {"kubernetes.io/service-name": "oci-source-controller-peers"}},
			ports: [{name: "http", port: $port, protocol: "TCP"}], endpoints: .}' | k apply -f - >/dev/null || h_die "no EndpointSlice"
}

# start N ARGS...: the replica of that number; its name is the Pod's.
start()
{
	local n=$1

	shift
	mkdir -p "$H_TMP/store$n"
	printf '%s\n' "$(h_log_size "src$n")" >"$H_TMP/src$n.logstart"
	RUNTIME_NAMESPACE=flux-system h_spawn "src$n" unshare --uts -- sh -c "hostname pod-$n; exec \"\$@\"" sh "$CONTROLLER" \
		--kubeconfig="$H_TMP/sa.kubeconfig" --storage-path="$H_TMP/store$n" --storage-addr=10.97.0.$n:$PORT --storage-adv-addr=artifacts:$PORT \
		--metrics-addr=10.97.0.$n:8080 --health-addr=10.97.0.$n:9440 --enable-leader-election --peers-service=oci-source-controller-peers \
		${REPLICA_FLAGS[@]+"${REPLICA_FLAGS[@]}"} "$@"
	PID[$n]=$H_PID
	h_address "src$n" artifacts >/dev/null || h_die "replica $n did not start"
}

metric() { curl -s "http://10.97.0.$1:8080/metrics" | grep -E "^$2" | awk '{print $2}'; }
leads() { metric "$1" leader_election_master_status; }
ready() { curl -s -o /dev/null -w '%{http_code}' "http://10.97.0.$1:$PORT/"; }
