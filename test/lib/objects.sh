# What is asked of an OCIRepository again and again; sourced. A test whose objects are not in the default namespace has a get of its own.
get() { k get ocirepository "$1" -o json; }
field() { get "$1" | jq -r "$2"; }
message() { field "$1" '.status.conditions[]? | select(.type == "Ready") | .message'; }
# outcome NAME: what Ready says about the generation there is now ("True Succeeded"); empty while it is about an older one.
outcome()
{
	field "$1" '.metadata.generation as $g | .status.conditions[]? | select(.type == "Ready" and .observedGeneration == $g and .status != "Unknown") | "\(.status) \(.reason)"'
}
