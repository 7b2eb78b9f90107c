# shellcheck shell=bash
# replicas_net.sh: the script begins anew in a network of its own, with an address for each replica. Before harness.sh.
if [ -z "${REPLICAS_NET:-}" ]; then
	"$(dirname "${BASH_SOURCE[0]}")/../e2e/tools/build.sh" kube-apiserver >/dev/null || exit 1
	REPLICAS_NET=1 exec unshare --net -- bash "$0" "$@"
fi
ip link set lo up
for n in {1..20} 100; do ip address add 10.97.0.$n/32 dev lo; done
KUBE_APISERVER_ARGS=--advertise-address=10.97.0.1
