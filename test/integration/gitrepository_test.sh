#!/usr/bin/env bash
# GitRepositories against git's own http-backend and OpenSSH's server: references, credentials, what
# goes into the artifact, signatures, restores. Each check names its case.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/git.sh"
. "$H_ROOT/test/lib/sshd.sh"
. "$H_ROOT/test/lib/gitrepository.sh"

h_git_start git
h_git_init app main
APP=$GIT_WORK/app
mkdir -p "$APP/deploy/base" "$APP/docs" "$APP/empty"
echo 'kind: A' >"$APP/deploy/a.yaml"
echo 'kind: B' >"$APP/deploy/base/b.yaml"
echo text >"$APP/docs/readme.txt"
printf '#!/bin/sh\n' >"$APP/deploy/run.sh"
chmod 755 "$APP/deploy/run.sh"
ln -s deploy/a.yaml "$APP/link"
echo picture >"$APP/docs/logo.png"
printf '/docs/hidden\n' >"$APP/.sourceignore"
echo secret >"$APP/docs/hidden"
h_git_push app main "first: what was there at the beginning, and a text that is too long"
C1=$GIT_COMMIT
tag() { git -C "$APP" tag "$@" && git -C "$APP" push -q origin --tags; }
tag v1.0.0
tag -a v1.1.0 -m annotated

mkdir "$H_TMP/objects"
h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store" --requeue-dependency=1s
ART=$(h_address src artifacts)

# ---- references ------------------------------------------------------------------------------------------------------
repo branch '{"ref": {"branch": "main"}}' >/dev/null
check_soon "GR-01 a branch" 20 "True/Succeeded main@sha1:$C1" ready branch
check_eq "GR-01 the path" "gitrepository/default/branch/$C1.tar.gz" "$(artifact branch path)"
check_eq "GR-01 no URL of the latest one" null "$(field branch .status.url)"
check_eq "GR-01 the condition" "stored artifact for revision 'main@sha1:$C1'" "$(message branch Ready)"
check_eq "GR-01 digest and size" "$(artifact branch digest) $(artifact branch size)" \
	"$(curl -sf "$(artifact branch url)" | tee "$H_TMP/a.tgz" | sha256sum | sed 's/^\(.*\)  -$/sha256:\1/') $(stat -c %s "$H_TMP/a.tgz")"
check_eq "GR-06 GR-07 files" \
	".sourceignore deploy/a.yaml deploy/base/b.yaml deploy/run.sh docs/logo.png docs/readme.txt" \
	"$(files branch)"
check_has "GR-07 the x bit stays" "-rwx------" "$(tar tvzf "$H_TMP/a.tgz" | grep run.sh)"
check_soon "an Event" 10 "stored artifact for commit 'first: what was there at the beginning, and a text...'" \
	event_of branch NewArtifact
repo tag '{"ref": {"tag": "v1.0.0"}}' >/dev/null
repo annotated '{"ref": {"tag": "v1.1.0"}}' >/dev/null
repo semver '{"ref": {"semver": "1.x"}}' >/dev/null
repo name '{"ref": {"name": "refs/heads/main"}}' >/dev/null
repo commit "{\"ref\": {\"commit\": \"$C1\"}}" >/dev/null
repo both "{\"ref\": {\"commit\": \"$C1\", \"branch\": \"main\"}}" >/dev/null
repo all "{\"ref\": {\"commit\": \"$C1\", \"name\": \"refs/none\", \"semver\": \"9\", \"tag\": \"x\", \"branch\": \"main\"}}" >/dev/null
repo three '{"ref": {"semver": "1.0.x", "tag": "x", "branch": "none"}}' >/dev/null
repo master '{}' >/dev/null
check_soon "GR-01 a light tag" 20 "True/Succeeded v1.0.0@sha1:$C1" ready tag
check_soon "GR-01 an annotated tag is its commit" 20 "True/Succeeded v1.1.0@sha1:$C1" ready annotated
check_soon "GR-01 a range" 20 "True/Succeeded v1.1.0@sha1:$C1" ready semver
check_soon "GR-01 a name" 20 "True/Succeeded refs/heads/main@sha1:$C1" ready name
check_soon "GR-01 a commit" 20 "True/Succeeded sha1:$C1" ready commit
check_soon "GR-01 a commit and its branch" 20 "True/Succeeded main@sha1:$C1" ready both
check_soon "GR-02 the commit before all" 20 "True/Succeeded main@sha1:$C1" ready all
check_soon "GR-02 the range before the tag" 20 "True/Succeeded v1.0.0@sha1:$C1" ready three
check_soon "GR-01 GR-15 master is not there" 20 "False/GitOperationFailed -" ready master
# It would go on asking.
k delete gitrepository master --timeout=20s >/dev/null

# ---- nothing new -----------------------------------------------------------------------------------------------------
for o in branch tag name semver commit; do
	time=$(artifact $o lastUpdateTime)
	h_git_mark git
	again $o
	case $o in
	branch | tag | name) check_eq "GR-03 unchanged $o: one question" 1 "$(h_git_asked git)" ;;
	semver) check_eq "GR-04 unchanged semver: one question" 1 "$(h_git_asked git)" ;;
	commit) check_eq "GR-04 unchanged commit: none" 0 "$(h_git_asked git)" ;;
	esac
	check_eq "and nothing was fetched for $o" "$time" "$(artifact $o lastUpdateTime)"
done

# ---- something new ---------------------------------------------------------------------------------------------------
echo 'kind: C' >"$APP/deploy/c.yaml"
h_git_push app main second
C2=$GIT_COMMIT
again branch
check_eq "GR-19 a new commit" "True/Succeeded main@sha1:$C2" "$(ready branch)"
git -C "$APP" reset -q --hard "$C1"
h_git_push app main "another second"
C3=$GIT_COMMIT
again branch
check_eq "GR-19 the branch was forced back" "True/Succeeded main@sha1:$C3" "$(ready branch)"
old=$(artifact branch digest)
repo branch '{"ref": {"branch": "main"}, "ignore": "/deploy/base\n/docs\n!/docs/readme.txt\n"}' >/dev/null
check_soon "GR-05 other rules" 20 "/deploy/base" observed branch
check_eq "GR-05 the same path" "gitrepository/default/branch/$C3.tar.gz" "$(artifact branch path)"
check_ne "GR-05 another digest" "$old" "$(artifact branch digest)"
check_eq "GR-06 a file is included again" \
	".sourceignore deploy/a.yaml deploy/run.sh docs/readme.txt" "$(files branch)"
repo branch '{"ref": {"branch": "main"}}' >/dev/null
check_soon "GR-05 and back" 20 "$old" artifact branch digest

# ---- folders, includes, submodules -----------------------------------------------------------------------------------
repo sparse '{"ref": {"branch": "main"}, "sparseCheckout": ["./deploy/base"]}' >/dev/null
repo missing '{"ref": {"branch": "main"}, "sparseCheckout": ["nowhere"]}' >/dev/null
check_soon "GR-10 a folder" 20 "True/Succeeded main@sha1:$C3" ready sparse
check_has "GR-10 it alone" "deploy/base/b.yaml" "$(files sparse)"
check_hasnt "GR-10 not what is beside it" "deploy/a.yaml" "$(files sparse)"
check_soon "GR-10 one that is not there" 20 "False/GitOperationFailed -" ready missing
repo host '{"ref": {"branch": "main"}, "include": [{"repository": {"name": "part"}, "fromPath": "deploy"},
	{"repository": {"name": "part"}, "fromPath": "docs", "toPath": "x/y"}]}' >/dev/null
check_soon "GR-08 an include that is not there" 20 "True/NotFound" cond host IncludeUnavailable
repo part '{"ref": {"tag": "v1.0.0"}}' >/dev/null
check_soon "GR-08 once it is" 20 "True/Succeeded main@sha1:$C3" ready host
check_has "GR-08 toPath is the name by default" "part/a.yaml part/base/b.yaml part/run.sh" "$(files host)"
check_has "GR-08 or as it is given" "x/y/readme.txt" "$(files host)"
check_eq "GR-08 what is included" "v1.0.0@sha1:$C1" "$(field host '.status.includedArtifacts[0].revision')"
old=$(artifact host digest)
repo part '{"ref": {"branch": "main"}, "ignore": "/deploy/base"}' >/dev/null
check_soon "GR-08 it changes" 20 "main@sha1:$C3" field host '.status.includedArtifacts[0].revision'
check_ne "GR-08 so does the artifact" "$old" "$(artifact host digest)"

h_git_init sub main
echo of-sub >"$GIT_WORK/sub/s.yaml"
h_git_push sub main sub
h_git_init super main
(cd "$GIT_WORK/super" && git -c protocol.file.allow=always submodule -q add "$GIT_ROOT/sub.git" lib/sub &&
	git config -f .gitmodules submodule.lib/sub.url ../sub.git) || h_die "no submodule"
echo a >"$GIT_WORK/super/a.yaml"
echo picture >"$GIT_WORK/super/a.png"
h_git_push super main super
repo plain "{\"url\": \"http://$GIT/git/super.git\", \"ref\": {\"branch\": \"main\"}}" >/dev/null
repo super "{\"url\": \"http://$GIT/basic/super.git\", \"ref\": {\"branch\": \"main\"}, \"recurseSubmodules\": true, \"secretRef\": {\"name\": \"basic\"}}" >/dev/null
secret basic --from-literal=username=$GIT_USER --from-literal=password=$GIT_WORD
check_soon "GR-09 submodules, with the same credentials" 20 "True/Succeeded main@sha1:$GIT_COMMIT" ready super
check_has "GR-09 their files" "lib/sub/s.yaml" "$(files super)"
check_soon "GR-07 without recurseSubmodules" 20 "True/Succeeded main@sha1:$GIT_COMMIT" ready plain
check_eq "GR-06 GR-07 a gitlink is left out, and what is by default" a.yaml "$(files plain)"

# ---- credentials -----------------------------------------------------------------------------------------------------
secret wrong --from-literal=username=$GIT_USER --from-literal=password=guess
secret token --from-literal=bearerToken=$GIT_TOKEN
secret twice --from-literal=bearerToken=$GIT_TOKEN --from-literal=username=a --from-literal=password=b
secret half --from-literal=password=$GIT_WORD
secret ca --from-literal=username=$GIT_USER --from-literal=password=$GIT_WORD --from-file=ca.crt="$GIT_CA" \
	--from-file=caFile=/dev/null
secret mtls --from-file=ca.crt="$GIT_CA" --from-file=tls.crt="$GIT_CLIENT_CERT" --from-file=tls.key="$GIT_CLIENT_KEY"
secret app --from-literal=githubAppID=1 --from-literal=githubAppPrivateKey=x
main='"ref": {"branch": "main"}'
as() { repo "$1" "{\"url\": \"$2\", $main, \"secretRef\": {\"name\": \"$3\"}}" >/dev/null; }
as basic "http://$GIT/basic/app.git" basic
as bearer "http://$GIT/bearer/app.git" token
as tls "https://$GIT_TLS/basic/app.git" ca
as mtls "https://$GIT_MTLS/git/app.git" mtls
as none "http://$GIT/basic/app.git" absent
as wrong "http://$GIT/basic/app.git" wrong
as twice "http://$GIT/bearer/app.git" twice
as half "http://$GIT/basic/app.git" half
as fill "http://$GIT_USER@$GIT/basic/app.git" half
as app "http://$GIT/git/app.git" app
as away "http://$GIT/away/app.git" basic
repo url "{\"url\": \"http://$GIT_USER:$GIT_WORD@$GIT/basic/app.git\", $main}" >/dev/null
repo github "{$main, \"provider\": \"github\"}" >/dev/null
ok="True/Succeeded main@sha1:$C3"
check_soon "user and password" 20 "$ok" ready basic
check_soon "a token" 20 "$ok" ready bearer
check_soon "a CA of the Secret" 20 "$ok" ready tls
check_soon "a client's certificate" 20 "$ok" ready mtls
check_soon "credentials of the URL" 20 "$ok" ready url
check_soon "the URL fills what the Secret lacks" 20 "$ok" ready fill
check_soon "GR-16 no Secret" 20 "False/AuthenticationFailed -" ready none
check_soon "GR-16 a wrong one" 20 "False/AuthenticationFailed -" ready wrong
check_soon "GR-16 token and password" 20 "False/AuthenticationFailed -" ready twice
check_soon "GR-16 a password alone" 20 "False/AuthenticationFailed -" ready half
check_has "GR-16 and what is missing" "'password' requires 'username' to be set" "$(message half Ready)"
check_soon "GR-18 an App without its provider" 20 "False/InvalidProviderConfiguration -" ready app
check_soon "GR-18 the provider without a Secret" 20 "True/InvalidProviderConfiguration" cond github Stalled
check_soon "GR-21 a redirect is followed" 20 "$ok" ready away
check_eq "GR-21 without credentials" 0 "$(h_git_lines git | awk '$7 == "auth" && $8 ~ "^/git/"' | wc -l)"
k create secret generic wrong --from-literal=username=$GIT_USER --from-literal=password=$GIT_WORD --dry-run=client -o yaml |
	k apply -f - >/dev/null 2>&1
check_soon "a Secret that was put right counts at once" 20 "$ok" ready wrong

sshd_start git
sshd_key git alice ed25519
sshd_key git bob ed25519 'some words'
ssh_url=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$GIT_ROOT/app.git
secret alice --from-file=identity="$SSHD_DIR/alice" --from-file=known_hosts="$SSHD_KNOWN_HOSTS"
secret bob --from-file=identity="$SSHD_DIR/bob" --from-file=known_hosts="$SSHD_KNOWN_HOSTS" --from-literal=password='some words'
secret locked --from-file=identity="$SSHD_DIR/bob" --from-file=known_hosts="$SSHD_KNOWN_HOSTS"
secret stranger --from-file=identity="$SSHD_DIR/alice"
for s in alice bob locked stranger; do as "ssh-$s" "$ssh_url" $s; done
check_soon "ssh" 20 "$ok" ready ssh-alice
check_soon "ssh with a passphrase" 20 "$ok" ready ssh-bob
check_soon "GR-16 without it" 20 "False/AuthenticationFailed -" ready ssh-locked
check_soon "GR-16 ssh without known_hosts" 20 "False/AuthenticationFailed -" ready ssh-stranger
sshd_new_host_key git
again ssh-alice
check_eq "GR-17 another host key is refused, and the artifact stays" "False main@sha1:$C3" "$(ready ssh-alice | sed 's|/[A-Za-z]*||')"

# ---- signatures ------------------------------------------------------------------------------------------------------
ssh-keygen -q -t ed25519 -N '' -f "$H_TMP/signer"
ssh-keygen -q -t ed25519 -N '' -f "$H_TMP/other"
signed() { git -C "$APP" -c gpg.format=ssh -c user.signingkey="$H_TMP/signer" "$@"; }
signed commit -q --allow-empty -S -m signed && git -C "$APP" push -q --force origin HEAD:refs/heads/signed
S1=$(git -C "$APP" rev-parse HEAD)
signed tag -s v2.0.0 -m signed && git -C "$APP" push -q origin --tags
secret keys --from-file=a.sshpub="$H_TMP/signer.pub"
secret others --from-file=a.sshpub="$H_TMP/other.pub"
verify() { repo "$1" "{\"ref\": $2, \"verify\": {\"mode\": \"$3\", \"secretRef\": {\"name\": \"$4\"}}}" >/dev/null; }
verify head '{"branch": "signed"}' HEAD keys
verify tagged '{"tag": "v2.0.0"}' Tag keys
verify two '{"semver": "2.x"}' TagAndHEAD keys
verify stranger '{"branch": "signed"}' HEAD others
verify tag-stranger '{"tag": "v2.0.0"}' Tag others
verify unsigned '{"branch": "main"}' HEAD keys
verify light '{"tag": "v1.0.0"}' Tag keys
verify nonsense '{"branch": "main"}' Tag keys
repo later '{"ref": {"branch": "signed"}}' >/dev/null
FP=$(ssh-keygen -lf "$H_TMP/signer.pub" | cut -d ' ' -f 2)
check_soon "GR-11 HEAD" 20 "True/Succeeded" cond head SourceVerified
check_eq "GR-11 by whom" "$(printf "verified signature of\n\t- commit '%s' with key '%s'" "$S1" "$FP")" "$(message head SourceVerified)"
check_eq "GR-11 the mode" HEAD "$(field head .status.sourceVerificationMode)"
check_soon "GR-11 Tag" 20 "True/Succeeded" cond tagged SourceVerified
check_has "GR-11 its name" "- tag 'v2.0.0@$(git -C "$APP" rev-parse v2.0.0)' with key '$FP'" "$(message tagged SourceVerified)"
check_soon "GR-11 TagAndHEAD" 20 "True/Succeeded" cond two SourceVerified
check_soon "GR-11 another key" 20 "False/InvalidCommitSignature" cond stranger SourceVerified
check_soon "GR-11 another key of a tag" 20 "False/InvalidTagSignature" cond tag-stranger SourceVerified
check_soon "GR-11 unsigned" 20 "False/InvalidCommitSignature" cond unsigned SourceVerified
check_soon "GR-11 an unsigned tag" 20 "False/InvalidGitObject" cond light SourceVerified
check_eq "GR-11 no artifact" - "$(ready stranger | cut -d ' ' -f 2)"
check_soon "GR-12 Tag of a branch" 20 "True/InvalidVerificationMode" cond nonsense Stalled
check_soon "not verified yet" 20 "True/Succeeded signed@sha1:$S1" ready later
time=$(artifact later lastUpdateTime)
verify later '{"branch": "signed"}' HEAD keys
check_soon "GR-13 verified later" 20 "True/Succeeded" cond later SourceVerified
check_eq "GR-13 with the same artifact" "$time" "$(artifact later lastUpdateTime)"
if command -v gpg >/dev/null && command -v gpgv >/dev/null; then
	export GNUPGHOME=$H_TMP/gnupg
	mkdir -m 700 "$GNUPGHOME"
	for who in pgp pgp-other; do
		gpg -q --batch --passphrase '' --quick-gen-key "$who <$who@example.com>" ed25519 sign never 2>/dev/null
		gpg -q --armor --export "$who@example.com" >"$H_TMP/$who.asc"
		secret "$who" --from-file=key.asc="$H_TMP/$who.asc"
	done
	git -C "$APP" -c user.signingkey=pgp@example.com commit -q --allow-empty -S -m pgp &&
		git -C "$APP" push -q --force origin HEAD:refs/heads/pgp
	gpgconf --kill all
	verify pgp '{"branch": "pgp"}' head pgp
	verify pgp-other '{"branch": "pgp"}' head pgp-other
	check_soon "GR-11 OpenPGP" 20 "True/Succeeded" cond pgp SourceVerified
	id=$(gpg --list-keys --with-colons pgp@example.com | awk -F: '/^pub/ {print $5; exit}')
	check_has "GR-11 its key" "with key '$id'" "$(message pgp SourceVerified)"
	check_soon "GR-11 another key of OpenPGP" 20 "False/InvalidCommitSignature" cond pgp-other SourceVerified
fi

# ---- what a server may be --------------------------------------------------------------------------------------------
h_git_init nothing main
git init -q --bare --object-format=sha256 -b main "$GIT_ROOT/new.git"
git init -q -b main --object-format=sha256 "$H_TMP/new" &&
	(cd "$H_TMP/new" && echo a >a && git add . && git commit -q -m a && git push -q "$GIT_ROOT/new.git" main) || h_die "no SHA-256"
at() { repo "$1" "{\"url\": \"$2\", $main}" >/dev/null; }
at empty "http://$GIT/git/nothing.git"
at gone "http://$GIT/git/gone.git"
at down "http://127.0.0.1:$(h_free_port)/app.git"
at v0 "http://$GIT/v0/app.git"
at simple "http://$GIT/plain/app.git"
at sha256 "http://$GIT/git/new.git"
at bad "ftp://$GIT/app.git" || :
repo old "{\"url\": \"http://$GIT/plain/app.git\", \"ref\": {\"commit\": \"$C1\", \"branch\": \"main\"}}" >/dev/null
check_soon "GR-14 an empty repository" 20 "False/EmptyGitRepository -" ready empty
check_soon "GR-15 no repository" 20 "False/GitOperationFailed -" ready gone
check_soon "GR-15 no server" 20 "False/GitOperationFailed -" ready down
check_soon "GR-22 protocol v0" 20 "$ok" ready v0
check_soon "GR-22 without filters" 20 "$ok" ready simple
check_soon "GR-22 a commit that nobody may ask for" 20 "True/Succeeded main@sha1:$C1" ready old
check_soon "GR-24 SHA-256" 20 "False/GitOperationFailed -" ready sha256
check_has "GR-24 says so" "SHA-256" "$(message sha256 Ready)"
at branch "http://$GIT/git/gone.git"
check_soon "GR-15 the repository goes" 20 "False/GitOperationFailed main@sha1:$C3" ready branch
check_eq "GR-15 the artifact stays" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$(artifact branch url)")"

# ---- suspend, restart, removal ---------------------------------------------------------------------------------------
at branch "http://$GIT/git/app.git"
check_soon "well again" 20 "$ok" ready branch
digest=$(artifact branch digest)
k patch gitrepository branch --type=merge -p '{"spec": {"suspend": true}}' >/dev/null
h_git_push app main "while it was suspended"
again branch
check_eq "suspended: nothing but the request is answered" "main@sha1:$C3" "$(artifact branch revision)"
h_stop "$CONTROLLER_PID"
rm -rf "$H_TMP/store/gitrepository/default/branch"
h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store" --requeue-dependency=1s
ART=$(h_address src artifacts)
check_soon "GR-23 the status's commit comes back" 20 "$digest" served branch
k patch gitrepository branch --type=merge -p '{"spec": {"suspend": false}}' >/dev/null
check_soon "resumed" 20 "True/Succeeded main@sha1:$GIT_COMMIT" ready branch
check_eq "columns" "NAME URL AGE READY STATUS" "$(k get gitrepo branch | head -n 1 | xargs)"
k delete gitrepository branch --timeout=20s >/dev/null
check_eq "its folder is gone" no "$([ -e "$H_TMP/store/gitrepository/default/branch" ] && echo yes || echo no)"
check_hasnt "no password in the log" "$GIT_WORD" "$(cat "$H_TMP/log/src.err")"
h_finish
