# SPDX-License-Identifier: MIT
# One word for each thing a developer does; the work is in scripts/.
PREFIX ?= /usr/local
COUNT ?= 50
EXAMPLE ?= endpoint-agent

.DEFAULT_GOAL := help
.PHONY: help setup build run test test-vm bench stress soak fuzz lint format install clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: ## install what is missing to build and test
	@scripts/setup.sh

build: setup ## build; the installed tree is build/dist
	@scripts/build.sh

run: build ## run the example system (EXAMPLE=endpoint-agent) in the foreground
	@build/dist/bin/umh run build/dist/share/umh/examples/$(EXAMPLE)/broker.json

test: ## lint, unit, model, managed, end-to-end and sanitizer tests
	@scripts/test.sh

test-vm: build ## limits for real, in a virtual machine: two minutes, as root
	@scripts/setup.sh --vm
	@scripts/test-vm.sh

bench: build ## measure; results in build/bench/results.json
	@scripts/setup.sh --bench
	@scripts/bench.sh

stress: build ## repeat one test: TEST=name [COUNT=50]
	@scripts/stress.sh "$(TEST)" "$(COUNT)"

soak: build ## the long tests [UMH_SOAK_SECONDS=3600]
	@scripts/soak.sh

fuzz: ## run the fuzz targets [TARGET=noun] [SECONDS_EACH=30]
	@scripts/setup.sh --fuzz
	@scripts/fuzz.sh "$(TARGET)"

lint: setup ## check what the compiler does not
	@scripts/lint.sh

format: ## format all C and C++ files
	@scripts/format.sh

install: build ## install under PREFIX=/usr/local
	@cmake --install build --prefix "$(abspath $(PREFIX))"

clean: ## remove build/
	@rm -rf build
