#!/usr/bin/env bash
# An ImageUpdateAutomation from a new tag to the commit, and what it asks of the server when nothing is new.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/image.sh"
. "$H_ROOT/test/lib/git.sh"
. "$H_ROOT/test/lib/automation.sh"

a_start
tags app '{"tags": ["1.0.0", "1.1.0"]}'
repository app "{\"image\": \"$TAGS/app\", \"insecure\": true}"
policy app '{"imageRepositoryRef": {"name": "app"}, "policy": {"semver": {"range": "1.x"}}}'
check_soon "the policy has chosen" 20 1.1.0 chosen app
a_repo app staging 1.0.0
first=$GIT_COMMIT
odd=$(file app staging apps/web/odd.yaml | md5sum)

# ---- a commit --------------------------------------------------------------------------------------------------------
automation app app '{"checkout": {"ref": {"branch": "staging"}}, "push": {"branch": "staging"}}' '{"update": {"path": "./apps", "strategy": "Setters"}}'
check_soon "IU-13 without its GitRepository" 10 "False SourceManagerFailed" ready_now app
a_source app "http://$GIT/git/app.git"
check_soon "IU-01 a commit on staging, as soon as that is there" 20 1.1.0 new_tag app staging
check_soon "IU-01 Ready" 10 "True Succeeded" ready app
commit=$(head_of app staging)
check_eq "IU-01 lastPushCommit" "$commit" "$(status app lastPushCommit)"
check_eq "IU-01 observedSourceRevision" "staging@sha1:$commit" "$(status app observedSourceRevision)"
check_eq "IU-01 observedPolicies" "{\"app\":{\"name\":\"$TAGS/app\",\"tag\":\"1.1.0\"}}" "$(status app observedPolicies | jq -c .)"
check_match "IU-01 lastPushTime" '^20[0-9-]+T[0-9:]+Z$' "$(status app lastPushTime)"
check_match "IU-01 lastAutomationRunTime" '^20[0-9-]+T[0-9:]+Z$' "$(status app lastAutomationRunTime)"
check_eq "IU-01 author and committer" "fluxcdbot <fluxcdbot@users.noreply.github.com> fluxcdbot <fluxcdbot@users.noreply.github.com>" \
	"$(g app show -s --format='%an <%ae> %cn <%ce>' staging)"
check_eq "TPL-01 the message" "- Kustomization web: $TAGS/old -> $TAGS/app1.0.0 -> 1.1.0" "$(g app show -s --format=%B staging | head -n1)"
check_eq "IU-01 on top of the first" "$first" "$(g app rev-parse staging^)"
check_eq "IU-01 one file" "apps/web/kustomization.yaml" "$(g app diff --name-only staging^ staging)"
check_eq "SET-02 SET-03 not a byte but the scalars" "$TAGS/old $TAGS/app 1.0.0 1.1.0" \
	"$(g app diff -U0 --word-diff=porcelain staging^ staging | sed -n 's/^[-+]\([^-+]\)/\1/p' | xargs)"
check_eq "a file with a marker of nobody's is left alone" "$odd" "$(file app staging apps/web/odd.yaml | md5sum)"
check_has "SET-13 and the status says so" "repository up-to-date; left alone: apps/web/odd.yaml:2: no policy '$NS:none' in this namespace" "$(message imageupdateautomation app)"
check_has "IU-20 the event" "Normal Succeeded pushed commit '${commit:0:7}' to branch 'staging'
- Kustomization web: $TAGS/old -> $TAGS/app1.0.0 -> 1.1.0" "$(said app)"
check_eq "columns" "NAME READY STATUS AGE" "$(kn get imgupd app | head -n1 | xargs)"
check_ok "what was pushed is sound" g app fsck --strict --no-dangling

# ---- nothing to do ---------------------------------------------------------------------------------------------------
h_git_mark git
request imageupdateautomation app
check_eq "IU-02 nothing to do is one question" 1 "$(h_git_asked git '/git/app.git/')"
check_eq "IU-02 and no commit" "$commit" "$(head_of app staging)"
check_has "IU-02 what was left alone is said all the same" "; left alone: apps/web/odd.yaml:2: " "$(message imageupdateautomation app)"

# ---- another choice --------------------------------------------------------------------------------------------------
h_git_mark git
tags app '{"tags": ["1.0.0", "1.1.0", "1.2.0"]}'
request imagerepository app
check_soon "IU-03 a new choice is a commit at once" 5 1.2.0 new_tag app staging
check_le "SET-42 what is no YAML is not fetched" 60000 "$(h_git_lines git | awk '{ n += $6 } END { print n + 0 }')"
check_soon "IU-23 the GitRepository is asked to look" 2 true woken app

h_git_pull app staging
sed -i 's/1\.2\.0/0.9.0/' "$GIT_WORK/app/apps/web/kustomization.yaml"
h_git_push app staging "by hand"
request imageupdateautomation app
check_eq "IU-04 a commit by others is noticed" 1.2.0 "$(new_tag app staging)"

# ---- suspended -------------------------------------------------------------------------------------------------------
kn patch imageupdateautomation app --type=merge -p '{"spec": {"suspend": true}}' >/dev/null
handled=$(status app lastHandledReconcileAt)
before=$(status app lastAutomationRunTime)
kn annotate --overwrite imageupdateautomation app reconcile.fluxcd.io/requestedAt=suspended >/dev/null
tags app '{"tags": ["1.0.0", "1.1.0", "1.2.0", "1.3.0"]}'
request imagerepository app
check_soon "the policy goes on" 10 1.3.0 chosen app
check_eq "IU-18 suspended, nobody is answered" "$handled $before" "$(status app lastHandledReconcileAt) $(status app lastAutomationRunTime)"
check_eq "IU-18 nothing is written" 1.2.0 "$(new_tag app staging)"
kn patch imageupdateautomation app --type=merge -p '{"spec": {"suspend": null}}' >/dev/null
check_soon "and after it all is done" 10 1.3.0 new_tag app staging
check_soon "IU-18 and the request is answered" 10 suspended status app lastHandledReconcileAt

# ---- a restart -------------------------------------------------------------------------------------------------------
commit=$(head_of app staging)
h_stop "$CONTROLLER_PID" || h_fail "a clean end" 0 $?
a_start
h_git_mark git
request imageupdateautomation app
check_eq "IU-22 after a restart nothing is done twice" "$commit" "$(head_of app staging)"
check_eq "IU-22 which is one question" 1 "$(h_git_asked git '/git/app.git/')"

# ---- what cannot be --------------------------------------------------------------------------------------------------
apply ImageUpdateAutomation bare '{"interval": "1h", "sourceRef": {"kind": "GitRepository", "name": "app"}}'
check_soon "IU-14 without spec.git" 10 "False InvalidSourceConfiguration" ready bare
check_eq "IU-14 it stalls" "Ready=False/InvalidSourceConfiguration Stalled=True/InvalidSourceConfiguration" "$(conditions imageupdateautomation bare)"
automation select app '{}' '{"policySelector": {"matchExpressions": [{"key": "a", "operator": "Almost"}]}}'
check_soon "IU-15 an operator that is none" 10 "False InvalidPolicySelector" ready select
g app update-ref refs/heads/other "$first"
automation removed app '{"checkout": {"ref": {"branch": "other"}}, "commit": {"messageTemplate": "{{ .Updated }}"}}'
check_soon "TPL-04 a field that was removed" 10 "False RemovedTemplateField" ready removed
automation path app '{}' '{"update": {"path": "nowhere"}}'
check_soon "SET-36 a path that is not there" 10 "False UpdateFailed" ready_now path
h_git_init empty main
a_source empty "http://$GIT/git/empty.git" main
automation empty empty
check_soon "IU-19 an empty repository" 10 "False GitOperationFailed" ready_now empty
check_has "IU-19 which is said" "empty" "$(message imageupdateautomation empty)"
jq -n '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "GitRepository", metadata: {name: "tagged"}, spec: {interval: "1h", url: "http://localhost/x", ref: {tag: "v1"}}}' |
	kn apply -f - >/dev/null
automation nowhere tagged
check_soon "IU-09 no branch to push to" 10 "False SourceManagerFailed" ready_now nowhere
check_has "IU-07 a refspec that forces is refused by the API" "refspec" \
	"$(kn patch imageupdateautomation app --type=merge -p '{"spec": {"git": {"push": {"refspec": "+a:b"}}}}' 2>&1)"
h_finish
