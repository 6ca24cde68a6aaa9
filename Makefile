# On a fresh machine `make run` and `make test` are all that is needed; both need Go alone.
GO ?= go
# Without cgo the program is static, and a quarter smaller: a package of kubectl's would export every symbol.
export CGO_ENABLED = 0
LDFLAGS = -s -w
FUZZTIME ?= 60s
RUNS ?= 200

.PHONY: run build test release vscode playground race same-bytes kills conformance conformance-cmd conformance-clients check bench fuzz mutants peers schema kubernetes update clean

run: build ## build, then lint a small shop and plan a rollout that gets stuck
	./bin/seatrial lint --fail-on never --rules none examples/shop.yaml
	./bin/seatrial plan -f examples/web-larger.yaml --from examples/web.yaml --nodes 3x2cpu4Gi || true

build: ## build bin/seatrial
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/seatrial ./cmd/seatrial

vscode: ## the extension for VS Code, bin/seatrial.vsix; needs npm
	@mkdir -p bin
	cd editors/vscode && npm ci --ignore-scripts --no-audit --no-fund && npm run check && npm test && npm run package

playground: ## the manifest editor for browsers, bin/playground; needs npm, and compiles Kubernetes once more
	$(GO) run ./playground/build bin/playground

# Tests that may be skipped in CI, where any other skip fails: they need a kubectl and a helm (make conformance-clients),
# make playground, axe-core (npm ci in playground/web), a shell, or an editor.
ALLOWED_SKIPS = TestClients/kubectl TestScripts/live_helm \
	TestShellsComplete/bash TestShellsComplete/zsh TestShellsComplete/fish \
	TestEditorsShowFindings/neovim TestEditorsShowFindings/emacs \
	TestThePageJudgesAndAsksForNothing TestTheVersionDecides TestASharedTextOpens TestPagesOfPlansAreAccessible TestPagesAreAccessible

test: ## all tests; skipped ones are counted and named at the end
	@mkdir -p bin
	$(GO) tool gotestsum --format pkgname --jsonfile bin/test.json -- -timeout 40m ./...
	@if [ "$$CI" = true ]; then $(GO) run ./internal/skips bin/test.json $(ALLOWED_SKIPS); fi

race: ## the store in memory under the race detector, which needs cgo and a C compiler
	CGO_ENABLED=1 $(GO) test -race ./internal/memstore

kills: ## kill a thousand commands on a trial, and a live cluster a hundred times: nothing that was acknowledged is lost
	SEATRIAL_KILLS=1000 $(GO) test ./internal/trial -run Killed -timeout 2h -v
	SEATRIAL_KILLS=100 $(GO) test ./cmd/seatrial/cli -run TestKills -v -timeout 60m

same-bytes: ## simulate a mix of everything RUNS times, on 1, 2 and 4 processors under load: the same bytes each time
	SEATRIAL_DETERMINISM_RUNS=$(RUNS) $(GO) test -count=1 -timeout=2h -run TestSameInputSameBytes ./internal/plan/simulate

check: ## format, vet, staticcheck, and the types on other platforms
	@test -z "$$(gofmt -l $$(git ls-files "*.go"))" || { gofmt -l $$(git ls-files "*.go"); echo "run gofmt -w on them"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) run ./internal/crosscheck linux/arm64 darwin/arm64 windows/amd64

bench: build ## benchmarks, side by side with the peers
	$(GO) run ./internal/bench

# Upstream's own programs take the version from the linker.
KUBERNETES = $(shell $(GO) list -m -f '{{.Version}}' k8s.io/kubernetes)
KUBERNETES_STAMP = -s -w $(addprefix -X k8s.io/component-base/version.,gitVersion=$(KUBERNETES) gitMajor=1 gitMinor=$(word 2,$(subst ., ,$(KUBERNETES))))

conformance: build ## upstream's conformance tests against a live cluster: docs/conformance.md
	STAMP='$(KUBERNETES_STAMP)' ./internal/conformance/run.sh bin/seatrial bin/conformance

conformance-cmd: build ## kubectl's own tests against a live cluster
	STAMP='$(KUBERNETES_STAMP)' ./internal/conformance/cmd.sh bin/seatrial bin/conformance

conformance-clients: build ## helm, client-go's informers, controller-runtime and the kubectl at hand against live clusters
	./internal/conformance/clients.sh bin/seatrial bin/conformance

GORELEASER = github.com/goreleaser/goreleaser/v2@v2.15.1
CYCLONEDX = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

release: ## archives, packages and manifests of a release, in dist/, without publishing: docs/releases.md
	GOBIN=$(CURDIR)/bin/tools $(GO) install $(CYCLONEDX)
	$(GO) run $(GORELEASER) release --clean --skip=publish,announce,validate $(RELEASEFLAGS)

MUTANTS ?= 300

mutants: ## hold MUTANTS broken objects and updates of all kinds against the API server
	MUTANTS=$(MUTANTS) $(GO) test ./cmd/seatrial/cli -run VerdictOnMutants -timeout 30m

fuzz: mutants ## fuzz the reader and lint, FUZZTIME each, and hold mutants of all kinds against the API server
	$(GO) test ./manifest -run '^$$' -fuzz FuzzRead -fuzztime $(FUZZTIME)
	$(GO) test ./manifest/plain -run '^$$' -fuzz FuzzJSON -fuzztime $(FUZZTIME)
	$(GO) test ./manifest -run '^$$' -fuzz FuzzPlainTree -fuzztime $(FUZZTIME)
	$(GO) test ./cmd/seatrial/cli -run '^$$' -fuzz FuzzLint -fuzztime $(FUZZTIME)

PEERS ?= bin/peers

peers: ## hold the rules against other tools' own test data, fetched into PEERS; figures for docs/compatibility.md
	$(GO) run ./internal/peers -data $(PEERS)
	UPDATE=1 $(GO) test ./cmd/seatrial/cli -run TestCompatibility

schema: ## rebuild the embedded schemas of all Kubernetes versions
	$(GO) run ./schema/bundle/gen

kubernetes: ## move to another Kubernetes: make kubernetes VERSION=v1.X.Y
	$(GO) run ./internal/bump $(VERSION)

update: ## refresh golden files and generated documentation; read the diff
	UPDATE=1 $(GO) test ./...

clean:
	rm -rf bin
