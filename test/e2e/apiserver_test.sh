#!/usr/bin/env bash
# Ways to reach a real API server, and what it does to its clients: in-cluster configuration with a rotating token, client certificates,
# restarts, versions that are gone, many and big objects, selectors and single namespaces.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
h_registry_start reg
# Old versions are compacted away after five seconds.
KUBE_APISERVER_ARGS=--etcd-compaction-interval=5s
h_cluster_start
k apply -k "$H_ROOT/deploy" >/dev/null
k wait --for=condition=Established --timeout=30s crd --all >/dev/null
h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
STORAGE=127.0.0.1:$(h_free_port)
start()
{
	mkdir -p "$H_TMP/store-$1"
	h_controller_start "$1" --storage-path="$H_TMP/store-$1" --storage-addr="${ADDR:-127.0.0.1:0}" --storage-adv-addr="$STORAGE" "${@:2}"
}
for v in 1 2; do
	rm -rf "$H_TMP/app"
	cp -r "$H_ROOT/deploy/samples/app" "$H_TMP/app"
	sed -i "s/VERSION/$v/" "$H_TMP/app/configmap.yaml"
	"$OCICTL" push "oci://$REGISTRY/web:$v" --path="$H_TMP/app" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"
done
h_namespace apps
h_namespace other
# object NAMESPACE NAME TAG [LABEL VALUE]
object()
{
	jq -n --arg ns "$1" --arg name "$2" --arg tag "$3" --arg url "oci://$REGISTRY/web" --arg l "${4:-}" --arg v "${5:-}" \
		'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name, namespace: $ns, labels: (if $l == "" then {} else {($l): $v} end)},
		  spec: {interval: "10m", url: $url, ref: {tag: $tag}}}' | k apply -f - >/dev/null || h_die "cannot apply $2"
}
tagof() { k -n "$1" get ocirepository "$2" -o json | jq -r '.status.artifact.revision // "" | sub("@.*"; "")'; }

# ---- in a cluster: the token and the CA from files that are swapped as kubelet swaps them ---------------------------
# A token that the API server stops honouring when the Secret it is bound to goes.
k -n flux-system create secret generic bound >/dev/null
request() { jq -n --argjson ref "$1" '{apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: ({expirationSeconds: 7200} + $ref)}' |
	k create --raw /api/v1/namespaces/flux-system/serviceaccounts/source-controller/token -f - | jq -r .status.token; }
sa=$H_TMP/serviceaccount
data() { mkdir "$sa/..$1"; cp "$KUBE_CA" "$sa/..$1/ca.crt"; printf flux-system >"$sa/..$1/namespace"; printf %s "$2" >"$sa/..$1/token"; ln -sfn "..$1" "$sa/..data.new"; mv -T "$sa/..data.new" "$sa/..data"; }
mkdir "$sa"
data first "$(request '{"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"bound"}}')"
for f in token ca.crt namespace; do ln -s "..data/$f" "$sa/$f"; done
# The program sees the files where they are in every Pod: a mount namespace of its own has another /run.
cat >"$H_TMP/in-pod" <<EOF
#!/usr/bin/env bash
mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io && ln -s "$sa" /run/secrets/kubernetes.io/serviceaccount &&
exec env -u KUBECONFIG KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=$KUBE_PORT RUNTIME_NAMESPACE=flux-system "$CONTROLLER" "\$@"
EOF
chmod +x "$H_TMP/in-pod"
if [ "$(id -u)" -eq 0 ]; then
	mkdir "$H_TMP/store-pod"
	echo 0 >"$H_TMP/pod.logstart"
	h_spawn pod "${H_UNSHARE[@]}" "$H_TMP/in-pod" --watch-all-namespaces --storage-path="$H_TMP/store-pod" --storage-addr=127.0.0.1:0 \
		--storage-adv-addr="$STORAGE" --metrics-addr=127.0.0.1:0 --health-addr=127.0.0.1:0
	pod=$H_PID
	object apps in-cluster 1
	check_soon "in-cluster configuration" 30 1 tagof apps in-cluster
	data second "$(request '{}')"
	k -n flux-system delete secret bound >/dev/null
	# The API server remembers a good token for ten seconds; with the old one nothing would be written after that.
	h_until 30 bash -c "! curl -sf --cacert '$KUBE_CA' -H 'Authorization: Bearer $(cat "$sa/..first/token")' '$KUBE_SERVER/apis/source.toolkit.fluxcd.io/v1/ocirepositories?limit=1'"
	object apps in-cluster 2
	check_soon "the rotated token is used" 90 2 tagof apps in-cluster
	h_stop "$pod"
	check_eq "SIGTERM: exit status" 0 $?
	k -n apps delete ocirepository in-cluster --wait=false >/dev/null
fi

# ---- kubeconfig files ------------------------------------------------------------------------------------------------
openssl req -newkey rsa:2048 -nodes -keyout "$H_TMP/client.key" -out "$H_TMP/client.csr" -subj /CN=certificate-user 2>/dev/null
openssl x509 -req -in "$H_TMP/client.csr" -CA "$H_TMP/kube/client-ca.crt" -CAkey "$H_TMP/kube/client-ca.key" -CAcreateserial -out "$H_TMP/client.crt" -days 30 2>/dev/null
k create clusterrolebinding certificate-user --clusterrole=oci-source-controller --user=certificate-user >/dev/null
cat >"$H_TMP/cert.kubeconfig" <<EOF
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: '$KUBE_SERVER', certificate-authority-data: $(base64 -w0 "$KUBE_CA")}}]
users: [{name: test, user: {client-certificate-data: $(base64 -w0 "$H_TMP/client.crt"), client-key-data: $(base64 -w0 "$H_TMP/client.key")}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
EOF
KUBECONFIG=$H_TMP/cert.kubeconfig start cert --watch-all-namespaces
object apps by-certificate 1
check_soon "KUBECONFIG, a client certificate, data in the file" 30 1 tagof apps by-certificate
h_stop "$CONTROLLER_PID"
sed 's/user: {.*/user: {exec: {apiVersion: client.authentication.k8s.io\/v1, command: get-token, interactiveMode: Never}}}]/' "$H_TMP/cert.kubeconfig" >"$H_TMP/exec.kubeconfig"
start exec --kubeconfig="$H_TMP/exec.kubeconfig" --watch-all-namespaces
check_ok "an exec plugin: the program ends" h_until 20 h_gone "$CONTROLLER_PID"
h_stop "$CONTROLLER_PID"
check_ne "and not as if all were well" 0 $?
check_match "and says why" 'exec' "$(cat "$H_TMP/log/exec.err")"

# ---- selectors and namespaces ----------------------------------------------------------------------------------------
object apps mine 1 sharding.fluxcd.io/key oci
object apps not-mine 1 sharding.fluxcd.io/key another
object apps no-shard 1
start shard --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --watch-label-selector=sharding.fluxcd.io/key=oci
check_soon "a shard takes its objects" 30 1 tagof apps mine
k -n apps label ocirepository not-mine --overwrite sharding.fluxcd.io/key=oci >/dev/null
check_soon "and one that comes to it" 30 1 tagof apps not-mine
check_eq "and no other" "" "$(tagof apps no-shard)"
h_stop "$CONTROLLER_PID"
object other elsewhere 1
RUNTIME_NAMESPACE=other start single --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces=false
check_soon "one namespace only: its objects" 30 1 tagof other elsewhere
check_eq "and no other" "" "$(tagof apps no-shard)"
h_stop "$CONTROLLER_PID"

# ---- many objects before the start, and a big one --------------------------------------------------------------------
for ((i = 0; i < 620; i++)); do
	printf '{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"herd-%d","namespace":"other","labels":{"herd":"yes"}},"spec":{"interval":"1h","url":"oci://%s/web","ref":{"tag":"1"}}}\n' $i "$REGISTRY"
done >"$H_TMP/herd.json"
k create -f "$H_TMP/herd.json" >/dev/null || h_die "cannot create the herd"
jq -n --arg url "oci://$REGISTRY/web" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: "big", namespace: "apps"},
	spec: {interval: "10m", url: $url, ref: {tag: "1"}, ignore: ([range(9000)] | map("/nothing-\(.)-matches-this-rule-which-is-long-enough-to-fill-the-object") | join("\n"))}}' | k create -f - >/dev/null || h_die "cannot create the big one"
ADDR=$STORAGE start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces
ready() { k -n other get ocirepositories -l herd=yes -o json | jq '[.items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length'; }
check_soon "620 objects, listed in pages, become Ready" 120 620 ready
check_soon "an object of a megabyte, half of it rules that its status repeats" 60 1 tagof apps big

# ---- restarts, and versions that are gone --------------------------------------------------------------
object apps followed 1
check_soon "followed" 30 1 tagof apps followed
h_stop "$KUBE_PID" >/dev/null
check_eq "the API server is away: artifacts are served all the same" 200 "$(curl -s -o /dev/null -w '%{http_code}' "http://$STORAGE/ocirepository/apps/followed/latest.tar.gz")"
sleep 6 # longer than a compaction
h_cluster_start
object apps followed 2
check_soon "it is back: the watch goes on" 60 2 tagof apps followed
h_stop "$KUBE_PID" KILL >/dev/null
h_cluster_start
object apps followed 1
check_soon "killed and back" 60 1 tagof apps followed
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
h_finish
