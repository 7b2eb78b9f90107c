#!/usr/bin/env bash
# test/image.sh: builds the Dockerfile's image with buildah on a Debian base made by debootstrap, so that no registry is needed, and runs the
# program from the image's root as Kubernetes would: uid 65534, read-only root, /data and /tmp writable. An artifact of the registry becomes
# Ready, and so does a Git repository over ssh, into which an automation has pushed a commit with an OpenPGP signature.
# Needs root. SUITE=bookworm takes Debian 12 as base. The base is kept in ~/.cache; everything else is temporary.
. "$(dirname "$0")/lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/git.sh"
. "$H_ROOT/test/lib/sshd.sh"

[ "$(id -u)" -eq 0 ] || h_die "make image needs root: debootstrap and the chroot do"
SUITE=${SUITE:-trixie}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/oci-source-controller-image
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs

# This machine's package sources, for another suite: used while building, never part of the image.
apt=$H_TMP/apt
mkdir -p "$apt"
cp -aL /etc/apt/. "$apt/"
rm -rf "$apt/sources.list" "$apt/preferences.d"
mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null)
[ -n "$mirror" ] || mirror=$(awk '/^deb / {print $2; exit}' /etc/apt/sources.list)
find "$apt/sources.list.d" -type f -delete
mkdir -p "$apt/preferences.d"
echo "deb $mirror $SUITE main" >"$apt/sources.list"

if [ ! -e "$cache/$SUITE.tar" ]; then
	echo "debootstrap $SUITE (once)"
	mkdir -p "$cache"
	debootstrap --variant=minbase "$SUITE" "$H_TMP/base" "$mirror" >"$H_TMP/log/debootstrap.out" 2>&1 || h_die "debootstrap failed"
	rm -rf "$H_TMP"/base/var/cache/apt/archives/*.deb "$H_TMP"/base/var/lib/apt/lists/*
	tar -C "$H_TMP/base" -cf "$cache/$SUITE.tar.new" . && mv "$cache/$SUITE.tar.new" "$cache/$SUITE.tar"
	rm -rf "$H_TMP/base"
fi

b() { buildah --root "$H_TMP/storage" --runroot "$H_TMP/runroot" --storage-driver vfs "$@"; }
base=$(b from scratch) || h_die "buildah from scratch failed"
b add -q "$base" "$cache/$SUITE.tar" / >/dev/null || h_die "buildah add failed"
b commit -q --rm "$base" "localhost/debian:$SUITE" >/dev/null || h_die "buildah commit failed"
echo "building the image on debian:$SUITE"
version=$(git -C "$H_ROOT" describe --tags --always --dirty 2>/dev/null || echo unknown)
b bud --pull-never --layers=false --volume "$apt:/etc/apt:ro" --build-arg "BASE=localhost/debian:$SUITE" --build-arg "VERSION=$version" \
	-t oci-source-controller "$H_ROOT" >"$H_TMP/log/bud.out" 2>&1 || h_die "buildah bud failed"

config=$(b inspect --type image oci-source-controller | jq -c .OCIv1.config)
check_eq "the image's user is a number" 65534:65534 "$(jq -r .User <<<"$config")"
check_eq "its entrypoint" '["/usr/bin/oci-source-controller"]' "$(jq -c .Entrypoint <<<"$config")"
container=$(b from --pull-never oci-source-controller)
root=$(b mount "$container")
for program in ssh gpgv gpg gpg-agent; do check_ok "$program is in the image" test -x "$root/usr/bin/$program"; done
check_eq "no compiler in the image" "" "$(find "$root/usr/bin" -name 'gcc*' -o -name 'cc' | head -n 1)"
check_eq "this machine's package sources are not in the image" "" "$(grep -rlF "$mirror" "$root/etc/apt" 2>/dev/null | grep -v '/sources.list$' | head -n 1)"

# in_image COMMAND...: in the image's root, read-only, with fresh /data and /tmp, as uid 65534 and without any capability. Every step is an
# exec, so the process that is started is the program in the end.
cat >"$H_TMP/in-namespace" <<'EOF'
#!/usr/bin/env bash
root=$1; shift
mount --bind "$root" "$root" && mount --make-private "$root" && mount -o remount,bind,ro "$root" &&
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
mount -t tmpfs -o mode=1777 tmpfs "$root/data" && mount -t tmpfs -o mode=1777 tmpfs "$root/tmp" &&
mount --bind "$OBJECTS" "$root/mnt" && mount -o remount,bind,ro "$root/mnt" &&
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/nonexistent chroot --userspec=65534:65534 --groups= "$root" "$@"
EOF
in_image() { "${H_UNSHARE[@]}" bash "$H_TMP/in-namespace" "$root" "$@"; }
export OBJECTS=$H_TMP/objects
mkdir "$OBJECTS"
chmod 755 "$H_TMP" "$OBJECTS"
check_fails "the root is read-only" in_image touch /etc/x
check_eq "and the user has no rights" "65534" "$(in_image id -u)"
check_eq "a version is printed" 0 "$(in_image /usr/bin/oci-source-controller --version >/dev/null 2>&1; echo $?)"

# The whole way, from the image's root: an artifact that the image's ocictl pushes becomes Ready and can be fetched.
h_registry_start registry
h_git_start git
sshd_start git
sshd_key git bot ed25519
cp -r "$H_ROOT/deploy/samples/app" "$OBJECTS/app"
check_ok "ocictl of the image pushes" in_image /usr/bin/ocictl push "oci://$REGISTRY/manifests/web:latest" --path=/mnt/app --source=s --revision=r
sed "s#REGISTRY#$REGISTRY#" "$H_ROOT/deploy/samples/latest.yaml" >"$OBJECTS/latest.yaml"
cp "$H_ROOT/deploy/samples/00-namespace.yaml" "$OBJECTS/"

# ssh, gpg and gpgv, each called by the program: the automation signs what it pushes, and nothing that is not signed with its key is served.
export GNUPGHOME=$H_TMP/gnupg
mkdir -m 700 "$GNUPGHOME"
gpg -q --batch --passphrase '' --quick-gen-key 'bot <bot@example.com>' ed25519 sign never 2>/dev/null || h_die "gpg makes no key"
key=$(gpg --list-keys --with-colons | awk -F: '/^pub/ {print $5; exit}')
h_git_init app main
mkdir "$GIT_WORK/app/apps"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  tag: none # {"$imagepolicy": "apps:web:tag"}\n' >"$GIT_WORK/app/apps/web.yaml"
h_git_push app main "not signed"
secret() { jq -n --arg n "$1" --rawfile v "$3" --rawfile w "${5:-/dev/null}" '{apiVersion: "v1", kind: "Secret", metadata: {name: $n, namespace: "apps"},
	stringData: ({($ARGS.positional[0]): $v} + if $ARGS.positional[1] then {($ARGS.positional[1]): $w} else {} end)}' --args "$2" ${4:+"$4"}; }
object() { jq -n --arg kind "$1" --arg api "$2" --argjson spec "$3" '{apiVersion: "\($api).toolkit.fluxcd.io/v1", $kind, metadata: {name: "web", namespace: "apps"}, $spec}'; }
secret ssh identity "$SSHD_DIR/bot" known_hosts "$SSHD_KNOWN_HOSTS" >"$OBJECTS/ssh.json"
secret signing git.asc <(gpg -q --batch --armor --export-secret-keys) >"$OBJECTS/signing.json"
secret keys bot.asc <(gpg -q --armor --export) >"$OBJECTS/keys.json"
object ImageRepository image "{\"image\": \"$REGISTRY/manifests/web\", \"interval\": \"1h\"}" >"$OBJECTS/images.json"
object ImagePolicy image '{"imageRepositoryRef": {"name": "web"}, "policy": {"alphabetical": {}}}' >"$OBJECTS/policy.json"
object GitRepository source "{\"url\": \"ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$GIT_ROOT/app.git\", \"interval\": \"1h\", \"ref\": {\"branch\": \"main\"},
	\"secretRef\": {\"name\": \"ssh\"}, \"verify\": {\"mode\": \"HEAD\", \"secretRef\": {\"name\": \"keys\"}}}" >"$OBJECTS/git.json"
object ImageUpdateAutomation image '{"interval": "1h", "sourceRef": {"kind": "GitRepository", "name": "web"}, "update": {"path": "./apps"},
	"git": {"checkout": {"ref": {"branch": "main"}}, "commit": {"author": {"name": "bot", "email": "bot@example.com"}, "signingKey": {"secretRef": {"name": "signing"}}}}}' >"$OBJECTS/update.json"
gpgconf --kill all
chmod -R a+rX "$OBJECTS"
echo 0 >"$H_TMP/controller.logstart"
h_spawn controller "${H_UNSHARE[@]}" bash "$H_TMP/in-namespace" "$root" /usr/bin/oci-source-controller --embedded=/mnt --state-dir=/data/state \
	--storage-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0 --health-addr=127.0.0.1:0 --receiverAddr=127.0.0.1:0
CONTROLLER_PID=$H_PID
artifacts=$(h_address controller artifacts) || h_die "the program does not run from the image's root"
health=$(h_address controller health)
h_address controller embedded-api >/dev/null || h_die "the embedded API does not listen"
api=$(sed -n 's/^ *server: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "/proc/$CONTROLLER_PID/root/data/state/kubeconfig" | head -n 1)
verified() { curl -s "$api/apis/source.toolkit.fluxcd.io/v1/namespaces/apps/gitrepositories/web" | jq -r '.status.conditions[]? | select(.type == "SourceVerified") | .message'; }
check_soon "healthy" 10 200 curl -s -o /dev/null -w '%{http_code}' "http://$health/healthz"
check_soon "ready" 30 200 curl -s -o /dev/null -w '%{http_code}' "http://$artifacts/"
path=ocirepository/apps/web-latest/latest.tar.gz
check_soon "its artifact is served" 30 200 curl -s -o /dev/null -w '%{http_code}' "http://$artifacts/$path"
check_has "with the manifests in it" deployment.yaml "$(curl -s "http://$artifacts/$path" | tar tz 2>&1)"
check_soon "an automation pushes over ssh" 60 "  tag: latest" sh -c "git --git-dir=$GIT_ROOT/app.git show main:apps/web.yaml | grep -o '^  tag: [a-z]*'"
check_match "its commit is signed, with gpg" "GOODSIG $key" "$(g app verify-commit --raw main 2>&1)"
check_soon "and checked with gpgv before it is served" 60 "$(printf "verified signature of\n\t- commit '%s' with key '%s'" "$(g app rev-parse main)" "$key")" verified
check_eq "no key of gpg is left" "" "$(find "/proc/$CONTROLLER_PID/root/tmp" "/proc/$CONTROLLER_PID/root/data" -name 'gpg-*' | head -n 3)"
check_eq "as uid 65534" 65534 "$(awk '/^Uid:/ {print $2}' "/proc/$CONTROLLER_PID/status")"
check_eq "without capabilities" 0000000000000000 "$(awk '/^CapEff:/ {print $2}' "/proc/$CONTROLLER_PID/status")"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM ends it cleanly" 0 $?
b umount "$container" >/dev/null
h_finish
