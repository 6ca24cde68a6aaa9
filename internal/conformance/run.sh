#!/bin/sh
# Runs upstream's [Conformance] tests against a live cluster: run.sh SEATRIAL FOLDER
# Kubernetes' tests are built in a module of their own, beside that of the repository, which they
# would add requirements to. Reports, logs and what was built stay in FOLDER.
set -eu
seatrial=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
cp go.mod go.sum "$folder/"
go mod edit -require "k8s.io/sample-apiserver@$(go list -m -f '{{.Version}}' k8s.io/api)" "$folder/go.mod"
go build -modfile "$folder/go.mod" -mod=mod -o "$folder/ginkgo" github.com/onsi/ginkgo/v2/ginkgo
go test -modfile "$folder/go.mod" -mod=mod -vet=off -c -o "$folder/e2e.test" -ldflags "$STAMP" k8s.io/kubernetes/test/e2e
export KUBECONFIG="$folder/kubeconfig"
"$seatrial" down --data-dir "$folder/cluster" --purge
"$seatrial" up --data-dir "$folder/cluster" --port 0 --nodes 3x8cpu32Gi
trap '"$seatrial" down --data-dir "$folder/cluster" --purge' EXIT
run() {
	name=$1
	shift
	"$folder/ginkgo" --no-color -v --keep-going --timeout=2h --output-dir="$folder" --json-report="$name.json" "$@" "$folder/e2e.test" -- \
		--kubeconfig="$KUBECONFIG" --provider=skeleton --num-nodes=3 --kubectl-path="${KUBECTL:-kubectl}" --disable-log-dump --dump-logs-on-failure=false >"$folder/$name.log" 2>&1 || true
	grep -E '^(Ran|[A-Z]+!) ' "$folder/$name.log" || true
}
run parallel -p --procs="${PROCS:-16}" --focus='\[Conformance\]' --skip='\[Serial\]'
run serial --focus='\[Serial\].*\[Conformance\]|\[Conformance\].*\[Serial\]'
