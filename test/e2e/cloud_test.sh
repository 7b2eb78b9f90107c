#!/usr/bin/env bash
# Logins at AWS, Azure and Google Cloud as a ServiceAccount: a real API server makes the tokens, under the rights that deploy/ grants, and the
# fake clouds (test/fake/cloud) check them with its key. Whose identity it is, what the ServiceAccount's annotations have to say, and what
# happens when they change.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/cloud.sh"
KUBECTL=$(h_tool kube-apiserver)/kubectl || h_die "kubectl was not built"

h_cluster_start
k apply -k "$H_ROOT/deploy" >/dev/null || h_die "deploy/ cannot be applied"
k wait --for=condition=Established --timeout=30s crd --all >/dev/null
h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
cloud_fake_start
for ns in apps other bare; do h_namespace "$ns"; done
mkdir "$H_TMP/store"

# ---- words -----------------------------------------------------------------------------------------------------------
# jwt NAMESPACE NAME AUDIENCE: what the API server's token has to say.
jwt() { printf '{"key":"%s","iss":"https://kubernetes.default.svc","sub":"system:serviceaccount:%s:%s","aud":"%s"}' "$H_TMP/kube/sa.pub" "$1" "$2" "$3"; }
arn() { echo "arn:aws:iam::123456789012:role/$1"; }
# account NAMESPACE NAME [KEY=VALUE...]: a ServiceAccount with these annotations and no others.
account()
{
	local ns=$1 name=$2 pairs

	shift 2
	pairs=$(for pair; do jq -n --arg k "${pair%%=*}" --arg v "${pair#*=}" '{($k): $v}'; done | jq -s 'add // {}')
	k create serviceaccount "$name" -n "$ns" --dry-run=client -o json | jq --argjson a "$pairs" '.metadata.annotations = $a' | k apply -f - >/dev/null || h_die "cannot apply the ServiceAccount $name"
}
ROLE=eks.amazonaws.com/role-arn TENANT_ID=azure.workload.identity/tenant-id CLIENT_ID=azure.workload.identity/client-id
GSA=iam.gke.io/gcp-service-account PROVIDER=gcp.auth.fluxcd.io/workload-identity-provider
# object NAME NAMESPACE REGISTRY PROVIDER [SPEC]
object()
{
	jq -n --arg name "$1" --arg ns "$2" --arg url "oci://$3/app" --arg provider "$4" --argjson more "${5:-{\}}" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository",
		metadata: {name: $name, namespace: $ns}, spec: ({interval: "10m", timeout: "15s", url: $url, provider: $provider, ref: {tag: "1.0.0"}} + $more)}' |
		k apply -f - >/dev/null || h_die "cannot apply $1"
}
as() { printf '{"serviceAccountName":"%s"}' "$1"; }
go()
{
	controller_environment
	h_controller_start "$WORLD" --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store" --min-retry-delay=10m "$@"
	h_address "$WORLD" artifacts >/dev/null || h_die "the controller did not start"
}
# done_with: no object is left for the next world.
done_with()
{
	k delete ocirepositories -A --all --wait=true --timeout=30s >/dev/null || h_die "the objects stay"
	leave
}
GATE=--feature-gates=ObjectLevelWorkloadIdentity=true
POOL=projects/1/locations/global/workloadIdentityPools/pool/providers/kind
GKE=identitynamespace:fake-project.svc.id.goog:https://container.googleapis.com/v1/projects/fake-project/locations/fake-location/clusters/fake-cluster
EMAIL=puller@fake-project.iam.gserviceaccount.com
LONG=$(printf 'a%.0s' {1..68})
SESSION='%s\\.%s\\.%s\\.fluxcd\\.io'
CLOUD_PLATFORM='["https://www.googleapis.com/auth/cloud-platform"]'
# One role for each of these: {"ARN": {"jwt", "session"}}.
role_of() { jq -n --arg arn "$(arn "$1")" --argjson jwt "$(jwt "$2" "$3" sts.amazonaws.com)" --arg session "$4" '{($arn): {jwt: $jwt, session: $session}}'; }
BASE=$({
	role_of puller apps puller 'puller\.apps\.[a-z0-9-]+\.fluxcd\.io'
	role_of other apps puller 'puller\.apps\.[a-z0-9-]+\.fluxcd\.io'
	role_of of-other other puller 'puller\.other\.[a-z0-9-]+\.fluxcd\.io'
	role_of long apps "$LONG" '[a-z0-9.-]{2,64}'
	role_of tenant apps tenant 'tenant\.apps\.[a-z0-9-]+\.fluxcd\.io'
	jq -n --arg gke "$GKE" --arg pool "//iam.googleapis.com/$POOL" --arg email "$EMAIL" --argjson scope "$CLOUD_PLATFORM" \
		--argjson azure "$(jwt apps azure api://AzureADTokenExchange)" --argjson gke_jwt "$(jwt apps gke fake-project.svc.id.goog)" \
		--argjson pool_jwt "$(jwt apps pool "//iam.googleapis.com/$POOL")" '{google: {($pool): {jwt: $pool_jwt}, ($gke): {jwt: $gke_jwt}},
			entra: [{tenant: "tenant-1", client: "client-1", jwt: $azure}], emails: [$email]}'
} | jq -s '{roles: (map(select(has("google") | not)) | add)} + .[-1]')

# ==== the gate is closed ==============================================================================================
world closed AWS_ACCESS_KEY_ID=AKIASTATIC0000000001 AWS_SECRET_ACCESS_KEY=static/secret+of-the-node
script '{"aws_keys":{"AKIASTATIC0000000001":{"secret":"static/secret+of-the-node"}},"hosts":{"open.example":{"kind":"open"}}}'
settings "$(ecr by-secret)" '{"user":"me","password":"static-w0rd"}'
k -n apps create secret docker-registry of-ecr --docker-server="$(ecr by-secret)" --docker-username=me --docker-password=static-w0rd >/dev/null
account apps with-secret "$ROLE=$(arn puller)"
k -n apps patch serviceaccount with-secret -p '{"imagePullSecrets":[{"name":"of-ecr"}]}' >/dev/null
account apps puller "$ROLE=$(arn puller)"
object sa-static-beats-cloud apps "$(ecr by-secret)" aws "$(as with-secret)"
object gate-off apps "$(ecr gate-off)" aws "$(as puller)"
object gate-off-sa-missing apps "$(ecr gate-off)" aws "$(as not-there)"
object sa-without-secrets-generic apps open.example generic "$(as puller)"
object sa-without-secrets-generic-ecr apps "$(ecr generic)" generic "$(as puller)"
go
settle
ready sa-static-beats-cloud sa-without-secrets-generic
check_eq "sa-static-beats-cloud: the cloud is not asked" "" "$(asked '^(sts|api)')"
o=$(k -n apps get ocirepository gate-off -o json)
check_eq "gate-off: stalls, and no fetch has failed" "Ready=False/FeatureGateDisabled Stalled=True/FeatureGateDisabled" \
	"$(jq -r '[.status.conditions[] | select(.type != "ArtifactInStorage") | "\(.type)=\(.status)/\(.reason)"] | sort | join(" ")' <<<"$o")"
check_eq "gate-off: observedGeneration" "$(jq -r .metadata.generation <<<"$o")" "$(jq -r .status.observedGeneration <<<"$o")"
check_has "gate-off: names the gate" ObjectLevelWorkloadIdentity "$(said gate-off .message)"
check_eq "gate-off: no request" "" "$(requests gate-off)"
refused gate-off-sa-missing "apps/not-there"
check_eq "gate-off-sa-missing: does not stall" "" "$(k -n apps get ocirepository gate-off-sa-missing -o json | jq -r '.status.conditions[] | select(.type == "Stalled") | .reason')"
check_eq "sa-without-secrets-generic: nothing ambient for a cloud's host" "False OCIArtifactPullFailed" "$(said sa-without-secrets-generic-ecr '"\(.status) \(.reason)"')"
check_eq "no token was made" 0 "$(h_audit '.objectRef.subresource == "token" and (.user.username | test("source-controller"))')"
done_with

# ==== the gate is open: no identity of the controller's own ===========================================================
world open GCE_METADATA_HOST="$LOCAL" AWS_EC2_METADATA_DISABLED=true
k -n apps create secret docker-registry of-ghcr --docker-server=ghcr.io --docker-username=me --docker-password=static-w0rd >/dev/null
account apps "$LONG" "$ROLE=$(arn long)"
account apps azure "$TENANT_ID=tenant-1" "$CLIENT_ID=client-1"
account apps gke "$GSA=$EMAIL"
account apps pool "$PROVIDER=$POOL"
account other puller "$ROLE=$(arn of-other)"
account apps none
account apps bad-arn "$ROLE=arn:aws:s3:::bucket"
account apps bad-email "$GSA=puller@example.com"
account apps bad-pool "$PROVIDER=projects/x/../y"
account apps no-tenant "$CLIENT_ID=client-1"
account apps no-client "$TENANT_ID=tenant-1"
account apps bad-client "$TENANT_ID=tenant-1" "$CLIENT_ID=../x"
account apps bad-tenant "$TENANT_ID=tenant/../x" "$CLIENT_ID=client-1"
settings "$(ecr open)" "{\"role\":\"$(arn puller)\"}"
settings "$(ecr entry)" "{\"role\":\"$(arn puller)\"}"
settings "$(ecr long)" "{\"role\":\"$(arn long)\"}"
settings "987654321098.dkr.ecr.open.amazonaws.com" "{\"role\":\"$(arn of-other)\"}"
object obj-aws apps "$(ecr open)" aws "$(as puller)"
object static-without-entry apps "$(ecr entry)" aws '{"serviceAccountName":"puller","secretRef":{"name":"of-ghcr"}}'
object obj-aws-long-name apps "$(ecr long)" aws "$(as "$LONG")"
object obj-no-sharing other 987654321098.dkr.ecr.open.amazonaws.com aws "$(as puller)"
object obj-azure apps one.azurecr.io azure "$(as azure)"
settings europe-docker.pkg.dev "{\"source\":\"impersonated $EMAIL\"}"
object obj-gcp-gke-email apps europe-docker.pkg.dev gcp "$(as gke)"
settings us-docker.pkg.dev '{"source":"federated system:serviceaccount:apps:pool"}'
object obj-gcp-provider apps us-docker.pkg.dev gcp "$(as pool)"
for name in none bad-arn; do object "annotations-aws-$name" apps "$(ecr annotations)" aws "$(as $name)"; done
for name in none no-tenant no-client bad-client bad-tenant; do object "annotations-azure-$name" apps annotations.azurecr.io azure "$(as $name)"; done
for name in bad-email bad-pool; do object "annotations-gcp-$name" apps annotations-docker.pkg.dev gcp "$(as $name)"; done
script "{\"google\":{\"//iam.googleapis.com/$POOL\":{\"jwt\":$(jwt apps pool "//iam.googleapis.com/$POOL")},\"$GKE\":{\"jwt\":$(jwt apps gke fake-project.svc.id.goog),\"scope\":$CLOUD_PLATFORM}}}"
go "$GATE"
settle
ready obj-aws static-without-entry obj-aws-long-name obj-no-sharing obj-azure obj-gcp-gke-email obj-gcp-provider
session() { fake_log | jq -r --arg a "$(arn "$1" | jq -sRr 'rtrimstr("\n") | @uri')" 'select(.role == "sts" and (.body | contains("RoleArn=" + $a + "&") or endswith("RoleArn=" + $a))) | .body' | tr '&' '\n' | sed -n 's/^RoleSessionName=//p' | sort -u; }
check_eq "obj-aws: the session is called" "puller.apps.entry.fluxcd.io puller.apps.open.fluxcd.io" "$(session puller | paste -sd ' ')"
check_eq "obj-aws-long-name: the session fits, with a hash in it" 64 "$(session long | tr -d '\n' | wc -c)"
check_match "obj-aws-long-name: begins with the ServiceAccount" '^aaaaaaaaaaaaaaaa.*[0-9a-f]{8}' "$(session long)"
check_eq "obj-no-sharing: two logins at one place" 2 "$(fake_log | jq -s '[.[] | select(.host == "api.ecr.open.amazonaws.com" and .role == "ecr")] | length')"
check_eq "obj-azure: one token, one exchange" "entra 200 exchange 200" "$(asked '^(login|one)')"
check_eq "obj-gcp-gke: the facts of the cluster are asked for once" "/computeMetadata/v1/instance/attributes/cluster-location /computeMetadata/v1/instance/attributes/cluster-name /computeMetadata/v1/project/project-id" \
	"$(fake_log | jq -r 'select(.role == "metadata") | .path' | sort | paste -sd ' ')"
check_eq "obj-gcp: only who has an email is impersonated" "google-iam 200" "$(asked '^iamcredentials')"
refused annotations-aws-none "$ROLE" apps/none
refused annotations-aws-bad-arn "$ROLE" apps/bad-arn
for name in none no-tenant bad-tenant; do refused "annotations-azure-$name" "$TENANT_ID" "apps/$name"; done
for name in no-client bad-client; do refused "annotations-azure-$name" "$CLIENT_ID" "apps/$name"; done
refused annotations-gcp-bad-email "$GSA" apps/bad-email
refused annotations-gcp-bad-pool "$PROVIDER" apps/bad-pool
check_eq "obj-annotations: no cloud is asked" "" "$(asked annotations)"
tokens() { jq -s --arg p "$1" '[.[] | select(.objectRef.subresource == "token" and .verb == "create" and (.user.username | test("source-controller")) and (.objectRef.name | test($p)))] | length' "$H_TMP/kube/audit.log"; }
check_eq "obj-annotations: no token is made either" 0 "$(tokens '^(none|bad-.*|no-.*)$')"
check_eq "obj-azure: one token is made" 1 "$(tokens '^azure$')"

# the same on GKE, without an email: another audience would be refused
script "{\"google\":{\"//iam.googleapis.com/$POOL\":{\"jwt\":$(jwt apps pool "//iam.googleapis.com/$POOL")},\"$GKE\":{\"jwt\":$(jwt apps gke-plain fake-project.svc.id.goog)}}}"
settings asia-docker.pkg.dev '{"source":"federated system:serviceaccount:apps:gke-plain"}'
account apps gke-plain
object obj-gcp-gke-plain apps asia-docker.pkg.dev gcp "$(as gke-plain)"
settle
ready obj-gcp-gke-plain

# ---- changes count at once ---------------------------------------------------------------------------------------------
for region in open entry; do settings "$(ecr $region)" "{\"role\":\"$(arn other)\"}"; done # a password of the old role is a failure from here on
account apps puller "$ROLE=$(arn other)"
logins() { fake_log | jq -s --arg a "$(arn "$1" | jq -sRr 'rtrimstr("\n") | @uri')" '[.[] | select(.role == "sts" and .host == "sts.open.amazonaws.com" and (.body | contains($a)))] | length'; }
check_soon "obj-change: the annotation: another identity at once" 10 1 logins other
again obj-aws apps
ready obj-aws
k -n apps delete serviceaccount puller >/dev/null
check_soon "obj-change: the ServiceAccount is gone" 10 "False AuthenticationFailed" now_said obj-aws '"\(.status) \(.reason)"'
account apps puller "$ROLE=$(arn other)"
check_soon "obj-change: it is there again, as another one" 10 2 logins other
check_soon "obj-change: and counts" 10 "True Succeeded" now_said obj-aws '"\(.status) \(.reason)"'
account apps puller
check_soon "obj-change: the role is taken away" 10 "False AuthenticationFailed" now_said obj-aws '"\(.status) \(.reason)"'
refused obj-aws "$ROLE" apps/puller
done_with

# ==== what the API server does not allow ==============================================================================
k get clusterrole oci-source-controller -o json >"$H_TMP/role.json"
world forbidden AWS_EC2_METADATA_DISABLED=true
jq 'del(.metadata.resourceVersion) | .rules |= map(select((.resources // []) | index("serviceaccounts/token") | not))' "$H_TMP/role.json" | k replace -f - >/dev/null
account apps puller "$ROLE=$(arn puller)"
object obj-rbac apps "$(ecr rbac)" aws "$(as puller)"
go "$GATE" --min-retry-delay=500ms
settle
refused obj-rbac "failed to create kubernetes token for service account 'apps/puller'" create forbidden
check_eq "obj-rbac: no cloud is asked" "" "$(asked .)"
jq 'del(.metadata.resourceVersion)' "$H_TMP/role.json" | k replace -f - >/dev/null
check_soon "obj-rbac: is tried again" "$SOON" "True Succeeded" now_said obj-rbac '"\(.status) \(.reason)"'
done_with

# ==== a default ServiceAccount ========================================================================================
check_fails "obj-default-sa-no-gate: the program does not start" timeout 20 "$DAEMON" --kubeconfig="$H_TMP/sa.kubeconfig" --storage-path="$H_TMP/store" --default-service-account=tenant
check_has "obj-default-sa-no-gate: and says why" "cannot set default service accounts when the feature gate ObjectLevelWorkloadIdentity is not enabled" \
	"$(timeout 20 "$DAEMON" --kubeconfig="$H_TMP/sa.kubeconfig" --storage-path="$H_TMP/store" --default-service-account=tenant 2>&1)"
world default AWS_ACCESS_KEY_ID=AKIASTATIC0000000001 AWS_SECRET_ACCESS_KEY=static/secret+of-the-node
script '{"aws_keys":{"AKIASTATIC0000000001":{"secret":"static/secret+of-the-node"}},"hosts":{"open.example":{"kind":"open"}}}'
account apps tenant "$ROLE=$(arn tenant)"
settings "$(ecr default)" "{\"role\":\"$(arn tenant)\"}"
object obj-default-sa apps "$(ecr default)" aws
object obj-default-sa-missing bare "$(ecr default)" aws
object generic-is-unaffected bare open.example generic
object lockdown-never-ambient apps "$(ecr lockdown)" generic '{"secretRef":{"name":"of-ghcr"}}'
go "$GATE" --default-service-account=tenant
settle
ready obj-default-sa generic-is-unaffected
refused obj-default-sa-missing bare/tenant "default service account"
check_eq "lockdown-never-ambient: is refused by the registry" "False OCIArtifactPullFailed" "$(said lockdown-never-ambient '"\(.status) \(.reason)"')"
check_eq "lockdown-never-ambient: the cloud is not asked" "" "$(asked '(sts|ecr)\.lockdown\.')"
done_with
h_finish
