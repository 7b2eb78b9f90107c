# shellcheck shell=bash
# gitrepository.sh: what the tests of GitRepositories ask of them again and again; after parts.sh and git.sh. ART is the address of artifacts.
# repo NAME SPEC: the URL is app's unless the spec has one.
repo()
{
	jq -n --arg name "$1" --arg url "http://$GIT/git/app.git" --argjson spec "$2" \
		'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "GitRepository",
		metadata: {name: $name}, spec: ({interval: "1h", url: $url} + $spec)}' |
		k apply -f - 2>&1
}
field() { k get gitrepository "$1" -o json | jq -r "$2"; }
# ready NAME: status and reason of Ready for the generation that is there, and the revision.
ready()
{
	field "$1" '.metadata.generation as $g | [(.status.conditions[]? |
		select(.type == "Ready" and .observedGeneration == $g) |
		.status + "/" + .reason), .status.artifact.revision // "-"] | join(" ")'
}
cond() { field "$1" ".status.conditions[]? | select(.type == \"$2\") | .status + \"/\" + .reason"; }
message() { field "$1" ".status.conditions[]? | select(.type == \"$2\") | .message"; }
artifact() { field "$1" .status.artifact."$2"; }
look() { k annotate --overwrite gitrepository "$1" "reconcile.fluxcd.io/requestedAt=$(h_now_ms)" >/dev/null; }
handled() { field "$1" '.metadata.annotations["reconcile.fluxcd.io/requestedAt"] == .status.lastHandledReconcileAt'; }
again() { look "$1" && h_until 20 handled_is "$1"; }
# event_of NAME REASON: the first one's message.
event_of()
{
	k get events -o json | jq -r --arg n "$1" --arg r "$2" \
		'first(.items[] | select(.involvedObject.name == $n and .reason == $r) | .message)'
}
observed() { field "$1" .status.observedIgnore | head -n 1; }
served() { curl -s --max-time 30 "http://$ART/$(artifact "$1" path)" | sha256sum | sed 's/^\(.*\)  -$/sha256:\1/'; }
handled_is() { [ "$(handled "$1")" = true ]; }
# files NAME: not the folders.
files() { curl -sf "$(artifact "$1" url)" | tar tzv | awk '!/^d/ { print $6 }' | sort | xargs; }
secret() { k create secret generic "$@" >/dev/null || h_die "cannot make the Secret $1"; }
