SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := $(CURDIR)/.bin
export PATH := $(BIN):$(PATH)
export CGO_ENABLED ?= 0

MODULES := proto pkg services
IMAGE   ?= aval:dev
ONLY    ?=

# Test databases live in memory where it is large enough and programs may run from it.
TEST_TMP := $(shell d=/dev/shm; [ -w $$d ] && ! grep -q " $$d .*noexec" /proc/mounts \
	&& [ "$$(df -Pk $$d | awk 'NR==2 {print $$4}')" -gt 4000000 ] && echo $$d || echo $${TMPDIR:-/tmp})

.PHONY: help run test lint gen verify bench image

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build, start everything in one process, load a demo company, stay up (Ctrl-C ends it)
	@echo "Building Aval. The first compile takes a minute or two."
	@go build -o $(BIN)/aval ./services/cmd/aval
	@exec $(BIN)/aval serve --demo

test: ## all tests, on a throw-away PostgreSQL (FLAGS="-run Name" passes flags on)
	@echo "Testing. The first compile takes a few minutes. Scratch files: $(TEST_TMP)"
	@TMPDIR=$(TEST_TMP) go run ./pkg/cmd/withpg go test -count=1 -timeout=30m $(FLAGS) work

lint: $(BIN)/.lint ## the linter, on each module
	@bad=0; for m in $(MODULES); do echo "lint $$m"; (cd $$m && golangci-lint run --allow-parallel-runners ./...) || bad=1; done; exit $$bad

gen: $(BIN)/.buf $(BIN)/.gen $(BIN)/.sqlc .cache/protodeps/.ok ## regenerate what is generated: contracts, SQL
	@buf generate
	@sqlc generate

verify: $(BIN)/.buf $(BIN)/.gen $(BIN)/.sqlc $(BIN)/.lint .cache/protodeps/.ok ## generated code, contracts, modules, style, manifests (AGAINST=commit)
	@MODULES="$(MODULES)" .ci/verify

bench: ## figures of this machine, "bench NAME VALUE" on lines of their own (ONLY=gate, evaluation, receivables, posting, aging or dunning for a part)
	@echo "Building Aval. The first compile takes a minute or two."
	@go build -o $(BIN)/bench ./services/cmd/bench
	@$(BIN)/bench --only=$(ONLY)

image: ## the container image, all programs in one (IMAGE=name:tag)
	docker build -f deploy/Dockerfile -t $(IMAGE) .

# Tools are Go programs pinned in tools/*/go.mod, outside the workspace, and built on first use.
$(BIN)/.%: tools/%/go.mod tools/%/go.sum
	@mkdir -p $(BIN)
	@echo "Building the tools of tools/$*. The first time takes some minutes."
	@cd tools/$* && GOWORK=off GOBIN=$(BIN) go install tool $$([ -z "$$(find . -name '*.go')" ] || echo ./...)
	@touch $@

$(BIN)/.gen: $(wildcard tools/gen/*/*.go)

# The third-party .proto files our contracts import, written out of the pinned Go modules.
.cache/protodeps/.ok: $(BIN)/.gen
	@protodeps -o .cache/protodeps
	@touch $@
