# SPDX-License-Identifier: MIT
# The front door. Meson does the work; `make help` lists what can be asked for.
BUILD   = build
PREFIX  = /usr/local
DESTDIR =
# How many jobs at a time; empty: as many as there are processors.
JOBS    =
# How long `make torture` goes on, with 2 and with 8 processes each; its seed, empty: all.
MINUTES = 5
SEED    =
# How many steps `make walk` takes.
STEPS   = 100000
# More options for meson setup, such as -Dbuildtype=release.
MESON_OPTIONS =

programs  = -Dcli=enabled -Dserver=enabled
testable  = $(programs) -Dtests=enabled -Dexamples=enabled
jobs      = $(if $(JOBS),-j $(JOBS))
testjobs  = $(if $(JOBS),--num-processes $(JOBS))
needs     = tools/install-deps.sh
configure = tools/configure.sh $(BUILD) -Dprefix=$(PREFIX)
compile   = ninja -C $(BUILD) $(jobs)

.PHONY: all demo test sweep torture walk bench install check format lint clean help

all: ## configure and build into $(BUILD)
	$(configure) $(MESON_OPTIONS)
	$(compile)

demo: ## install what is missing, build, and show an upload with its reply, killed and resumed
	$(needs) build
	$(configure) $(programs) $(MESON_OPTIONS)
	$(compile)
	demo/demo.sh $(BUILD)

test: ## install what is missing, build, run the tests; the last line counts them
	$(needs) build test
	$(configure) $(testable) $(MESON_OPTIONS)
	$(compile)
	tools/run-tests.sh $(BUILD) $(testjobs)

sweep: ## like test, with the long forms of the sweeps (kills, faults): minutes to hours
	$(needs) build test
	$(configure) $(testable) $(MESON_OPTIONS)
	$(compile)
	BCJ2_TEST_LONG=1 tools/run-tests.sh $(BUILD) $(testjobs) --timeout-multiplier 60

torture: ## 2, then 8 processes on one queue, their runner killed each second, for MINUTES (5) each
	$(needs) build test
	$(configure) $(testable) $(MESON_OPTIONS)
	$(compile)
	BCJ2_TEST_SECONDS=$$(($(MINUTES) * 60)) $(if $(SEED),BCJ2_TEST_SEED=$(SEED)) \
	    tools/run-tests.sh $(BUILD) --timeout-multiplier 0 --verbose torture

walk: ## a random walk of STEPS (100000) beside a model of the specification, or of the one SEED
	$(needs) build test
	$(configure) $(testable) $(MESON_OPTIONS)
	$(compile)
	BCJ2_TEST_STEPS=$(STEPS) $(if $(SEED),BCJ2_TEST_SEED=$(SEED)) \
	    tools/run-tests.sh $(BUILD) --timeout-multiplier 0 --verbose walk

bench: ## build for release into $(BUILD)-bench and run the benchmarks of docs/performance.md
	$(needs) build test
	tools/configure.sh $(BUILD)-bench $(testable) -Dbuildtype=release $(MESON_OPTIONS)
	ninja -C $(BUILD)-bench $(jobs)
	meson test -C $(BUILD)-bench --no-rebuild --benchmark --verbose

install: ## build and install below $(DESTDIR)$(PREFIX)
	$(configure) $(MESON_OPTIONS)
	$(compile)
	meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir '$(abspath $(DESTDIR))')
	$(if $(DESTDIR),,if [ "$$(id -u)" = 0 ] && command -v ldconfig >/dev/null; then ldconfig; fi)

check: ## everything that continuous integration does
	.ci/run

format: ## put every source into the tree's one style
	tools/format.sh

lint: ## clang-tidy over src
	$(needs) build ci
	$(configure) $(MESON_OPTIONS)
	tools/lint.sh $(BUILD)

clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-bench build-ci

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | sed 's/$$(BUILD)/$(BUILD)/g; s/$$(DESTDIR)$$(PREFIX)/DESTDIR and PREFIX/' | \
	    awk -F'|' '{printf "make %-8s %s\n", $$1, $$2}'
