#!/usr/bin/env bash
# deploy/ on a real API server, without a kubelet: every object is created, the Pod fits the restricted profile, the rights are no wider
# than those of Flux's source-controller, both flavours live side by side, placeholders leave real CRDs alone.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
h_cluster_start
D=$H_ROOT/deploy

# render DIR: the objects of a kustomization, one JSON object a line. (create --dry-run=client -o json prints them one after the other.)
render() { k create --dry-run=client -k "$1" -o json | jq -c 'if .kind == "List" then .items[] else . end'; }

# ---- the two versions of the CRD -------------------------------------------------------------------------------------
crd=$(k create --dry-run=client -f "$D"/crds/source.toolkit.fluxcd.io_ocirepositories.yaml -o json)
check_eq "v1 and v1beta2 have the same schema" "$(jq -cS '.spec.versions[0].schema' <<<"$crd")" "$(jq -cS '.spec.versions[1].schema' <<<"$crd")"
check_eq "and the same columns" "$(jq -c '.spec.versions[0].additionalPrinterColumns' <<<"$crd")" "$(jq -c '.spec.versions[1].additionalPrinterColumns' <<<"$crd")"
check_eq "versions" 'v1 true true,v1beta2 true false' "$(jq -r '[.spec.versions[] | "\(.name) \(.served) \(.storage)"] | join(",")' <<<"$crd")"

# ---- the CRDs of the other kinds, beside those of Flux ------------------------------------------------------------------
# What a CRD admits, prunes, sets and shows, without the texts for people; "required" is a set. A property may be called description.
essence()
{
	k create --dry-run=client -f "$1" -o json | jq -cS '
		def schema: if type == "object" then with_entries(if .key == "properties" then .value |= map_values(schema) else .value |= schema end
				| select(.key != "description" or (.value | type) != "string"))
				| if has("required") then .required |= sort else . end
			elif type == "array" then map(schema) else . end;
		.spec | del(.conversion) | .versions |= map(.schema.openAPIV3Schema |= schema)'
}
for f in $(h_image_reflector_controller_crds) $(h_git_crds) $(h_notification_controller_crds | tr ' ' '\n' | grep receivers); do
	name=${f##*_}
	check_eq "${name%.yaml}: our CRD is Flux's" "$(essence "$f")" "$(essence "$D/crds/${f##*/}")"
	crd=$(k create --dry-run=client -f "$D/crds/${f##*/}" -o json)
	check_eq "${name%.yaml}: Flux leaves its dollar signs alone, and counts it as its own" "disabled flux" \
		"$(jq -r '.metadata | "\(.annotations["kustomize.toolkit.fluxcd.io/substitute"]) \(.labels["app.kubernetes.io/part-of"])"' <<<"$crd")"
done

# ---- every object, created by the server with strict validation ------------------------------------------------------
created() { grep -cE ' (created|serverside-applied)$'; }
render "$D" >"$H_TMP/deploy.json"
check_eq "deploy/: the server creates every object" "$(wc -l <"$H_TMP/deploy.json")" "$(k create --validate=strict -k "$D" | created)"
k wait --for=condition=Established --timeout=30s crd/ocirepositories.source.toolkit.fluxcd.io >/dev/null
check_ok "deploy/: apply over it" k apply -k "$D"
check_ok "deploy/: then kubectl diff finds nothing" k diff -k "$D"
check_eq "deploy/: a second apply changes nothing" "" "$(k apply -k "$D" | grep -v 'unchanged$')"
render "$D/beside-flux" >"$H_TMP/beside.json"
check_eq "beside-flux/: the server creates every object, beside the first" "$(wc -l <"$H_TMP/beside.json")" \
	"$(k create --validate=strict -k "$D/beside-flux" | created)"

# ---- names and labels ------------------------------------------------------------------------------------------------
check_eq "beside-flux/: no CRD, no Namespace" "" "$(jq -r 'select(.kind == "CustomResourceDefinition" or .kind == "Namespace") | .kind' "$H_TMP/beside.json")"
check_eq "beside-flux/: every name" "" "$(jq -r '.metadata.name | select(startswith("source-controller-oci") | not)' "$H_TMP/beside.json")"
check_eq "beside-flux/: nothing is called as in deploy/" "" \
	"$(comm -12 <(jq -r '.kind + "/" + .metadata.name' "$H_TMP/deploy.json" | sort) <(jq -r '.kind + "/" + .metadata.name' "$H_TMP/beside.json" | sort))"
check_eq "deploy/: cluster-scoped names are our own" \
	"ClusterRole/oci-source-controller ClusterRole/oci-source-controller-edit ClusterRole/oci-source-controller-view ClusterRoleBinding/oci-source-controller" \
	"$(jq -r 'select(.kind | startswith("ClusterRole")) | .kind + "/" + .metadata.name' "$H_TMP/deploy.json" | sort | paste -sd ' ')"
check_eq "deploy/: what Flux finds the Deployment by" "source-controller|source-controller|flux|flux-system|controller|manager" \
	"$(jq -r 'select(.kind == "Deployment") | [.metadata.labels["app"], .metadata.labels["app.kubernetes.io/component"], .metadata.labels["app.kubernetes.io/part-of"],
		.metadata.labels["app.kubernetes.io/instance"], .metadata.labels["control-plane"], .spec.template.spec.containers[0].name] | join("|")' "$H_TMP/deploy.json")"
check_match "deploy/: a version, on the Pod as well" '^v[0-9.]+ v[0-9.]+$' \
	"$(jq -r 'select(.kind == "Deployment") | "\(.metadata.labels["app.kubernetes.io/version"]) \(.spec.template.metadata.labels["app.kubernetes.io/version"])"' "$H_TMP/deploy.json")"
check_eq "deploy/: shared names of Flux are not taken" "" "$(jq -r 'select(.kind == "NetworkPolicy" or .kind == "ResourceQuota") | .metadata.name | select(startswith("oci-source-controller-") | not)' "$H_TMP/deploy.json")"
check_eq "deploy/: people's roles count for them" "edit: admin edit, view: admin edit view" \
	"$(jq -r 'select(.kind == "ClusterRole") | select(.metadata.labels | keys | any(startswith("rbac"))) | "\(.metadata.name | sub(".*-"; "")): \([.metadata.labels | keys[] | select(startswith("rbac")) | sub(".*aggregate-to-"; "")] | sort | join(" "))"' "$H_TMP/deploy.json" | sort | paste -sd , | sed 's/,/, /')"
check_eq "deploy/: the Pod has time to end its downloads" true \
	"$(jq 'select(.kind == "Deployment") | (.spec.template.spec.terminationGracePeriodSeconds // 30) >= 25 + 3' "$H_TMP/deploy.json")"
check_eq "deploy/: the selector is exactly this, for ever" '{"matchLabels":{"app":"source-controller"}}' \
	"$(jq -c 'select(.kind == "Deployment") | .spec.selector' "$H_TMP/deploy.json")"
check_eq "the CRD is Flux's in flux check" flux "$(jq -r 'select(.kind == "CustomResourceDefinition") | .metadata.labels["app.kubernetes.io/part-of"]' "$H_TMP/deploy.json")"
for flavour in deploy beside; do
	file=$H_TMP/$flavour.json
	labels=$(jq -c 'select(.kind == "Deployment") | .spec.template.metadata.labels' "$file")
	check_eq "$flavour: Service, policies and Deployment select our Pod" "" "$(jq -r --argjson l "$labels" '
		(select(.kind == "Service") | .spec.selector), (select(.kind == "NetworkPolicy") | .spec.podSelector.matchLabels), (select(.kind == "Deployment") | .spec.selector.matchLabels)
		| select(. as $s | any(keys[]; $l[.] != $s[.])) | tostring' "$file")"
	check_eq "$flavour: the Service leads to the artifacts" "http 80 http" \
		"$(jq -r 'select(.kind == "Service") | .spec.ports[] | "\(.name) \(.port) \(.targetPort)"' "$file")"
	host=$(jq -r 'select(.kind == "Service") | .metadata.name' "$file")
	check_has "$flavour: the advertised address is the Service's" "\"--storage-adv-addr=$host.\$(RUNTIME_NAMESPACE).svc.cluster.local.\"" \
		"$(jq -c 'select(.kind == "Deployment") | .spec.template.spec.containers[0].args' "$file")"
	check_has "$flavour: Flux's Alerts hear of it" '"--events-addr=http://notification-controller.$(RUNTIME_NAMESPACE).svc.cluster.local./"' \
		"$(jq -c 'select(.kind == "Deployment") | .spec.template.spec.containers[0].args' "$file")"
	sa=$(jq -r 'select(.kind == "Deployment") | .spec.template.spec.serviceAccountName' "$file")
	check_eq "$flavour: roles are bound to its own account only" "flux-system/$sa" \
		"$(jq -r 'select(.kind == "ClusterRoleBinding") | .subjects[] | "\(.namespace)/\(.name)"' "$file" | paste -sd ' ')"
done
check_has "beside-flux/: watches a shard" --watch-label-selector=sharding.fluxcd.io/key=oci "$(jq -c 'select(.kind == "Deployment") | .spec.template.spec.containers[0].args' "$H_TMP/beside.json")"

# ---- two replicas ----------------------------------------------------------------------------------------------------
mkdir "$H_TMP/ha"
cp -r "$D" "$H_TMP/ha/deploy"
for flavour in deploy deploy/beside-flux; do
	mkdir "$H_TMP/ha/ours"
	printf 'resources: [../%s]\ncomponents: [../deploy/ha, ../deploy/mirrors]\n' "$flavour" >"$H_TMP/ha/ours/kustomization.yaml"
	render "$H_TMP/ha/ours" >"$H_TMP/ha.json"
	check_ok "$flavour with ha/: the server takes every object" k apply --server-side --force-conflicts --validate=strict -k "$H_TMP/ha/ours"
	check_eq "$flavour with ha/: an update takes no replica away" '2 RollingUpdate 0 1' \
		"$(jq -r 'select(.kind == "Deployment") | .spec | "\(.replicas) \(.strategy.type) \(.strategy.rollingUpdate.maxUnavailable) \(.strategy.rollingUpdate.maxSurge)"' "$H_TMP/ha.json")"
	labels=$(jq -c 'select(.kind == "Deployment") | .spec.template.metadata.labels' "$H_TMP/ha.json")
	check_eq "$flavour with ha/: every selector finds the Pods" "5" "$(jq -r --argjson l "$labels" '
		((select(.kind == "Deployment") | .spec.template.spec.topologySpreadConstraints[].labelSelector.matchLabels), (select(.kind == "PodDisruptionBudget") | .spec.selector.matchLabels), (select(.kind == "Service") | .spec.selector))
		| select(. as $s | all(keys[]; $l[.] == $s[.])) | "x"' "$H_TMP/ha.json" | wc -l)"
	args=$(jq -c 'select(.kind == "Deployment") | .spec.template.spec.containers[0].args' "$H_TMP/ha.json")
	check_has "$flavour with ha/: one writes" '"--enable-leader-election"' "$args"
	check_has "$flavour with ha/: they find each other" "\"--peers-service=$(jq -r 'select(.kind == "Service" and .spec.clusterIP == "None" and .spec.publishNotReadyAddresses) | .metadata.name' "$H_TMP/ha.json")\"" "$args"
	check_eq "$flavour with ha/: a disruption leaves one" 1 "$(jq -r 'select(.kind == "PodDisruptionBudget") | .spec.maxUnavailable' "$H_TMP/ha.json")"
	rm -r "$H_TMP/ha/ours"
done
for right in "get leases.coordination.k8s.io" "create leases.coordination.k8s.io" "update leases.coordination.k8s.io" "watch endpointslices.discovery.k8s.io"; do
	for sa in source-controller source-controller-oci; do
		check_eq "$sa may $right in its namespace" yes "$(k auth can-i $right -n flux-system --as=system:serviceaccount:flux-system:$sa)"
		check_eq "$sa may not $right elsewhere" no "$(k auth can-i $right -n default --as=system:serviceaccount:flux-system:$sa 2>/dev/null)"
	done
done

# ---- the image kinds -------------------------------------------------------------------------------------------------
check_eq "deploy/: no right to what Flux's other controllers may be doing" "" \
	"$(jq -r 'select(.kind == "ClusterRole") | .rules[].apiGroups[] | select(startswith("image.") or startswith("notification."))' "$H_TMP/deploy.json" "$H_TMP/beside.json")"
rights() { jq -r 'select(.kind == "ClusterRole" and (.metadata.name | test("'"$2"'"))) | .rules[] | .apiGroups[] as $g | .resources[] as $r | .verbs[] | "\($g)/\($r):\(.)"' "$1" | sort; }
granted() { local g=$1 r v; for r in ${2//,/ }; do for v in ${3//,/ }; do echo "$g/$r:$v"; done; done; }
# All that these kinds need beyond what deploy/ has: nothing is updated as a whole, nothing deleted.
{
	granted image.toolkit.fluxcd.io imagerepositories,imagepolicies,imageupdateautomations get,list,watch,patch
	granted image.toolkit.fluxcd.io imagerepositories/status,imagepolicies/status,imageupdateautomations/status get,patch
	granted notification.toolkit.fluxcd.io receivers get,list,watch,patch
	granted notification.toolkit.fluxcd.io receivers/status get,patch
	granted "" namespaces get,list,watch
	granted source.toolkit.fluxcd.io buckets,externalartifacts,gitrepositories,helmcharts,helmrepositories get,list,watch,patch
	granted source.extensions.fluxcd.io artifactgenerators get,list,watch,patch
	granted kustomize.toolkit.fluxcd.io kustomizations get,list,watch,patch
	granted helm.toolkit.fluxcd.io helmreleases get,list,watch,patch
} | sort >"$H_TMP/image-rights"
kinds_flag() { jq -r 'select(.kind == "Deployment") | [.spec.template.spec.containers[0].args[] | select(startswith("--kinds="))] | join(" ")' "$1"; }
# Which they are it says when it is asked for one that is none.
known_kinds() { "$CONTROLLER" --kinds=none 2>&1 | jq -r '.error // empty' | sed -n 's/^--kinds: .* there are \(.*\)$/\1/p' | sed 's/, /\n/g' | sort | paste -sd ,; }
for flavour in deploy deploy/beside-flux; do
	base=$H_TMP/deploy.json service=webhook-receiver policy=oci-source-controller-allow-webhooks
	# Flux's own Service stays with its notification-controller there.
	[ "$flavour" = deploy ] || { base=$H_TMP/beside.json service=webhook-receiver-oci policy=source-controller-oci-allow-webhooks; }
	mkdir "$H_TMP/ha/ours"
	printf 'resources: [../%s]\ncomponents: [../%s/image-kinds]\n' "$flavour" "$flavour" >"$H_TMP/ha/ours/kustomization.yaml"
	render "$H_TMP/ha/ours" >"$H_TMP/image.json"
	check_ok "$flavour with image-kinds/: the server takes every object" k apply --server-side --force-conflicts --validate=strict -k "$H_TMP/ha/ours"
	check_eq "$flavour with image-kinds/: two objects more" "NetworkPolicy/$policy Service/$service" \
		"$(comm -13 <(jq -r '.kind + "/" + .metadata.name' "$base" | sort) <(jq -r '.kind + "/" + .metadata.name' "$H_TMP/image.json" | sort) | paste -sd ' ')"
	check_eq "$flavour with image-kinds/: exactly these rights more" "" \
		"$(diff "$H_TMP/image-rights" <(comm -13 <(rights "$base" 'oci$|controller$') <(rights "$H_TMP/image.json" 'oci$|controller$')))"
	check_eq "$flavour with image-kinds/: people may read them" "$(granted image.toolkit.fluxcd.io imagepolicies,imagerepositories,imageupdateautomations get,list,watch
		granted notification.toolkit.fluxcd.io receivers get,list,watch)" "$(rights "$H_TMP/image.json" 'view$' | grep -v '^source')"
	check_eq "$flavour with image-kinds/: and write them" "$(granted image.toolkit.fluxcd.io imagepolicies,imagerepositories,imageupdateautomations create,delete,deletecollection,patch,update
		granted notification.toolkit.fluxcd.io receivers create,delete,deletecollection,patch,update)" "$(rights "$H_TMP/image.json" 'edit$' | grep -v '^source')"
	check_eq "$flavour: this kind and no other" --kinds=OCIRepository "$(kinds_flag "$base")"
	check_eq "$flavour with image-kinds/: and those of other controllers" "--kinds=OCIRepository,ImageRepository,ImagePolicy,ImageUpdateAutomation,Receiver" \
		"$(kinds_flag "$H_TMP/image.json")"
	labels=$(jq -c 'select(.kind == "Deployment") | .spec.template.metadata.labels' "$H_TMP/image.json")
	check_eq "$flavour with image-kinds/: the Service leads to the webhooks, as Flux's does" "http 80 http-webhook 9292" "$(jq -rs --argjson l "$labels" --arg service "$service" '
		(.[] | select(.kind == "Deployment") | .spec.template.spec.containers[0].ports[] | select(.name == "http-webhook").containerPort) as $port
		| .[] | select(.metadata.name == $service) | select(.spec.selector as $s | all($s | keys[]; $l[.] == $s[.]))
		| .spec.ports[] | "\(.name) \(.port) \(.targetPort) \($port)"' "$H_TMP/image.json")"
	check_eq "$flavour with image-kinds/: from everywhere, to that port only" '[{"from":[{"namespaceSelector":{}}],"ports":[{"port":9292,"protocol":"TCP"}]}]' "$(jq -c --argjson l "$labels" --arg policy "$policy" '
		select(.metadata.name == $policy) | select(.spec.podSelector.matchLabels as $s | all($s | keys[]; $l[.] == $s[.])) | .spec.ingress' "$H_TMP/image.json")"
	check_eq "$flavour with image-kinds/: the way back finds the policy by its label" "networkpolicy.networking.k8s.io/$policy" \
		"$(k -n flux-system get networkpolicies -l app.kubernetes.io/name=oci-source-controller -o name | grep -F "/$policy")"
	rm -r "$H_TMP/ha/ours"
	k -n flux-system delete "service/$service" "networkpolicy/$policy" >/dev/null
done
# ---- GitRepository ---------------------------------------------------------------------------------------------------
{
	granted source.toolkit.fluxcd.io gitrepositories get,list,watch,patch
	granted source.toolkit.fluxcd.io gitrepositories/status get,patch
} | sort >"$H_TMP/git-rights"
for flavour in deploy deploy/beside-flux; do
	base=$H_TMP/deploy.json
	[ "$flavour" = deploy ] || base=$H_TMP/beside.json
	mkdir "$H_TMP/ha/ours"
	printf 'resources: [../%s]\ncomponents: [../deploy/git-kinds]\n' "$flavour" >"$H_TMP/ha/ours/kustomization.yaml"
	render "$H_TMP/ha/ours" >"$H_TMP/git.json"
	check_ok "$flavour with git-kinds/: the server takes every object" k apply --server-side --force-conflicts --validate=strict -k "$H_TMP/ha/ours"
	check_eq "$flavour with git-kinds/: no object more" "$(jq -r '.kind + "/" + .metadata.name' "$base")" "$(jq -r '.kind + "/" + .metadata.name' "$H_TMP/git.json")"
	check_eq "$flavour with git-kinds/: exactly these rights more" "" \
		"$(diff "$H_TMP/git-rights" <(comm -13 <(rights "$base" 'oci$|controller$') <(rights "$H_TMP/git.json" 'oci$|controller$')))"
	check_eq "$flavour with git-kinds/: people may read them" "$(granted source.toolkit.fluxcd.io gitrepositories get,list,watch)" \
		"$(rights "$H_TMP/git.json" 'view$' | grep /git)"
	check_eq "$flavour with git-kinds/: and write them" "$(granted source.toolkit.fluxcd.io gitrepositories create,delete,deletecollection,patch,update)" \
		"$(rights "$H_TMP/git.json" 'edit$' | grep /git)"
	check_eq "$flavour with git-kinds/: one kind more" "--kinds=OCIRepository --kinds=GitRepository" "$(kinds_flag "$H_TMP/git.json")"
	# Both components, in either order, are all kinds that the program has.
	for order in "../deploy/git-kinds, ../$flavour/image-kinds" "../$flavour/image-kinds, ../deploy/git-kinds"; do
		printf 'resources: [../%s]\ncomponents: [%s]\n' "$flavour" "$order" >"$H_TMP/ha/ours/kustomization.yaml"
		render "$H_TMP/ha/ours" >"$H_TMP/both.json"
		check_eq "$flavour with $order: all kinds that the program has" "$(known_kinds)" "$(kinds_flag "$H_TMP/both.json" | sed 's/--kinds=//g' | tr ' ,' '\n\n' | sort | paste -sd ,)"
	done
	rm -r "$H_TMP/ha/ours"
done
k apply --server-side --force-conflicts -k "$D" >/dev/null
k apply --server-side --force-conflicts -k "$D/beside-flux" >/dev/null

# ---- monitoring ------------------------------------------------------------------------------------------------------
# The Prometheus Operator's kinds, with schemas that take all: what is in the rules promtool has checked (monitoring_test.sh).
operator_crd()
{
	jq -n --arg kind "$1" --arg plural "$2" '{apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition",
		metadata: {name: "\($plural).monitoring.coreos.com"}, spec: {group: "monitoring.coreos.com", scope: "Namespaced",
		names: {kind: $kind, plural: $plural}, versions: [{name: "v1", served: true, storage: true,
		schema: {openAPIV3Schema: {type: "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}'
}
operator_crd PodMonitor podmonitors | k apply -f - >/dev/null
operator_crd PrometheusRule prometheusrules | k apply -f - >/dev/null
k wait --for=condition=Established --timeout=30s crd/podmonitors.monitoring.coreos.com crd/prometheusrules.monitoring.coreos.com >/dev/null
h_until 30 k get podmonitors,prometheusrules -A
check_eq "monitoring/: the server creates every object" 3 "$(k create --validate=strict -k "$D/monitoring" | created)"
render "$D/monitoring" >"$H_TMP/monitoring.json"
for flavour in deploy beside; do
	check_eq "monitoring/: the PodMonitor finds the Pod and its port, $flavour" "true true" "$(jq -r --argjson pod "$(jq -c 'select(.kind == "Deployment") | .spec.template' "$H_TMP/$flavour.json")" \
		'select(.kind == "PodMonitor") | .spec | "\(.selector.matchLabels as $s | all($s | keys[]; $pod.metadata.labels[.] == $s[.])) \(
		.podMetricsEndpoints[0].port as $p | any($pod.spec.containers[0].ports[]; .name == $p))"' "$H_TMP/monitoring.json")"
done
check_eq "monitoring/: the dashboard is there for Grafana's sidecar" "1 $(jq -c .uid "$D/monitoring/dashboard.json")" \
	"$(jq -r 'select(.kind == "ConfigMap") | "\(.metadata.labels.grafana_dashboard) \(.data["oci-source-controller.json"] | fromjson | .uid | tojson)"' "$H_TMP/monitoring.json")"

# ---- rights ----------------------------------------------------------------------------------------------------------
# Those of source-controller 1.9 that concern what we do: group/resource:verb.
peer=" /events:create /events:patch /secrets:get /secrets:list /secrets:watch /serviceaccounts:get /serviceaccounts:list /serviceaccounts:watch
/serviceaccounts/token:create"
for verb in create delete get list patch update watch; do peer="$peer source.toolkit.fluxcd.io/ocirepositories:$verb"; done
for verb in create delete get patch update; do peer="$peer source.toolkit.fluxcd.io/ocirepositories/finalizers:$verb"; done
for verb in get patch update; do peer="$peer source.toolkit.fluxcd.io/ocirepositories/status:$verb"; done
for flavour in deploy beside; do
	wider=
	for right in $(jq -r 'select(.kind == "ClusterRole" and (.metadata.labels | has("rbac.authorization.k8s.io/aggregate-to-admin") | not)) | .rules[]
		| .apiGroups[] as $g | .resources[] as $r | .verbs[] | "\($g)/\($r):\(.)"' "$H_TMP/$flavour.json"); do
		case " $(echo $peer) " in *" $right "*) ;; *) wider="$wider $right" ;; esac
	done
	check_eq "$flavour: no right that Flux's source-controller has not" "" "$wider"
done
can_as() { k auth can-i "${@:2}" --as="system:serviceaccount:flux-system:$1" 2>/dev/null; }
can() { can_as source-controller "$@"; }
check_eq "may watch objects everywhere" yes "$(can watch ocirepositories.source.toolkit.fluxcd.io -A)"
check_eq "may patch their status" yes "$(can patch ocirepositories.source.toolkit.fluxcd.io --subresource=status -A)"
check_eq "may not delete them" no "$(can delete ocirepositories.source.toolkit.fluxcd.io -A)"
check_eq "may not write Secrets" no "$(can update secrets -A)"
for sa in source-controller source-controller-oci; do
	check_eq "$sa may have tokens made for the ServiceAccounts that objects name" yes "$(can_as "$sa" create serviceaccounts --subresource=token -A)"
	check_eq "$sa may not make ServiceAccounts, nor change them" "no no" "$(can_as "$sa" create serviceaccounts -A) $(can_as "$sa" patch serviceaccounts -A)"
done
check_eq "may not read ConfigMaps" no "$(can get configmaps -A)"
check_eq "may not start Pods" no "$(can create pods -A)"

# ---- the Pod ---------------------------------------------------------------------------------------------------------
h_namespace restricted
k label namespace restricted pod-security.kubernetes.io/enforce=restricted >/dev/null
for flavour in deploy beside; do
	sa=$(jq -r 'select(.kind == "Deployment") | .spec.template.spec.serviceAccountName' "$H_TMP/$flavour.json")
	k -n restricted create serviceaccount "$sa" >/dev/null
	jq 'select(.kind == "Deployment") | .spec.template | {apiVersion: "v1", kind: "Pod", metadata: (.metadata + {name: "the-pod", namespace: "restricted"}), spec}' \
		"$H_TMP/$flavour.json" >"$H_TMP/pod.json"
	check_ok "$flavour: the restricted profile admits the Pod" k create --validate=strict -f "$H_TMP/pod.json"
	k -n restricted delete pod the-pod --force --grace-period=0 >/dev/null 2>&1
done
jq '.spec.containers[0].securityContext.allowPrivilegeEscalation = true' "$H_TMP/pod.json" >"$H_TMP/bad-pod.json"
check_has "and refuses one that may gain rights" 'violates PodSecurity "restricted' "$(k create -f "$H_TMP/bad-pod.json" 2>&1)"
check_eq "probes, read-only root, critical priority" "true /healthz:healthz /:http system-cluster-critical Recreate 1337" \
	"$(jq -r 'select(.kind == "Deployment") | .spec.template.spec as $p | $p.containers[0] | "\(.securityContext.readOnlyRootFilesystem) \(.livenessProbe.httpGet | "\(.path):\(.port)") \(.readinessProbe.httpGet | "\(.path):\(.port)") \($p.priorityClassName)"' "$H_TMP/deploy.json") $(jq -r 'select(.kind == "Deployment") | "\(.spec.strategy.type) \(.spec.template.spec.securityContext.fsGroup)"' "$H_TMP/deploy.json")"

# ---- placeholders ----------------------------------------------------------------------------------------------------
render "$D/placeholder-crds" >"$H_TMP/placeholders.json"
check_eq "placeholders: no OCIRepository among them" "Bucket ExternalArtifact GitRepository HelmChart HelmRepository" \
	"$(jq -r .spec.names.kind "$H_TMP/placeholders.json" | sort | paste -sd ' ')"
# A real CRD, as far as anyone can tell: a stricter schema.
jq -c 'select(.spec.names.kind == "GitRepository") | .spec.versions[0].schema.openAPIV3Schema |= {type: "object", properties: {spec: {type: "object", required: ["url"], properties: {url: {type: "string"}}}}}' \
	"$H_TMP/placeholders.json" >"$H_TMP/real.json"
k create -f "$H_TMP/real.json" >/dev/null
before=$(k get crd gitrepositories.source.toolkit.fluxcd.io -o json | jq -cS .spec)
check_has "placeholders: a real CRD is reported" AlreadyExists "$(k create -k "$D/placeholder-crds" 2>&1)"
check_eq "and stays as it was" "$before" "$(k get crd gitrepositories.source.toolkit.fluxcd.io -o json | jq -cS .spec)"
check_eq "and the other four were created" 5 "$(k get crd -o name | grep -cE '(buckets|externalartifacts|gitrepositories|helmcharts|helmrepositories)\.source')"
k wait --for=condition=Established --timeout=30s crd --all >/dev/null
check_ok "the real CRD takes the place of the placeholder that was there" k apply --server-side --force-conflicts -f "$D/crds/source.toolkit.fluxcd.io_gitrepositories.yaml"
check_eq "and says what a url is" '^(http|https|ssh)://.*$' "$(k get crd gitrepositories.source.toolkit.fluxcd.io -o json | jq -r .spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.url.pattern)"
check_ok "a placeholder takes anything" k create -f - <<<'{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"Bucket","metadata":{"name":"b","namespace":"default"},"spec":{"anything":[1,{"x":null}]}}'

# ---- an image of one's own is all that is needed -----------------------------------------------------------------------
mkdir "$H_TMP/overlay"
cat >"$H_TMP/overlay/kustomization.yaml" <<EOF
resources: [$(realpath --relative-to="$H_TMP/overlay" "$D")]
images: [{name: oci-source-controller, newName: registry.example.com/team/oci-source-controller, newTag: v9}]
EOF
check_eq "an overlay that names another image" registry.example.com/team/oci-source-controller:v9 \
	"$(render "$H_TMP/overlay" | jq -r 'select(.kind == "Deployment") | .spec.template.spec.containers[].image')"
check_eq "and changes nothing else" "" "$(diff <(render "$H_TMP/overlay" | jq -cS 'del(.spec.template.spec.containers[0].image?)') <(jq -cS 'del(.spec.template.spec.containers[0].image?)' "$H_TMP/deploy.json"))"

# ---- in place of Flux's own, and back ----------------------------------------------------------------------------------
# docs/coming-from-flux.md. A source-controller as Flux installs it: server-side, by somebody else, with what only it has.
k -n flux-system delete deployment,service,serviceaccount source-controller >/dev/null
crd_before=$(k get crd ocirepositories.source.toolkit.fluxcd.io -o jsonpath='{.metadata.uid}')
flux_manifests()
{
	cat <<-YML
		apiVersion: v1
		kind: ServiceAccount
		metadata: {name: source-controller, namespace: flux-system, labels: {app.kubernetes.io/part-of: flux}}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: source-controller, namespace: flux-system, labels: {control-plane: controller}}
		spec: {type: ClusterIP, selector: {app: source-controller}, ports: [{name: http, port: 80, protocol: TCP, targetPort: http}]}
		---
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: source-controller, namespace: flux-system, labels: {app: source-controller, control-plane: controller, app.kubernetes.io/name: flux}}
		spec:
		  replicas: 1
		  strategy: {type: Recreate}
		  selector: {matchLabels: {app: source-controller}}
		  template:
		    metadata: {labels: {app: source-controller}}
		    spec:
		      serviceAccountName: source-controller
		      terminationGracePeriodSeconds: 10
		      securityContext: {fsGroup: 1337}
		      containers:
		      - name: manager
		        image: ghcr.io/fluxcd/source-controller:v1.9.1
		        args: [--watch-all-namespaces, --enable-leader-election, --storage-path=/data, --storage-adv-addr=source-controller.flux-system.svc.cluster.local.]
		        env: [{name: RUNTIME_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}, {name: TUF_ROOT, value: /tmp/.sigstore}]
		        ports: [{containerPort: 9090, name: http, protocol: TCP}, {containerPort: 8080, name: http-prom, protocol: TCP}, {containerPort: 9440, name: healthz, protocol: TCP}]
		        livenessProbe: {httpGet: {port: healthz, path: /healthz}}
		        readinessProbe: {httpGet: {port: http, path: /}}
		        volumeMounts: [{name: data, mountPath: /data}, {name: tmp, mountPath: /tmp}]
		      volumes: [{name: data, ${1:-emptyDir: {\}}}, {name: tmp, emptyDir: {}}]
	YML
}
flux_apply() { flux_manifests "$@" | k apply --server-side --force-conflicts --field-manager=flux -f - >/dev/null; }
now() { k -n flux-system get deployment source-controller -o json | jq -r '.spec.template.spec.containers | "\(length) \(.[0].image) \(.[0].args | join(" "))"'; }
ours="1 $(jq -r 'select(.kind == "Deployment") | .spec.template.spec.containers[0] | "\(.image) \(.args | join(" "))"' "$H_TMP/deploy.json")"
flux_apply || h_die "no Deployment of Flux"
check_ok "apply over Flux's" k apply --server-side --force-conflicts -k "$D"
check_eq "image and flags are ours" "$ours" "$(now)"
check_eq "one Pod at a time still" Recreate "$(k -n flux-system get deployment source-controller -o jsonpath='{.spec.strategy.type}')"
flux_apply || h_die "Flux cannot come back"
check_match "and back: image and flags are Flux's" '^1 ghcr.io/fluxcd/source-controller:v1.9.1 --watch-all-namespaces --enable-leader-election ' "$(now)"
left="$(sed -n 's/^\$ kubectl -n flux-system delete \([a-z,]*\) -l \(.*\)$/\1 -l \2/p' "$H_ROOT/docs/coming-from-flux.md")"
check_match "the page says what is left then" '^clusterroles,clusterrolebindings,roles,rolebindings,networkpolicies,resourcequotas -l ' "$left"
k -n flux-system delete $left >/dev/null || h_die "cannot delete what is left"
check_eq "and that is all of it" "" "$(k -n flux-system get clusterroles,clusterrolebindings,roles,rolebindings,networkpolicies,resourcequotas -o name | grep oci)"
check_eq "Flux's own stay" "deployment.apps/source-controller service/source-controller serviceaccount/source-controller" \
	"$(k -n flux-system get deployment,service,serviceaccount source-controller -o name | sort | paste -sd ' ')"
check_eq "and so does the CRD" "$crd_before" "$(k get crd ocirepositories.source.toolkit.fluxcd.io -o jsonpath='{.metadata.uid}')"
# A volume of Flux's own: the Deployment has to go first.
k -n flux-system delete deployment source-controller >/dev/null
flux_apply 'persistentVolumeClaim: {claimName: data}' || h_die "no volume"
check_has "over a volume of Flux's own: refused, as the page says" "may not specify more than 1 volume type" "$(k apply --server-side --force-conflicts -k "$D" 2>&1)"
k -n flux-system delete deployment source-controller >/dev/null
check_ok "without the Deployment it goes" k apply --server-side --force-conflicts -k "$D"

# ---- the pages' own kustomizations -------------------------------------------------------------------------------------
mkdir "$H_TMP/pages" "$H_TMP/pages/ours" "$H_TMP/pages/flux-system"
cp -r "$D" "$H_TMP/pages/deploy"
{ flux_manifests; printf -- '---\napiVersion: v1\nkind: Namespace\nmetadata: {name: flux-system}\n'; } >"$H_TMP/pages/flux-system/gotk-components.yaml"
# block PAGE NTH: the nth block of YAML that begins with "# DIR/kustomization.yaml", as that file. Prints DIR.
block()
{
	awk -v nth="$2" '/^```/ { on = 0 } on { print } /^```yaml/ { getline; on = /^# .*\/kustomization.yaml$/ && ++n == nth; if (on) print }' "$H_ROOT/docs/$1" >"$H_TMP/pages/block"
	dir=$(sed -n '1s#^\# \(.*\)/kustomization.yaml#\1#p' "$H_TMP/pages/block")
	[ -n "$dir" ] || h_die "no block $2 in $1"
	cp "$H_TMP/pages/block" "$H_TMP/pages/$dir/kustomization.yaml"
}
rendered() { block "$1" "$2"; k kustomize "$H_TMP/pages/$dir" | k create --dry-run=client -f - -o json | jq -c 'if .kind == "List" then .items[] else . end' >"$H_TMP/pages/rendered"; }
deployment() { jq -r "select(.kind == \"Deployment\") | .spec.template.spec.containers[0] | $1" "$H_TMP/pages/rendered"; }
MINE=registry.example.com/oci-source-controller:v0.1.0
rendered coming-from-flux.md 1
check_eq "in its place" "$MINE $(wc -l <"$H_TMP/deploy.json")" "$(deployment .image) $(wc -l <"$H_TMP/pages/rendered")"
rendered coming-from-flux.md 2
check_eq "Flux's left out" Namespace "$(jq -r .kind "$H_TMP/pages/rendered")"
rendered coming-from-flux.md 3
check_eq "what was patched into Flux's: variables beside ours, a toleration" "$MINE RUNTIME_NAMESPACE HTTPS_PROXY NO_PROXY TUF_ROOT dedicated" \
	"$(deployment '"\(.image) \([.env[].name] | sort_by(. != "RUNTIME_NAMESPACE") | join(" "))"') $(jq -r 'select(.kind == "Deployment") | .spec.template.spec.tolerations[].key' "$H_TMP/pages/rendered")"
rendered coming-from-flux.md 4
check_eq "Flux's leaves a shard alone" "--watch-label-selector=!sharding.fluxcd.io/key" "$(deployment '.args[-1]')"
rendered coming-from-flux.md 5
check_eq "beside it" "$MINE source-controller-oci" "$(deployment .image) $(jq -r 'select(.kind == "Deployment") | .metadata.name' "$H_TMP/pages/rendered")"
# Mirrors are a component of both, which takes nothing away.
mirrored()
{
	rendered mirrors.md "$2"
	check_eq "mirrors, $1: the image is that of ours/" "$MINE" "$(deployment .image)"
	check_eq "mirrors, $1: a ConfigMap more, and nothing else" "$(($(wc -l <"$3") + 1))" "$(wc -l <"$H_TMP/pages/rendered")"
	check_eq "mirrors, $1: the flags of before, and one" \
		"$(jq -r 'select(.kind == "Deployment") | .spec.template.spec.containers[0].args | join(" ")' "$3") --registry-mirrors=/etc/mirrors/rules.yaml" "$(deployment '.args | join(" ")')"
	check_eq "mirrors, $1: the rules are mounted there, as a folder" "/etc/mirrors null registry-mirrors" \
		"$(deployment '.volumeMounts[] | select(.name == "mirrors") | "\(.mountPath) \(.subPath)"') $(jq -r 'select(.kind == "Deployment") | .spec.template.spec.volumes[] | select(.name == "mirrors") | .configMap.name' "$H_TMP/pages/rendered")"
	check_eq "mirrors, $1: under that name" "flux-system registry-mirrors rules.yaml" \
		"$(jq -r 'select(.kind == "ConfigMap") | "\(.metadata.namespace) \(.metadata.name) \(.data | keys | join(" "))"' "$H_TMP/pages/rendered")"
	check_ok "mirrors, $1: the server takes it" k apply --server-side --force-conflicts -k "$H_TMP/pages/ours"
}
mirrored "in place of Flux" 1 "$H_TMP/deploy.json"
mirrored "beside Flux" 2 "$H_TMP/beside.json"
sed -i 's#\.\./deploy/mirrors#mirrors#' "$H_TMP/pages/ours/kustomization.yaml"
cp -r "$D/mirrors" "$H_TMP/pages/ours/mirrors"
check_eq "mirrors: a copy in ours/ does the same" "$(jq -cS . "$H_TMP/pages/rendered")" "$(render "$H_TMP/pages/ours" | jq -cS .)"
rendered clouds.md 1
check_eq "the controller's identity" arn:aws:iam::123456789012:role/puller \
	"$(jq -r 'select(.kind == "ServiceAccount") | .metadata.annotations["eks.amazonaws.com/role-arn"]' "$H_TMP/pages/rendered")"
rendered clouds.md 2
check_eq "AKS: the client, and that it is wanted" "01234567-89ab-cdef-0123-456789abcdef true" \
	"$(jq -r 'select(.kind == "ServiceAccount") | .metadata.annotations["azure.workload.identity/client-id"]' "$H_TMP/pages/rendered") $(jq -r 'select(.kind == "Deployment") | .spec.template.metadata.labels["azure.workload.identity/use"]' "$H_TMP/pages/rendered")"
check_eq "and the Pod's selector is as before" '{"matchLabels":{"app":"source-controller"}}' "$(jq -c 'select(.kind == "Deployment") | .spec.selector' "$H_TMP/pages/rendered")"
rendered clouds.md 3
check_eq "the gate" --feature-gates=ObjectLevelWorkloadIdentity=true "$(deployment '.args[-1]')"
check_eq "and all is there that was" "$(wc -l <"$H_TMP/deploy.json")" "$(wc -l <"$H_TMP/pages/rendered")"

# ---- samples ---------------------------------------------------------------------------------------------------------
k apply --server-side -f "$D/crds" >/dev/null
k wait --for=condition=Established --timeout=30s crd --all >/dev/null
for f in "$D"/samples/*.yaml; do
	sed 's#REGISTRY/#registry.example.com/#; s#digest: DIGEST#digest: sha256:0000#' "$f" >"$H_TMP/${f##*/}"
	check_ok "sample ${f##*/}" k create --validate=strict -f "$H_TMP/${f##*/}"
done
# In and out of the shard, as docs/coming-from-flux.md says it.
check_ok "into the shard" k -n apps label ocirepositories --all sharding.fluxcd.io/key=oci
k label ocirepositories -A -l sharding.fluxcd.io/key=oci sharding.fluxcd.io/key- >/dev/null
check_eq "and out of it" "" "$(k get ocirepositories -A -l sharding.fluxcd.io/key -o name)"
# All of them at once, as the first one's comment says it.
k -n apps delete ocirepositories,gitrepositories,imagerepositories,imagepolicies,imageupdateautomations,receivers --all >/dev/null
hint=$(sed -n 's/^#   \(sed .*\) | kubectl apply.*/\1/p' "$D/samples/00-namespace.yaml")
(cd "$H_ROOT" && bash -c "$hint") >"$H_TMP/samples.yaml"
check_ok "the samples' own hint" k apply -f "$H_TMP/samples.yaml"
for kind in OCIRepository GitRepository ImageRepository ImagePolicy ImageUpdateAutomation Receiver; do
	check_eq "makes an object of each, $kind" "$(grep -l "^kind: $kind" "$D"/samples/*.yaml | wc -l)" "$(k -n apps get "$kind" -o name | wc -l)"
done
check_match "and a token that nobody can guess" '^[0-9a-f]{48}$' "$(k -n apps get secret web-webhook -o jsonpath='{.data.token}' | base64 -d)"
check_eq "the older manifest is read as v1" source.toolkit.fluxcd.io/v1 "$(k -n apps get ocirepositories.v1.source.toolkit.fluxcd.io web-promoted -o jsonpath='{.apiVersion}')"
check_eq "and as v1beta2" source.toolkit.fluxcd.io/v1beta2 "$(k -n apps get ocirepositories.v1beta2.source.toolkit.fluxcd.io web-promoted -o jsonpath='{.apiVersion}')"
h_finish
