# Every target needs only Go; what else one needs, it installs and says so.
export CGO_ENABLED = 0
export GOFLAGS = -trimpath

.PHONY: build run test

build: ## the one binary, bin/althing
	go build -o bin/althing ./cmd/althing

run: build ## a durable three-node cluster on this machine
	./bin/althing up --data data

test: ## what CI runs
	go vet ./...
	go test ./...
