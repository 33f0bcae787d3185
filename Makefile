# "make run" and "make test" need only Go beforehand. What else a target needs,
# it installs, and says so; it never needs anything that is not named here.
export CGO_ENABLED = 0
export GOFLAGS = -trimpath

GO = go
TOOL = $(GO) tool -modfile=tools/go.mod

.PHONY: help build run test lint vuln mutants seeds fuzz spec race bench bench-docs bench-protocols bench-parts clean etcdctl

help: ## what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## the one binary, bin/althing
	$(GO) build -o bin/althing ./cmd/althing

run: build ## a durable three-node cluster on this machine, its data in ./data
	./bin/althing up --data data

test: etcdctl lint ## what CI runs: lint and all tests
	$(GO) test -timeout 15m ./...

lint: ## gofmt, go vet and staticcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not gofmt-ed: $$unformatted" >&2; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...

etcdctl: # the end-to-end tests use Debian's, unmodified
	@command -v etcdctl >/dev/null && exit 0; \
	echo "installing etcdctl: apt-get install etcd-client"; \
	if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
	{ $$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends etcd-client; } >/dev/null \
	|| { echo "make test needs etcdctl: apt-get install etcd-client" >&2; exit 1; }

vuln: ## govulncheck; needs the internet, for its database
	$(TOOL) govulncheck ./...

mutants: ## every deliberate mistake of internal/house/mutants.txt must be found; docs/mutants.md
	$(GO) test ./internal/house -run 'TestMutants$$|TestExplored$$' -mutants -table docs/mutants.md -v -timeout 90m

seeds: ## 10,000 seeds of raft, and 1,000 of each of the others, under all faults
	$(GO) test ./protocol -run 'TestSeeds$$/^raft$$' -seeds 10000 -seconds 20 -v -timeout 60m
	$(GO) test ./protocol -run 'TestSeeds$$' -skip 'TestSeeds$$/^raft$$' -seeds 1000 -v -timeout 120m

race: ## the tests of the rooms that have goroutines, under the race detector; needs gcc
	CGO_ENABLED=1 $(GO) test -race -timeout 20m ./node/... ./kv/... ./etcd/... ./front/... ./member/... ./telemetry/... ./load/... ./explore/...

FUZZTIME ?= 30s
fuzz: ## every decoder, half a minute each (FUZZTIME)
	@for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

# An instance is named after its module: Raft-crash.cfg is of Raft.tla.
spec: ## all instances of the specifications, with TLC; TLA2TOOLS names its jar
	@test -n "$(TLA2TOOLS)" || { echo "make spec: nothing was checked: set TLA2TOOLS to tla2tools.jar (spec/README.md)" >&2; exit 1; }
	@command -v java >/dev/null || { echo "make spec: nothing was checked: there is no java" >&2; exit 1; }
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && cd spec && for c in *-*.cfg; do \
		echo "$$c"; java -XX:+UseParallelGC -cp "$(abspath $(TLA2TOOLS))" tlc2.TLC -lncheck final -noGenerateSpecTE \
			-metadir "$$dir" -config $$c $${c%%-*} > "$$dir/log" 2>&1 || { cat "$$dir/log"; exit 1; }; \
		grep -E '^[0-9].* 0 states left|depth of' "$$dir/log"; \
	done

bench: ## ours and the best peers, measured side by side; see docs/performance.md
	cd bench && $(GO) run ./cmd/compare

bench-docs: ## the same, and its tables into docs/performance.md
	cd bench && $(GO) run ./cmd/compare --into ../docs/performance.md

bench-protocols: ## the protocols side by side, measured and simulated; tables into docs/performance.md
	cd bench && $(GO) run ./cmd/compare --parts protocols --in-flight 1,1000 --into ../docs/performance.md --mark protocols

bench-parts: ## the packages that stand by themselves; tables into docs/benchmarks.md
	cd bench && $(GO) run ./cmd/parts --into ../docs/benchmarks.md

clean: ## everything that was built
	rm -rf bin
