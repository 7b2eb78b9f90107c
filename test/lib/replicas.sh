# shellcheck shell=bash
# replicas.sh: several replicas of the controller on a real API server, each with an address of its own, as a Pod has. Sourced after
# harness.sh, parts.sh and objects.sh, by a script that begins with
#
#   . "$(dirname "$0")/../lib/replicas_net.sh"     # a network of the test's own: the API server takes no loopback address for an EndpointSlice
#
#   replicas_begin                       registry, API server, deploy/ha, namespace apps, where kubectl is from then on
#   replicas_slice 1 2                   what the headless Service's controller would write: the addresses of these
#   replicas_start 1 ARGS...             number 1 runs, its process is ${PID[1]}, its store $H_TMP/store1, its log that of src1
#
# REPLICA_FLAGS are the flags of all; a script may set them. By default nobody waits for the 35 s of the Lease.
PORT=9090
LEASE=source-controller-leader-election
declare -A PID
REPLICA_FLAGS=(--leader-election-lease-duration=4s --leader-election-renew-deadline=3s --leader-election-retry-period=500ms)

replicas_begin()
{
	h_registry_start reg
	h_cluster_start
	mkdir "$H_TMP/ours"
	cp -r "$H_ROOT/deploy" "$H_TMP/deploy"
	printf 'resources: [../deploy]\ncomponents: [../deploy/ha]\n' >"$H_TMP/ours/kustomization.yaml"
	k apply -k "$H_TMP/ours" >/dev/null
	h_crds_apply
	h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
	h_namespace apps
	k config set-context --current --namespace=apps >/dev/null 2>&1
}

replicas_slice()
{
	local n

	for n in "$@"; do echo "{\"addresses\":[\"10.97.0.$n\"],\"conditions\":{\"ready\":true},\"targetRef\":{\"kind\":\"Pod\",\"name\":\"pod-$n\"}}"; done |
		jq -s --argjson port $PORT '{apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4",
			metadata: {name: "peers", namespace: "flux-system", labels: {"kubernetes.io/service-name": "oci-source-controller-peers"}},
			ports: [{name: "http", port: $port, protocol: "TCP"}], endpoints: .}' | k apply -f - >/dev/null || h_die "no EndpointSlice"
}

# Its name is the Pod's. The last of two flags counts.
replicas_start()
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
}

lease() { k -n flux-system get lease "$LEASE" -o json | jq -r "$1"; }
metric() { curl -s "http://10.97.0.$1:8080/metrics" | grep -E "^$2" | awk '{print $2}'; }
leads() { metric "$1" "leader_election_master_status\\{name=\"$LEASE"; }
ready() { curl -s -o /dev/null -w '%{http_code}' "http://10.97.0.$1:$PORT/"; }
# Asked again and again: a tenth of what kubectl costs.
get()
{
	curl -s --cacert "$KUBE_CA" -H "Authorization: Bearer $(cut -d, -f1 "$H_TMP/kube/tokens.csv")" \
		"$KUBE_SERVER/apis/source.toolkit.fluxcd.io/v1/namespaces/apps/ocirepositories/$1"
}
# served N NAME: what replica N answers for the file that the status names, or names so far.
served() { curl -s -o /dev/null -w '%{http_code}' --max-time 30 "http://10.97.0.$1:$PORT/$(field "$2" .status.artifact.path)"; }
sum() { curl -s --max-time 30 "http://10.97.0.$1:$PORT/$(field "$2" .status.artifact.path)" | sha256sum | cut -d' ' -f1; }
named() { field "$1" .status.artifact.digest | cut -d: -f2; }

# replicas_push NAME TEXT [BYTES]: NAME:main has two files with the text, and so many bytes of noise.
replicas_push()
{
	rm -rf "$H_TMP/app"
	mkdir "$H_TMP/app"
	echo "$2" | tee "$H_TMP/app/file" >"$H_TMP/app/kept"
	[ -z "${3:-}" ] || head -c "$3" /dev/urandom >"$H_TMP/app/large"
	"$OCICTL" push "oci://$REGISTRY/$1:main" --path="$H_TMP/app" --source=x --revision="$2" >/dev/null || h_die "cannot push $1"
}

# replicas_object NAME INTERVAL
replicas_object()
{
	k apply -f - >/dev/null <<-EOF
	apiVersion: source.toolkit.fluxcd.io/v1
	kind: OCIRepository
	metadata: {name: $1, namespace: apps}
	spec: {interval: $2, url: 'oci://$REGISTRY/$1', ref: {tag: main}}
	EOF
}
