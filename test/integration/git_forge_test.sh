#!/usr/bin/env bash
# GitRepository and ImageUpdateAutomation at forges: a GitHub App's token as the password of Git,
# and the pull or merge request of a pushed branch. The forge checks each request (forge.py).
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/image.sh"
. "$H_ROOT/test/lib/git.sh"
. "$H_ROOT/test/lib/automation.sh"

FORGE=$H_TMP/forge FORGE_PORT=$(h_free_port)
mkdir "$FORGE"
: >"$FORGE/asked"
: >"$FORGE/wrong"
: >"$FORGE/titles"
echo word-of-git >"$FORGE/word"
h_spawn forge python3 "$H_ROOT/test/lib/forge.py" "$FORGE_PORT" "$FORGE" app/forge
h_until 20 curl -so /dev/null "http://127.0.0.1:$FORGE_PORT/" ||
	h_die "the forge does not answer"
: >"$FORGE/asked"
: >"$FORGE/wrong"
says() { field "$1" "$2" '.status.conditions[]? |
	select(.type == "Ready" and .status != "Unknown") | "\(.status) \(.reason)"'; }
asked() { grep -c "^$1" "$FORGE/asked"; }
# Whoever shows one of these to Git is let in.
lets_in() { printf 'x-access-token:{PLAIN}%s\n' "$@" >"$H_TMP/git.app"; }

a_start --kinds=GitRepository
tags app '{"tags": ["1.0.0", "1.1.0"]}'
repository app "{\"image\": \"$TAGS/app\", \"insecure\": true}"
policy app '{"imageRepositoryRef": {"name": "app"}, "policy": {"semver": {"range": "1.x"}}}'
check_soon "the policy has chosen" 20 1.1.0 chosen app

# ---- as a GitHub App -------------------------------------------------------------------------------
openssl genrsa -out "$H_TMP/app.pem" 2048 2>/dev/null || h_die "openssl makes no key"
kn create secret generic app --from-literal=githubAppID=1234 \
	--from-literal=githubAppInstallationID=42 \
	--from-file=githubAppPrivateKey="$H_TMP/app.pem" \
	--from-literal=githubAppBaseURL="http://127.0.0.1:$FORGE_PORT/api/v3" >/dev/null ||
	h_die "cannot create Secret app"
as_app='{"provider": "github", "secretRef": {"name": "app"}}'
a_repo forge main 1.0.0
lets_in ghs_1
a_source forge "http://$GIT/app/forge.git" main "$as_app"
check_soon "a GitRepository as an App" 20 "True Succeeded" outcome gitrepository forge
automation forge forge '{"push": {"branch": "bot/app"}}'
check_soon "an ImageUpdateAutomation as an App" 20 1.1.0 new_tag forge bot/app
check_eq "both by one token" 1 "$(asked "POST /api/v3/app/")"
# The token is taken back.
lets_in ghs_2
request gitrepository forge
check_soon "after a refusal another one" 20 "True Succeeded" outcome gitrepository forge
check_eq "that was asked for once" 2 "$(asked "POST /api/v3/app/")"
a_source bare "http://$GIT/app/forge.git" main '{"secretRef": {"name": "app"}}'
check_soon "GR-18 an App's data without the provider" 20 "False InvalidProviderConfiguration" \
	says gitrepository bare
a_source none "http://$GIT/app/forge.git" main '{"provider": "github"}'
check_soon "GR-18 the provider without a Secret" 20 "False InvalidProviderConfiguration" \
	says gitrepository none
for name in bare none; do kn delete gitrepository "$name" >/dev/null; done

# ---- pull requests ---------------------------------------------------------------------------------
# pull KIND API [ANNOTATIONS]: an automation that pushes bot/KIND and wants a request into main.
pull()
{
	jq -cn --arg kind "$1" --arg api "http://127.0.0.1:$FORGE_PORT/api/$2" \
		--argjson author "$A_AUTHOR" --argjson more "${3:-"{}"}" '{
		apiVersion: "image.toolkit.fluxcd.io/v1", kind: "ImageUpdateAutomation",
		metadata: {name: $kind, annotations: ({
			"oci-source-controller/pull-request": $kind,
			"oci-source-controller/pull-request-api": $api} + $more)},
		spec: {interval: "1h", sourceRef: {kind: "GitRepository", name: "forge"},
			git: {commit: {$author, messageTemplate:
				"Bump{{range .Changed.Changes}} {{.NewValue}}{{end}}\n\nby a bot"},
				push: {branch: "bot/\($kind)"}}}}' |
		kn apply -f - >/dev/null || h_die "cannot apply $1"
}
kn create secret generic word --from-literal=token=word-of-git >/dev/null
pull github v3
pull gitlab v4 '{"oci-source-controller/pull-request-secret": "word"}'
pull gitea v1 '{"oci-source-controller/pull-request-secret": "word"}'
for kind in github gitlab gitea; do
	check_soon "$kind: the branch is pushed" 20 1.1.0 new_tag forge "bot/$kind"
	check_soon_match "$kind: its request is told" 20 \
		"pull request: http://127.0.0.1:$FORGE_PORT/app/forge/.*/7" \
		message imageupdateautomation "$kind"
	check_soon "$kind: Ready" 20 "True Succeeded" ready "$kind"
done
news() { echo "$(asked "POST .*/pulls") $(asked "POST .*/merge_requests")"; }
check_eq "one of each was opened" "2 1" "$(news)"
tags app '{"tags": ["1.0.0", "1.2.0"]}'
request imagerepository app
for kind in github gitlab gitea; do
	check_soon "$kind: a second commit" 20 1.2.0 new_tag forge "bot/$kind"
	check_soon "$kind: Ready again" 20 "True Succeeded" ready "$kind"
	request imageupdateautomation "$kind"
done
check_eq "and the open ones were found" "2 1" "$(news)"
titles() { awk '{ print $1, $NF }' "$FORGE/titles" | sort | uniq -c | xargs; }
both="1 gitea 1.1.0 1 gitea 1.2.0 1 github 1.1.0 1 github 1.2.0 1 gitlab 1.1.0 1 gitlab 1.2.0"
check_eq "each push has given its title" "$both" "$(titles)"

# Others move the branch that it leads to: nothing was pushed for it.
looks()
{
	h_git_push forge main others
	for kind in github gitlab gitea; do request imageupdateautomation "$kind"; done
}
looks
check_eq "while others push the title stays" "$both" "$(titles)"
touch "$FORGE/closed"
looks
check_eq "one that was closed stays so" "2 1" "$(news)"
for kind in github gitlab gitea; do
	check_eq "$kind: Ready without it" "True Succeeded" "$(ready "$kind")"
done
rm "$FORGE/closed"
tags app '{"tags": ["1.0.0", "1.3.0"]}'
request imagerepository app
for kind in github gitlab gitea; do
	check_soon "$kind: a third commit" 20 1.3.0 new_tag forge "bot/$kind"
	check_soon_match "$kind: another one is told" 20 "pull request: " \
		message imageupdateautomation "$kind"
done
check_eq "that was opened for it" "4 2" "$(news)"
check_eq "each request was right" "" "$(cat "$FORGE/wrong")"

kn get gitrepositories,imageupdateautomations,events -o json >"$H_TMP/told"
h_stop "$CONTROLLER_PID"
check_eq "the controller ends well" 0 $?
check_has "what is told was read" bot/github "$(cat "$H_TMP/told")"
check_eq "no token and no key in what is told" "" \
	"$(cat "$H_TMP/told" "$H_TMP/log/src.err" "$H_TMP/log/src.out" |
		grep -oE 'ghs_[0-9]|word-of-git|BEGIN [A-Z ]*PRIVATE' | sort -u)"
h_finish
