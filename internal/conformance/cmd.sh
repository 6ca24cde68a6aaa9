#!/bin/bash
# Runs the functions of kubectl's own suite, test/cmd, against a live cluster: cmd.sh SEATRIAL FOLDER [FUNCTION]...
# They run in upstream's order, which some of them rely on. Each prints a line; its output stays in FOLDER/cmd.
# UP holds arguments of `seatrial up` to take in place of those that make a cluster like upstream's.
set -eu
seatrial=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")/cmd
shift 2
wanted=" $* "
# Upstream's cluster has one node, 127.0.0.1, which no pod comes to, and runs without these plugins.
plugins=ServiceAccount,DefaultStorageClass,DefaultTolerationSeconds,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,StorageObjectInUseProtection
up=${UP-"--nodes $folder/node.yaml --disable-admission-plugins $plugins"}

# The suite wants to be run in a tree of Kubernetes' source that it may write to, with what it tests in _output/bin.
tree=$folder/kubernetes
source=$(go list -m -f '{{.Dir}}' k8s.io/kubernetes)
rm -rf "$folder/home" "$folder/tmp" "$folder"/*.log
mkdir -p "$tree/_output/bin" "$folder/home" "$folder/tmp"
cp go.mod go.sum "$folder/"
go build -modfile "$folder/go.mod" -mod=mod -o "$tree/_output/bin/" -ldflags "$STAMP" k8s.io/kubernetes/cmd/kubectl k8s.io/kubernetes/cmd/kubectl-convert
tar cf - -C "$source" hack test/cmd test/fixtures test/e2e/testing-manifests third_party/forked/shell2junit | tar xf - -C "$tree" --mode=u+w
find "$tree/test/fixtures/pkg/kubectl/plugins" -name 'kubectl-*' -exec chmod +x {} + # modules keep no modes

export HOME=$folder/home KUBE_TEMP=$folder/home TMPDIR=$folder/tmp KUBECONFIG=$folder/kubeconfig TERM=${TERM:-dumb}
cat >"$folder/node.yaml" <<END
apiVersion: v1
kind: Node
metadata:
  name: 127.0.0.1
  annotations: {save-managers: "true"} # as upstream's has: without any field of theirs, managers are not recorded
status:
  capacity: {cpu: "1", memory: 1Gi, pods: "0"}
END
"$seatrial" down --data-dir "$folder/cluster" --purge
# shellcheck disable=SC2086
"$seatrial" up --data-dir "$folder/cluster" --port 0 $up
trap '"$seatrial" down --data-dir "$folder/cluster" --purge' EXIT

cd "$tree"
# Upstream's administrator is a line in a file of tokens, which a live cluster does not read: here it is a service account.
# As there, everybody who is known may do anything.
kubectl=$tree/_output/bin/kubectl
"$kubectl" create serviceaccount admin -n kube-system
"$kubectl" create clusterrolebinding test-cmd --clusterrole=cluster-admin --group=system:authenticated
token=$("$kubectl" create token admin -n kube-system --duration=24h)
server=$("$kubectl" config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
cp "$folder/cluster/pki/apiserver.crt" "$TMPDIR/"
sed -i "s/admin-token/$token/g" test/cmd/*.sh
# Services have other addresses here, the certificate authority another name; and there is a storage class.
sed -i 's/10\.0\.0\.12/10.96.0.12/' test/cmd/apply.sh hack/testdata/service-revision2.yaml
sed -i 's/CN\( = \|=\)127\.0\.0\.1/CN\1seatrial/g' hack/lib/util.sh
"$kubectl" delete storageclass standard
unset KUBECONFIG
CONTEXT=test
"$kubectl" config set-credentials test-admin --token "$token"
"$kubectl" config set-cluster local --insecure-skip-tls-verify --server "$server"
"$kubectl" config set-context "$CONTEXT" --user test-admin --cluster local
"$kubectl" config use-context "$CONTEXT"

SECURE_API_PORT=${server##*:}
SUPPORTED_RESOURCES=("*")
set +u
. hack/lib/init.sh
. hack/lib/test.sh
. test/cmd/legacy-script.sh >"$folder/load.log" 2>&1
kube::util::ensure-gnu-sed

passed=0 failed=0
# record_command takes the place of upstream's, which does the same and writes reports for Jenkins.
record_command() {
	local name=$1 status
	case $wanted in
	"  " | *" $name "*) ;;
	*) return 0 ;;
	esac
	set +o nounset +o errexit
	SECONDS=0
	("$@") >"$folder/$name.log" 2>&1
	status=$?
	if [ $status = 0 ]; then
		passed=$((passed + 1))
		echo "passed $name (${SECONDS}s)" >&3
	else
		failed=$((failed + 1))
		echo "FAILED $name (${SECONDS}s): $(first_failure "$folder/$name.log")" >&3
	fi
	set -o nounset -o errexit
}

# first_failure gives what the function says before the call tree that ends its output.
first_failure() {
	sed 's/\x1b[^m]*m//g; s/\x1b(B//g' "$1" | grep -v '^[+]*$' | grep -m1 -B4 'Call tree:' | grep -v 'Call tree:' | tr '\n' ' ' | cut -c -400
}
exec 3>&1
runTests >"$folder/between.log" 2>&1
echo "$passed passed, $failed failed"
