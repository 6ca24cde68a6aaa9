#!/bin/sh
# Runs real clients against live clusters: clients.sh SEATRIAL FOLDER
# helm and controller-runtime are built in modules of their own, beside that of the repository, which
# they would add requirements to. What was built stays in FOLDER/clients.
set -eu
seatrial=$(realpath "$1")
mkdir -p "$2/clients"
folder=$(realpath "$2")/clients
helm=helm.sh/helm/v4
runtime=sigs.k8s.io/controller-runtime

# beside MODULE@VERSION makes a module of what the repository requires and of that module.
beside() {
	cp go.mod "$folder/$1.mod"
	cp go.sum "$folder/$1.sum"
	go get -modfile "$folder/$1.mod" "$2"
}
beside helm $helm@v4.3.1
go build -modfile "$folder/helm.mod" -mod=mod -o "$folder/helm" $helm/cmd/helm
beside envtest $runtime@v0.25.2
go test -modfile "$folder/envtest.mod" -mod=mod -c -o "$folder/envtest.test" ./internal/conformance/testdata/envtest

export PATH="$folder:$PATH"
helm version --short
kubectl version --client || echo "kubectl is not installed: seatrial alone walks through the chapter"
go test ./cmd/seatrial/cli -count=1 -v -run 'TestClients|TestInformers|TestScripts/live_helm'
export KUBECONFIG="$folder/kubeconfig"
"$seatrial" down --data-dir "$folder/cluster" --purge
"$seatrial" up --data-dir "$folder/cluster" --port 0
trap '"$seatrial" down --data-dir "$folder/cluster" --purge' EXIT
"$folder/envtest.test" -test.v
