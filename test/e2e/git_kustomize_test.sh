#!/usr/bin/env bash
# CL-07: the real kustomize-controller on a real API server applies from the artifact of our GitRepository, and follows what the
# automation has committed: from the push of a tag and the call of a webhook to what runs. Also across kill -9 of our controller.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
API=real
NS=apps
. "$H_ROOT/test/lib/image.sh"
. "$H_ROOT/test/lib/git.sh"
crds=$(h_kustomize_controller_crds)
i_cluster_start
h_crds_apply "$crds"
k create -k "$H_ROOT/deploy/placeholder-crds" >/dev/null 2>&1 # the real ones stay
k wait --for=condition=Established --timeout=30s crd --all >/dev/null
i_start
h_kustomize_controller_start
h_namespace $NS
i_tags_start
h_git_start git

# A ConfigMap stands for the Deployment: nobody here would pull its image.
h_git_init app staging
mkdir -p "$GIT_WORK/app/apps/web"
printf 'resources: [config.yaml]\n' >"$GIT_WORK/app/apps/web/kustomization.yaml"
cat >"$GIT_WORK/app/apps/web/config.yaml" <<'EOF'
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  image: nobody/app:none   # {"$imagepolicy": "apps:app"}
EOF
h_git_push app staging first
tags app '{"tags":["1.0.0"]}'
kn create secret generic git --from-literal=username=$GIT_USER --from-literal=password=$GIT_WORD >/dev/null
kn create secret generic hook --from-literal=token=word-of-the-hook >/dev/null
apply GitRepository app "{\"interval\":\"10m\",\"url\":\"http://$GIT/basic/app.git\",\"ref\":{\"branch\":\"staging\"},\"secretRef\":{\"name\":\"git\"}}"
kn apply -f - >/dev/null <<'EOF'
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: app}
spec: {interval: 10m, path: ./apps/web, prune: true, targetNamespace: apps, sourceRef: {kind: GitRepository, name: app}}
EOF
runs() { kn get configmap web -o jsonpath='{.data.image}' 2>/dev/null; }
applied() { kn get kustomization app -o jsonpath='{.status.lastAppliedRevision}' 2>/dev/null; }
head_of() { echo "staging@sha1:$(g app rev-parse staging)"; }
check_soon "CL-07 kustomize-controller applies our artifact" 60 nobody/app:none runs
check_soon "CL-07 the revision it applied is the commit" 20 "$(head_of)" applied

repository app "{\"image\":\"$TAGS/app\"}"
policy app '{"imageRepositoryRef":{"name":"app"},"policy":{"semver":{"range":">=1.0.0"}}}'
apply Receiver app '{"type":"generic","secretRef":{"name":"hook"},"resources":[{"kind":"ImageRepository","name":"app"}]}'
apply ImageUpdateAutomation app '{"interval":"10m","sourceRef":{"kind":"GitRepository","name":"app"},"update":{"path":"./apps"},
	"git":{"checkout":{"ref":{"branch":"staging"}},"commit":{"author":{"name":"fluxcdbot","email":"fluxcdbot@users.noreply.github.com"}}}}'
check_soon "CL-07 and follows the automation's commit" 60 "$TAGS/app:1.0.0" runs
h_until "$SOON" test -n "$(hook_path app)"
for v in 1.1.0 1.2.0 1.3.0; do
	tags app "{\"tags\":[\"1.0.0\",\"$v\"]}"
	begin=$(h_now_ms)
	check_eq "the webhook" 200 "$(hook app -d '{}')"
	check_soon "CL-07 a push of $v runs, without a poll" 60 "$TAGS/app:$v" runs
	h_log "$H_NAME: $v ran $(($(h_now_ms) - begin)) ms after the call"
	check_soon "CL-07 of the commit" 20 "$(head_of)" applied
done
check_eq "CL-07 one commit for each" 5 "$(g app rev-list --count staging)"

pushed() { g app show staging:apps/web/config.yaml | grep -q ":$1 "; }
# kill -9 between the push and the status: the next run finds nothing to do.
for v in 1.4.0 1.5.0; do
	tags app "{\"tags\":[\"1.0.0\",\"$v\"]}"
	check_eq "the webhook" 200 "$(hook app -d '{}')"
	h_until 30 pushed "$v"
	h_stop "$CONTROLLER_PID" KILL
	i_start
	check_soon "CL-07 kill -9 around $v" 60 "$TAGS/app:$v" runs
	check_soon "IU-22 the automation is Ready" "$SOON" "True Succeeded" outcome imageupdateautomation app
	check_eq "IU-22 its commit is the one that was pushed" "$(g app rev-parse staging)" "$(field imageupdateautomation app '.status.observedSourceRevision | sub(".*:"; "")')"
done
check_eq "IU-22 and there is no second one" 7 "$(g app rev-list --count staging)"

# By hand, on the same branch: the source finds it when it is asked.
h_git_pull app staging
sed -i 's/^data:/data:\n  by: hand/' "$GIT_WORK/app/apps/web/config.yaml"
h_git_push app staging "by hand"
request gitrepository app
check_soon "CL-07 what people push, too" 60 hand kn get configmap web -o jsonpath='{.data.by}'
i_stop
check_eq "SIGTERM: exit status" 0 $?
h_finish
