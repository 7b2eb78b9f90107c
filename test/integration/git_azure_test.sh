#!/usr/bin/env bash
# provider: azure of GitRepositories: a token of the controller's identity for Azure DevOps, which a
# fake of Entra gives (test/fake/cloud), and Git behind it. No other host is shown one.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/cloud.sh"
. "$H_ROOT/test/lib/git.sh"
. "$H_ROOT/test/lib/gitrepository.sh"

h_git_start git
h_git_init app main
echo a >"$GIT_WORK/app/a"
h_git_push app main first
cloud_fake_start
WORD=c1ient-secret~of.the-app
HOSTS="dev.azure.com org.visualstudio.com dev.azure.com.evil.example evil-visualstudio.com visualstudio.com"
BASE=$(jq -n --arg word "$WORD" --arg hosts "$HOSTS" --arg git "http://$GIT/git/app.git" '{secrets: [$word],
	entra: [{tenant: "t", client: "c", secret: $word, scope: "499b84ac-1321-427f-aa17-267ca6975798/.default"}],
	hosts: ($hosts / " " | map({key: ., value: {kind: "devops", git: $git, path: "/org/p/_git/app", source: "t/c"}}) | from_entries)}')
world azure AZURE_TENANT_ID=t AZURE_CLIENT_ID=c AZURE_CLIENT_SECRET="$WORD"
controller_environment
h_embedded_start azure "$H_TMP/azure.objects" --storage-path="$H_TMP/store" --min-retry-delay=10m --log-level=trace
ok="True/Succeeded main@sha1:$GIT_COMMIT"
azure() { repo "$1" "{\"url\": \"$2/org/p/_git/app\", \"provider\": \"azure\", \"ref\": {\"branch\": \"main\"}${3:+, $3}}" >/dev/null; }

azure one https://dev.azure.com
check_soon "a token of the controller's" 20 "$ok" ready one
azure two https://dev.azure.com
check_soon "another object" 20 "$ok" ready two
check_eq "by one token" "entra 200" "$(asked '^login')"
azure old https://org.visualstudio.com
check_soon "the old names" 20 "$ok" ready old

# Whoever may write a URL must not be shown the token.
n=0
for url in https://dev.azure.com.evil.example https://evil-visualstudio.com https://visualstudio.com http://dev.azure.com; do
	n=$((n + 1))
	azure "lookalike-$n" "$url"
	check_soon "$url" 20 "False/AuthenticationFailed -" ready "lookalike-$n"
	check_has "$url: why" "no host of Azure DevOps" "$(message "lookalike-$n" Ready)"
done
check_eq "and nobody was asked there" "" "$(fake_log | jq -r 'select(.host | test("evil|^visualstudio")) | .host')"

# The token is taken back: this run fails, and the next one shows another.
answers dev.azure.com '[{"on": "upload-pack", "error": "TF400813", "status": 401}]'
again one
check_eq "a token that is refused" "False/AuthenticationFailed main@sha1:$GIT_COMMIT" "$(ready one)"
again one
check_eq "then another one" "$ok" "$(ready one)"
check_eq "which was asked for" "entra 200 entra 200" "$(asked '^login')"
azure account https://dev.azure.com '"serviceAccountName": "robot"'
check_soon "a ServiceAccount without its gate" 20 "True/FeatureGateDisabled" cond account Stalled

check_eq "every request was right" "" "$(curl -s "$CONTROL/wrong")"
k get gitrepositories,events -o json >"$H_TMP/said"
curl -s "$CONTROL/secrets" >"$H_TMP/secrets"
h_stop "$CONTROLLER_PID"
check_eq "no secret in logs at trace level, conditions and events" "" \
	"$(cat "$H_TMP/log/azure.err" "$H_TMP/log/azure.out" "$H_TMP/said" | grep -oF -f "$H_TMP/secrets" | sort -u | head -n 3)"
h_finish
