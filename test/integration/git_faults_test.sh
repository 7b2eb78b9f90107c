#!/usr/bin/env bash
# GitRepositories of servers and repositories that do harm: signatures that do not fit what they
# sign, servers that are silent, late, or lie, trees that no disk should see, includes in a ring.
# Each is refused with a reason, and its neighbours go on. Each check names its case.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/git.sh"
. "$H_ROOT/test/lib/gitrepository.sh"

h_git_start git
h_git_init app main
APP=$GIT_WORK/app
echo a >"$APP/a"
h_git_push app main first
C1=$GIT_COMMIT
LIAR=127.0.0.1:$(h_free_port)
h_spawn liar python3 "$H_ROOT/test/lib/git_liar.py" "${LIAR#*:}" "http://$GIT/git"
h_until 20 curl -sf -o /dev/null "http://$LIAR/true/app.git/info/refs?service=git-upload-pack" ||
	h_die "the liar does not answer"
mkdir "$H_TMP/objects"
# Nobody who fails comes again by himself, but those who wait for others.
start()
{
	h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store" --requeue-dependency=1s \
		--min-retry-delay=10m --artifact-max-entries=50000 --artifact-max-expanded-size=64Mi \
		--artifact-max-size=1Mi
	ART=$(h_address src artifacts)
}
start
main='"ref": {"branch": "main"}'
at() { repo "$1" "{\"url\": \"http://$2/app.git\", \"timeout\": \"${3:-60s}\", $main}" >/dev/null; }

# ---- a byte is another one ---------------------------------------------------------------------------------------------
# tampered KIND OBJECT: the object with another word in its message; its signature is the old one.
tampered() { g app cat-file "$1" "$2" | sed 's/words of the signer/words of another/' | g app hash-object -w -t "$1" --stdin; }
verify() { repo "$1" "{\"ref\": $2, \"verify\": {\"mode\": \"$3\", \"secretRef\": {\"name\": \"$4\"}}}" >/dev/null; }
# signs NAME OPTIONS...: branch and tag NAME, signed; NAME-bad: tampered with.
signs()
{
	local name=$1

	shift
	git -C "$APP" "$@" commit -q --allow-empty -S -m "words of the signer" &&
		git -C "$APP" "$@" tag -s "$name" -m "words of the signer" &&
		git -C "$APP" push -q origin "HEAD:refs/heads/$name" "refs/tags/$name" || h_die "nothing is signed"
	g app update-ref "refs/heads/$name-bad" "$(tampered commit "refs/heads/$name")"
	g app update-ref "refs/tags/$name-bad" "$(tampered tag "refs/tags/$name")"
	git -C "$APP" reset -q --hard "$C1"
	check_ne "GR-11 $name: it is another object" "$(g app rev-parse "refs/tags/$name")" "$(g app rev-parse "refs/tags/$name-bad")"
	verify "$name" "{\"branch\": \"$name\"}" HEAD "$name"
	verify "$name-head" "{\"branch\": \"$name-bad\"}" HEAD "$name"
	verify "$name-tag" "{\"tag\": \"$name-bad\"}" Tag "$name"
	verify "$name-both" "{\"tag\": \"$name-bad\"}" TagAndHEAD "$name"
	check_soon "GR-11 $name: as it was signed" 20 "True/Succeeded" cond "$name" SourceVerified
	check_soon "GR-11 $name: a tampered commit" 20 "False/InvalidCommitSignature" cond "$name-head" SourceVerified
	check_soon "GR-11 $name: a tampered tag" 20 "False/InvalidTagSignature" cond "$name-tag" SourceVerified
	check_soon "GR-11 $name: a tampered tag of a good commit" 20 "False/InvalidTagSignature" cond "$name-both" SourceVerified
	for n in head tag both; do check_eq "GR-11 $name-$n: no artifact" - "$(ready "$name-$n" | cut -d ' ' -f 2)"; done
}
ssh-keygen -q -t ed25519 -N '' -f "$H_TMP/signer"
secret ssh --from-file=a.sshpub="$H_TMP/signer.pub"
signs ssh -c gpg.format=ssh -c user.signingkey="$H_TMP/signer"
if command -v gpg >/dev/null && command -v gpgv >/dev/null; then
	export GNUPGHOME=$H_TMP/gnupg
	mkdir -m 700 "$GNUPGHOME"
	gpg -q --batch --passphrase '' --quick-gen-key "pgp <pgp@example.com>" ed25519 sign never 2>/dev/null
	gpg -q --armor --export pgp@example.com >"$H_TMP/pgp.asc"
	secret pgp --from-file=key.asc="$H_TMP/pgp.asc"
	signs pgp -c user.signingkey=pgp@example.com
	gpgconf --kill all
fi

# ---- servers -----------------------------------------------------------------------------------------------------------
head -c 200000 /dev/urandom >"$APP/noise"
h_git_push app late
LATE=$GIT_COMMIT
for o in silent late; do at $o "$LIAR/true"; done
for o in silent late; do check_soon "$o: an artifact" 20 "True/Succeeded main@sha1:$C1" ready $o; done
at silent "$LIAR/silent" 1s
repo late "{\"url\": \"http://$GIT/drip/app.git\", \"timeout\": \"2s\", \"ref\": {\"branch\": \"late\"}}" >/dev/null
at flip "$LIAR/flip"
at cut "$LIAR/cut"
check_soon "GR-15 a server that says nothing" 20 "False/GitOperationFailed main@sha1:$C1" ready silent
check_has "GR-15 how long it was waited for" "no whole answer within 1s" "$(message silent Ready)"
check_soon "GR-15 a server that is late with the objects" 20 "False/GitOperationFailed main@sha1:$C1" ready late
check_has "GR-15 how long it was waited for, too" "no whole answer within 2s" "$(message late Ready)"
for o in silent late; do
	check_eq "GR-15 $o: the artifact stays" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$(artifact $o url)")"
done
for o in flip cut; do check_soon "GR-20 a pack that is no good: $o" 20 "False/GitOperationFailed -" ready $o; done
at silent "$LIAR/true"
check_soon "GR-15 it answers again" 20 "True/Succeeded main@sha1:$C1" ready silent

# ---- trees -------------------------------------------------------------------------------------------------------------
h_git_init bad main
# branch_of NAME: of the tree on stdin, as bytes.
branch_of()
{
	local tree

	tree=$(g bad hash-object -w --literally -t tree --stdin) &&
		g bad update-ref "refs/heads/$1" "$(g bad commit-tree -m "$1" "$tree")" || h_die "no tree $1"
}
# entries BLOB NAME...: "N*" for N files.
entries()
{
	python3 - "$@" <<-'PY'
	import sys
	blob = bytes.fromhex(sys.argv[1])
	for name in sys.argv[2:]:
	    n = int(name[:-1]) if name.endswith("*") else 0
	    for one in [f"{i:06}" for i in range(n)] or [name]:
	        sys.stdout.buffer.write(b"100644 " + one.encode() + b"\0" + blob)
	PY
}
blob=$(echo a | g bad hash-object -w --stdin)
zeros=$(head -c 100000000 /dev/zero | g bad hash-object -w --stdin)
names=(.. . .git .GIT '.git ' GIT~1 'a\b')
for i in "${!names[@]}"; do entries "$blob" "${names[i]}" | branch_of "name$i"; done
entries "$blob" 100000* | branch_of many
entries "$zeros" zeros | branch_of bomb
bad() { repo "$1" "{\"url\": \"http://$GIT/git/bad.git\", \"ref\": {\"branch\": \"$1\"}}" >/dev/null; }
for i in "${!names[@]}"; do bad "name$i"; done
bad many
bad bomb
for i in "${!names[@]}"; do
	check_soon "GR-20 a file '${names[i]}'" 20 "False/GitOperationFailed -" ready "name$i"
	check_has "GR-20 '${names[i]}' is named" "'${names[i]/\\/\\x5c}'" "$(message "name$i" Ready)"
done
check_soon_match "GR-20 100,000 files" 20 "^False/[A-Za-z]+ -$" ready many
check_has "GR-20 that is why" "too many files and folders" "$(message many Ready)"
check_soon_match "GR-20 a large file in a small pack" 20 "^False/[A-Za-z]+ -$" ready bomb
check_match "GR-20 and how large it may be" "67108864|64(\.0)? MiB" "$(message bomb Ready)"
h_git_push app main "meanwhile"
again silent
check_eq "GR-20 others go on" "True/Succeeded main@sha1:$GIT_COMMIT" "$(ready silent)"

# ---- submodules --------------------------------------------------------------------------------------------------------
# super NAME ROWS LINKS FILES [COMMIT URL]: a commit with a .gitmodules of so many rows, so many gitlinks, and so many files
# beside them.
super()
{
	local file links commit=${5:-$C1} url=${6:-../app.git}

	file=$(for ((n = 0; n < $2; n++)); do printf '[submodule "m%d"]\n\tpath = lib/m%04d\n\turl = %s\n' $n $n "$url"; done |
		g bad hash-object -w --stdin)
	links=$({
		for ((n = 0; n < $3; n++)); do printf '160000 commit %s\tm%04d\n' "$commit" $n; done
		for ((n = 0; n < $4; n++)); do printf '100644 blob %s\tx%06d\n' "$blob" $n; done
	} | g bad mktree --missing)
	SUPER=$(printf '100644 blob %s\t.gitmodules\n040000 tree %s\tlib\n' "$file" "$links" | g bad mktree) &&
		SUPER=$(g bad commit-tree -m "$1" "$SUPER") && g bad update-ref "refs/heads/$1" "$SUPER" || h_die "no commit $1"
	repo "$1" "{\"url\": \"http://$GIT/git/bad.git\", \"ref\": {\"branch\": \"$1\"}, \"recurseSubmodules\": true}" >/dev/null
}
cpu() { curl -s "http://$(h_address_now src metrics)/metrics" | awk '$1 == "process_cpu_seconds_total" { printf "%d\n", $2 * 1000 }'; }
super few 11 11 0
check_soon_match "GR-09 eleven submodules" 20 "^True/Succeeded few@" ready few
check_has "GR-09 each with its files" "lib/m0000/a lib/m0001/a" "$(files few)"
super nested 1000 1000 0 "$SUPER" ../bad.git
super large 11 11 0 "$LATE"
super rows 1001 1001 0
super metadata 1 1 0 "$C1" http://169.254.169.254/latest.git
check_soon "GR-09 a submodule of a cloud's metadata" 20 "False/GitOperationFailed -" ready metadata
check_has "GR-09 may not be asked for" "is a link-local address, where this server may not send us" "$(message metadata Ready)"
check_soon "GR-09 1,000 submodules with some of their own" 20 "False/GitOperationFailed -" ready nested
check_has "GR-09 how many may be in all" "more than 1000 submodules" "$(message nested Ready)"
check_soon "GR-09 submodules of 200 KB" 20 "False/GitOperationFailed -" ready large
check_has "GR-09 how large they may be in all" "submodules have more than 1048576 bytes in all" "$(message large Ready)"
check_soon "GR-09 1,001 rows" 20 "False/GitOperationFailed -" ready rows
check_has "GR-09 that is why" "too many modules" "$(message rows Ready)"
before=$(cpu)
super stale 1000 0 40000
check_soon_match "GR-09 1,000 that were left behind" 60 "^True/Succeeded stale@" ready stale
check_le "GR-09 a folder is read once, not for each of them (ms of CPU)" 5000 $(($(cpu) - before))

# ---- includes ----------------------------------------------------------------------------------------------------------
including() { repo "$1" "{$main, \"include\": [{\"repository\": {\"name\": \"$2\"}}]}" >/dev/null; }
including me me
check_soon "GR-08 a GitRepository that includes itself" 20 "True/IncludeCycle" cond me IncludeUnavailable
check_has "GR-08 says so" "an include leads back to this object: me -> me" "$(message me Ready)"
for o in one two three; do repo $o "{$main}" >/dev/null; done
for o in one two three; do check_soon "GR-08 $o without includes" 20 "True/Succeeded main@sha1:$GIT_COMMIT" ready $o; done
including one two
including two three
check_soon_match "GR-08 one has two, and two has three" 20 'two/three/a' files one
digest=$(artifact two digest)
including three one
for o in one two three; do
	check_soon "GR-08 a ring of three: $o" 20 "True/IncludeCycle" cond $o IncludeUnavailable
done
check_has "GR-08 the ring is named" "one -> two -> three -> one" "$(message one Ready)"
check_eq "GR-08 the artifact stays" "$digest" "$(artifact two digest)"
writes() { for o in one two three; do field $o .metadata.resourceVersion; done; }
before=$(writes)
again silent
again silent
check_eq "GR-08 nothing moves in the ring" "$before" "$(writes)"
repo three "{$main}" >/dev/null
for o in one two three; do
	check_soon "GR-08 the ring is open: $o" 20 "True/Succeeded main@sha1:$GIT_COMMIT" ready $o
done

# A start without the files of what is included, and of who includes.
digest=$(artifact one digest)
h_stop "$CONTROLLER_PID"
rm -rf "$H_TMP/store/gitrepository/default"/{one,two,three}
start
check_soon "GR-23 with what was included" 20 "$digest" served one
for o in two three; do check_soon "GR-23 $o, too" 20 "$(artifact $o digest)" served $o; done
h_stop "$CONTROLLER_PID"
rm -rf "$H_TMP/store/gitrepository/default/two"
h_stop "$GIT_PID" >/dev/null
start
check_soon "GR-23 nobody has what was included: the artifact is there" 20 "$digest" served one
h_finish
