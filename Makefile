# What a developer types. `make help` lists it; .ci/run types the same.

GO       ?= go
FUZZTIME ?= 20000x
CHAOS    ?= 60s
KILLS    ?= 2000
SEED     ?=
CASES    ?=
SECONDS  ?= 10
PAIRS    ?= 5
CONNECTIONS ?= 0
PORTION  ?= 1
TIMEOUT  ?= 20m
BIN      := .cache/bin

# Every check of staticcheck but those that test/lint/staticcheck.checks takes out, each with its reason.
CHECKS = $(shell sed -e 's/\#.*//' test/lint/staticcheck.checks | tr -s ' \t\n' ',' | sed -e 's/^,//' -e 's/,$$//')

.DEFAULT_GOAL := help
.PHONY: help demo build setup test lint fuzz spool chaos herd crash fleet reload startup outage sketch bench-drain bench-fleet bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: ## a sample origin, a gateway in front of it and the curl lines to try
	$(GO) run ./cmd/mirrorgate demo

build: ## the program, as .cache/bin/mirrorgate
	$(GO) build -trimpath -o $(BIN)/mirrorgate ./cmd/mirrorgate

setup: ## install what the tests and the linter need (quick when all is there)
	test/setup.sh

test: ## all tests with the race detector, those with real servers too
	test/setup.sh servers
	$(GO) vet ./...
	$(GO) test -race -timeout $(TIMEOUT) ./...

lint: ## gofmt, vet, staticcheck, import rules, sizes
	test/setup.sh linter
	@files=$$(gofmt -l */); test -z "$$files" || { echo "run gofmt -w on:"; echo "$$files"; exit 1; }
	$(GO) vet ./...
	$(BIN)/staticcheck -checks '$(CHECKS)' ./...
	$(GO) test -count=1 ./test/lint

fuzz: ## every fuzz target for FUZZTIME (20000x: so many runs)
	test/fuzz.sh $(FUZZTIME)

spool: ## a crowd on a 1 GiB object for which the spool, or its disk, has no room
	SPOOL_BODY=1073741824 $(GO) test -count=1 -v -timeout $(TIMEOUT) -run 'TestFullSpool|TestFullDisk' ./test/faults

chaos: ## CHAOS (60s) of random faults and clients; SEED=7 asks as the run that logged that seed
	MIRRORGATE_CHAOS=$(CHAOS) MIRRORGATE_CHAOS_SEED=$(SEED) $(GO) test -count=1 -v -timeout $(TIMEOUT) -run TestChaos ./test/chaos

outage: ## outages of a minute, each of another kind, of a bucket that clients ask through a gateway
	MIRRORGATE_OUTAGE=full $(GO) test -count=1 -v -timeout $(TIMEOUT) ./test/outage

bench-drain: ## a full spool saved into a MinIO, beside rclone; DRAIN_LARGE=10 takes 10 of 50 large objects
	DRAIN_README=$(CURDIR)/benchmarks/README.md $(GO) test -count=1 -v -timeout 3h -run '^$$' -bench Drain -benchtime 1x ./benchmarks/drain

bench-fleet: ## what many gateways cost the Redis they share, and how many it can hold
	test/setup.sh bench
	$(GO) run ./benchmarks/fleet -readme benchmarks/README.md

startup: ## a start with 300,000 objects that wait to be saved (takes minutes, most of them to remove the files)
	MIRRORGATE_STARTUP=300000 $(GO) test -count=1 -v -timeout 30m -run TestStartWithLongQueue ./cache/writeback

sketch: ## what the migration view says of the keys that need an origin most, over streams of 10 million
	MIRRORGATE_SKETCH=10000000 $(GO) test -count=1 -v -timeout $(TIMEOUT) -run TestSketch ./gateway/migration

herd: ## the herds at full size: 1,000 clients of one cold object of 100 MiB (takes minutes)
	MIRRORGATE_HERD=full $(GO) test -count=1 -v -timeout 3h -run '^TestHerd' ./test/faults

crash: ## KILLS (2000) kills of the gateway under load, and an upload of 5 GiB that goes on; SEED=7 as for chaos
	MIRRORGATE_CRASH=$(KILLS) MIRRORGATE_CRASH_SEED=$(SEED) MIRRORGATE_CRASH_SIZE=5368709120 \
		$(GO) test -count=1 -v -timeout 3h ./test/crash

fleet: ## five gateways as one: 500 clients of a cold object of 200 MiB, 2,000 keys, kills for a minute
	MIRRORGATE_FLEET=full $(GO) test -count=1 -v -timeout 3h ./test/fleet

reload: ## 200 reloads of a gateway, and 20 restarts of two behind HAProxy, under load
	MIRRORGATE_RELOAD=full $(GO) test -count=1 -v -timeout $(TIMEOUT) ./test/reload

bench: ## answers beside nginx, HAProxy and Varnish; CASES="bucket dir-1KiB" SECONDS=10 PAIRS=5 CONNECTIONS=32 choose and shorten
	test/setup.sh bench
	$(GO) run ./benchmarks/bench -cases '$(CASES)' -seconds $(SECONDS) -pairs $(PAIRS) -connections $(CONNECTIONS) \
		-portion $(PORTION) -readme benchmarks/README.md

clean: ## remove the program and the tests' cache, not the installed servers
	rm -rf $(BIN)/mirrorgate .cache/test
