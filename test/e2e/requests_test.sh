#!/usr/bin/env bash
# What a reconcile costs, counted by the other side: the registry's access log and the API server's audit log; and that our own metrics,
# which `make bench` prints beside each time, say the same.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
h_registry_start reg
h_cluster_start
k apply -k "$H_ROOT/deploy" >/dev/null
k wait --for=condition=Established --timeout=30s crd --all >/dev/null
h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
STORAGE=127.0.0.1:$(h_free_port)
mkdir "$H_TMP/store"
h_controller_start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store" \
	--storage-addr="$STORAGE" --storage-adv-addr="$STORAGE"
METRICS=$(h_address src metrics) || h_die "the controller did not start"
h_namespace apps
kn() { k -n apps "$@"; }

N=20
for v in 1 2; do
	rm -rf "$H_TMP/app"
	cp -r "$H_ROOT/deploy/samples/app" "$H_TMP/app"
	sed -i "s/VERSION/$v/" "$H_TMP/app/configmap.yaml"
	"$OCICTL" push "oci://$REGISTRY/web:1.0.$v" --path="$H_TMP/app" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"
done
tag() { "$OCICTL" tag "oci://$REGISTRY/web:$1" --tag main >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot tag"; }
tag 1.0.1

# ---- the counts of the other side ------------------------------------------------------------------------------------
me=system:serviceaccount:flux-system:source-controller
metric() { curl -sf "http://$METRICS/metrics" | awk -v m="$1" 'index($1, m) == 1 { s += $2 } END { printf "%d\n", s }'; }
registry() { grep -F 'flux/v2' "$H_TMP/log/reg.out" | grep -cE "$1"; }
# Objects that ask at the same time share a HEAD, and those that pull the same layer its download.
blobs() { echo $(($(registry '"GET /v2/web/blobs/') + $(metric oci_registry_blobs_shared_total))); }
questions() { echo $(($(registry '"HEAD /v2/web/manifests/') + $(metric oci_registry_shared_total))); }
counts()
{
	echo "$(questions) $(registry '"GET /v2/web/manifests/') $(blobs) $(registry '"GET /v2/web/tags/list') $(
		jq -s --arg me "$me" '[.[] | select(.user.username == $me and (.verb | IN("create", "patch", "update", "delete")))]
			| "\([.[] | select(.objectRef.resource == "ocirepositories" and .objectRef.subresource == "status")] | length) \([.[] | select(.objectRef.resource == "ocirepositories" and .objectRef.subresource == null)] | length) \([.[] | select(.objectRef.resource == "events")] | length)"' -r "$H_TMP/kube/audit.log")"
}
# since BEFORE AFTER: HEAD manifest and GET blob (or a share of one), GET manifest, tag lists; status, finalizer and event writes.
since() { paste <(tr ' ' '\n' <<<"$1") <(tr ' ' '\n' <<<"$2") | awk '{printf "%s%d", (NR > 1 ? " " : ""), $2 - $1}'; }
ready() { kn get ocirepositories -l set="$1" -o json | jq --arg r "$2" '[.items[] | select((.status.artifact.revision // "" | startswith($r)) and any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length'; }
handled() { kn get ocirepositories -l set="$1" -o json | jq --arg r "$2" '[.items[] | select(.status.lastHandledReconcileAt == $r)] | length'; }
# Events are not awaited by anybody: count until they stand still where they should.
events() { jq -s --arg me "$me" '[.[] | select(.user.username == $me and .objectRef.resource == "events")] | length' "$H_TMP/kube/audit.log"; }
objects()
{
	for ((i = 0; i < N; i++)); do
		printf '{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"%s-%d","labels":{"set":"%s"}},"spec":{"interval":"1h","url":"oci://%s/web","ref":%s}}\n' "$1" $i "$1" "$REGISTRY" "$2"
	done | kn create -f - >/dev/null
}

c0=$(counts)
objects tag '{"tag":"main"}'
check_soon "$N objects become Ready" 60 $N ready tag main@
check_soon "one event each" 20 $N events
c1=$(counts)
check_eq "a new artifact: HEAD, manifest, blob; one status write, one finalizer, one event" "$N $N $N 0 $N $N $N" "$(since "$c0" "$c1")"

kn annotate ocirepositories -l set=tag reconcile.fluxcd.io/requestedAt=1 >/dev/null
check_soon "asked, nothing new" 60 $N handled tag 1
c2=$(counts)
check_eq "an unchanged reconcile on request: one HEAD, one status write for the echo, nothing else" "$N 0 0 0 $N 0 0" "$(since "$c1" "$c2")"

tag 1.0.2
kn annotate --overwrite ocirepositories -l set=tag reconcile.fluxcd.io/requestedAt=2 >/dev/null
check_soon "a moved tag" 60 $N handled tag 2
check_soon "one event each" 20 $((2 * N)) events
c3=$(counts)
check_eq "a new revision: HEAD, manifest, blob; one status write, one event" "$N $N $N 0 $N 0 $N" "$(since "$c2" "$c3")"

objects range '{"semver":"~1.0"}'
check_soon "ranges become Ready" 60 $N ready range 1.0.2@
check_soon "one event each" 20 $((3 * N)) events
c4=$(counts)
kn annotate ocirepositories -l set=range reconcile.fluxcd.io/requestedAt=1 >/dev/null
check_soon "asked, nothing new" 60 $N handled range 1
c5=$(counts)
check_eq "an unchanged range: one tag list, one HEAD, one status write for the echo" "$N 0 0 $N $N 0 0" "$(since "$c4" "$c5")"

# On the interval nobody asked, so there is nothing to write at all.
kn patch ocirepository tag-0 --type=merge -p '{"spec":{"interval":"1s"}}' >/dev/null
h_until 20 bash -c "[ \"\$(KUBECONFIG=$ADMIN_KUBECONFIG $KUBECTL -n apps get ocirepository tag-0 -o jsonpath='{.status.observedGeneration}')\" = 2 ]"
c6=$(counts)
heads() { [ "$(questions)" -ge $((${c6%% *} + 3)) ]; }
check_ok "three intervals pass" h_until 20 heads
check_eq "no write in them" "0 0 0" "$(since "$c6" "$(counts)" | cut -d' ' -f5-7)"
check_eq "and no GET" "0 0 0" "$(since "$c6" "$(counts)" | cut -d' ' -f2-4)"

# ---- connections: kept alive, not one per request --------------------------------------------------------------------
ports=$(grep -F 'flux/v2' "$H_TMP/log/reg.out" | wc -l)
# 8 requests and 16 downloads at a time are allowed to one registry.
check_le "few connections to the registry in $ports requests" 24 "$(metric 'http_client_connections_total{client="registry"')"

# ---- our own counters say the same -----------------------------------------------------------------------------------
kn patch ocirepository tag-0 --type=merge -p '{"spec":{"suspend":true}}' >/dev/null
same() { [ "$(registry '"HEAD ')" = "$(metric 'oci_registry_requests_total{kind="head"')" ]; }
h_until 10 same
check_eq "metrics: HEADs" "$(registry '"HEAD ')" "$(metric 'oci_registry_requests_total{kind="head"')"
check_eq "metrics: manifests" "$(registry '"GET /v2/web/manifests/')" "$(metric 'oci_registry_requests_total{kind="manifest"')"
check_eq "metrics: blobs" "$(registry '"GET /v2/web/blobs/')" "$(metric 'oci_registry_requests_total{kind="blob"')"
check_eq "metrics: tag lists" "$(registry '"GET /v2/web/tags/list')" "$(metric 'oci_registry_requests_total{kind="tags"')"
writes() { jq -s --arg me "$me" '[.[] | select(.user.username == $me and (.verb | IN("create", "patch", "update", "delete")))] | length' "$H_TMP/kube/audit.log"; }
check_eq "metrics: API writes" "$(writes)" "$(($(metric 'rest_client_requests_total{code="201",method="POST"') + $(metric 'rest_client_requests_total{code="200",method="PATCH"')))"
check_eq "no request without the User-Agent that registries know" 0 "$(grep -vF 'flux/v2' "$H_TMP/log/reg.out" | grep -vE 'curl/|ocictl' | grep -c .)"
h_finish
