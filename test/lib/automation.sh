# shellcheck shell=bash
# automation.sh: what the tests of ImageUpdateAutomation share: the embedded API, a registry of tags, and git's own http-backend. After image.sh and git.sh.
#
#   a_start ARGS...                          all of it, with namespace $NS; a second call starts the controller again
#   a_source NAME URL [BRANCH] [MORE]        a GitRepository; MORE: members of its spec, as JSON
#   automation NAME SOURCE [GIT] [MORE]      an ImageUpdateAutomation of the seed's form; members of spec.git and of spec
#   a_tree REPO TAG                          fills a work tree: three markers, and files that are none of ours
#   a_repo REPO BRANCH TAG                   a bare repository with that tree
#   file REPO BRANCH [PATH]; new_tag REPO BRANCH; head_of REPO BRANCH
#   status NAME MEMBER; said NAME            of an automation; its Events
A_TEMPLATE='{{ range $resource, $changes := .Changed.Objects -}}
- {{ $resource.Kind }} {{ $resource.Name }}: {{ range $_, $change := $changes }}{{ $change.OldValue }} -> {{ $change.NewValue }}{{ end }}
{{ end -}}'
A_AUTHOR='{"name": "fluxcdbot", "email": "fluxcdbot@users.noreply.github.com"}'
A_KINDS=ImageRepository,ImagePolicy,ImageUpdateAutomation,Receiver

a_start()
{
	if [ -z "${GIT_PID:-}" ]; then
		h_git_start git
		i_tags_start
	fi
	i_start --kinds="$A_KINDS" "$@"
	k create namespace "$NS" >/dev/null 2>&1
	h_until 5 k get namespace "$NS" || h_die "cannot create the namespace"
}

a_source()
{
	jq -n --arg name "$1" --arg url "$2" --arg branch "${3:-staging}" --argjson more "${4:-"{}"}" \
		'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "GitRepository", metadata: {$name}, spec: ({interval: "1h", url: $url, ref: {branch: $branch}} + $more)}' |
		kn apply -f - >/dev/null || h_die "cannot apply GitRepository $1"
}

automation()
{
	apply ImageUpdateAutomation "$1" "$(jq -cn --arg source "$2" --argjson author "$A_AUTHOR" --arg template "$A_TEMPLATE" \
		--argjson git "${3:-"{}"}" --argjson more "${4:-"{}"}" \
		'{interval: "1h", sourceRef: {kind: "GitRepository", name: $source}, git: ({commit: {author: $author, messageTemplate: $template}} * $git)} + $more')"
}

a_tree()
{
	local dir=$GIT_WORK/$1

	mkdir -p "$dir/apps/web" "$dir/other"
	cat >"$dir/apps/web/kustomization.yaml" <<-EOF
	apiVersion: kustomize.config.k8s.io/v1beta1
	kind: Kustomization
	metadata:
	    name:   web # odd blanks stay
	images:
	- name: web
	  newName: $TAGS/old # {"\$imagepolicy": "$NS:app:name"}
	  newTag: $2 # {"\$imagepolicy": "$NS:app:tag"}
	EOF
	printf '\357\273\277a: b\r\nimage: x # {"$imagepolicy": "%s:none"}\r\n' "$NS" >"$dir/apps/web/odd.yaml"
	printf 'image: %s # {"$imagepolicy": "%s:app"}\n' "$2" "$NS" >"$dir/other/notes.txt"
	head -c 100000 /dev/urandom >"$dir/other/big.bin"
}

a_repo()
{
	h_git_init "$1" "$2"
	a_tree "$1" "$3"
	h_git_push "$1" "$2" first
}

file() { g "$1" show "$2:${3:-apps/web/kustomization.yaml}" 2>&1; }
head_of() { g "$1" rev-parse "refs/heads/$2" 2>&1; }
new_tag() { file "$1" "$2" | sed -n 's/^  newTag: \([^ ]*\).*/\1/p'; }
status() { field imageupdateautomation "$1" ".status.$2 // empty"; }
# Of one that is tried again, and has not observed its generation.
ready_now() { field imageupdateautomation "$1" '.status.conditions[]? | select(.type == "Ready" and .status != "Unknown") | "\(.status) \(.reason)"'; }
woken() { kn get gitrepository "$1" -o json | jq '.metadata.annotations["reconcile.fluxcd.io/requestedAt"] != null'; }
ready() { outcome imageupdateautomation "$1"; }
said() { kn get events -o json | jq -r --arg name "$1" '[.items[] | select(.involvedObject.name == $name)] | sort_by(.lastTimestamp) | .[] | "\(.type) \(.reason) \(.message)"'; }
