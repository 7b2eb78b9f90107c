# oci-source-controller. `make run` shows the main job, `make test` proves it; README.md has the rest.
#
# O names the build directory: two builds with different flags, or two people in one checkout, never share objects.
# SAN=1 builds with ASan and UBSan; CC=clang works too.

O        ?= build
SAN      ?=
ifeq ($(origin CC),default)
CC       := gcc
endif
ifeq ($(origin CXX),default)
CXX      := g++
endif
PKG      ?= pkg-config
ifndef VERSION # asked once: each file is compiled with it
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
endif
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash
# V=1 shows whole commands.
Q := $(if $(V),,@)
say = @$(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),:,echo '  $(1) $(2)')

# ---- modules: lib/LAYERS says their order -------------------------------------------------------------------------
# DEPS_x: what x may use, highest layer first, as the linker wants its archives. A module without files is skipped.
LAYER_ROWS := $(shell sed -nE 's/^([a-z]+) +([0-9]).*/\2:\1/p' lib/LAYERS)
UPWARDS := 0 1 2 3 4 5 6 7 8 9
DOWNWARDS := 9 8 7 6 5 4 3 2 1 0
layer_of = $(firstword $(subst :, ,$(filter %:$(1),$(LAYER_ROWS))))
in_layers = $(foreach n,$(1),$(patsubst $(n):%,%,$(filter $(n):%,$(LAYER_ROWS))))
REV_MODULES := $(foreach m,$(call in_layers,$(DOWNWARDS)),$(if $(wildcard lib/$(m)/*.c),$(m)))
MODULES := $(filter $(REV_MODULES),$(call in_layers,$(UPWARDS)))
below = $(filter $(call in_layers,$(wordlist 1,$(call layer_of,$(1)),$(UPWARDS))),$(REV_MODULES))
# Only cmd knows of the API that --embedded brings along.
$(foreach m,$(MODULES) controllers,$(eval DEPS_$(m) := $(filter-out embedded,$(call below,$(m)))))
DEPS_cmd := $(call below,cmd)

KINDS := $(notdir $(patsubst %/,%,$(sort $(dir $(wildcard controllers/*/*.c)))))
$(foreach k,$(KINDS),$(eval DEPS_$(k) := $(DEPS_controllers)))

# Compiler and linker flags. Everything a stranger's byte can reach is built with the hardening that Debian's own packages use.

LIBS_PKG := libuv libcurl libcares jansson yaml-0.1 libarchive openssl zlib libzstd sqlite3 re2 expat libgit2

# A name that a library deprecates in an update of the system is no error of ours: it is shown, and the image still builds.
WARN := -Wall -Wextra -Werror -Wno-error=deprecated-declarations -Wshadow -Wvla -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef
# A member that a row of a table leaves out is zero: that is what the tables of steps rely on.
WARN_C := $(WARN) -Wno-missing-field-initializers -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wdeclaration-after-statement
# STYLE: declarations stand at the head of a block, cleanup attributes included.

BASEFLAGS := -g -O2 -fno-omit-frame-pointer -fstack-protector-strong -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -pthread
ifeq ($(SAN),1)
BASEFLAGS += -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -DTEST_BUILD=1
# One runtime in the program instead of two beside it: each has megabytes of globals, which the search for leaks reads. Clang's are.
LDSAN := -fsanitize=address,undefined $(if $(findstring clang,$(CC)),,-static-libasan -static-libubsan)
else ifeq ($(FUZZ),1)
BASEFLAGS += -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -DTEST_BUILD=1
LDSAN := -fsanitize=address,undefined
else
BASEFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif

PKG_CFLAGS := $(shell $(PKG) --cflags $(LIBS_PKG) 2>/dev/null)
CPPFLAGS += -Ilib -I. $(PKG_CFLAGS) -DVERSION='"$(VERSION)"'
CFLAGS   += -std=gnu11 $(BASEFLAGS) $(WARN_C) -include lib/base/banned.h
CXXFLAGS += -std=c++17 $(BASEFLAGS) $(WARN) -fno-exceptions

# llhttp: Debian 13 has it as a library, Debian 12 as C sources (package node-llhttp). Both in strict mode.
LLHTTP_SRC := $(wildcard /usr/share/llhttp/llhttp.c /usr/share/llhttp/api.c /usr/share/llhttp/http.c)
ifneq ($(LLHTTP_SRC),)
LLHTTP_CFLAGS := -I/usr/share/include/llhttp -I/usr/include/llhttp
else
LLHTTP_LIBS := -lllhttp
endif

# The release program links what Debian has as static archives statically: it saves 3 MiB of resident memory.
# A sanitized build links everything shared, which is faster to link and keeps leak reports readable.
LIBS_SHARED := $(shell $(PKG) --libs $(LIBS_PKG) 2>/dev/null) $(LLHTTP_LIBS) -lstdc++ -lm -lpthread
# What only libgit2 wants: of its TLS, HTTP and expressions the archives; OpenSSH's and Kerberos' libraries are in the process
# anyhow, for libcurl.
GIT2_STATIC := $(foreach l,git2 mbedtls mbedx509 mbedcrypto http_parser pcre2-8,$(if $(wildcard /usr/lib/*/lib$(l).a),-l$(l)))
LIBS_STATIC := -Wl,-Bstatic $(firstword $(wildcard /usr/lib/*/libuv_a.a /usr/lib/*/libuv.a)) -larchive -ljansson -lyaml $(shell $(PKG) --static --libs-only-l re2 2>/dev/null | sed 's/-lpthread//g; s/-pthread//g') \
	-lsqlite3 -lexpat -lzstd $(GIT2_STATIC) -lz $(if $(wildcard /usr/lib/*/libcares.a),-lcares) $(LLHTTP_LIBS) -lstdc++ -Wl,-Bdynamic \
	$(if $(wildcard /usr/lib/*/libcares.a),,-lcares) -lcurl -lssh2 $(firstword $(wildcard /usr/lib/*/libgssapi_krb5.so.2)) -lssl -lcrypto -lm -lpthread -ldl

# ---- how one file becomes an object, a module an archive, a program a binary.

objs = $(patsubst %.c,$(O)/%.o,$(wildcard $(1)/*.c)) $(patsubst %.cc,$(O)/%.o,$(wildcard $(1)/*.cc))
archive = $(O)/lib$(1).a
archives = $(foreach m,$(1),$(call archive,$(m)))

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(filter test/%,$<),-DIN_TEST) $(EXTRA_$(subst /,_,$(dir $<))) -MMD -MP -c -o $@ $<
$(O)/%.o: %.cc
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

EXTRA_lib_http_ := $(LLHTTP_CFLAGS)
ifneq ($(LLHTTP_SRC),)
LLHTTP_OBJS := $(patsubst /usr/share/llhttp/%.c,$(O)/llhttp/%.o,$(LLHTTP_SRC))
$(O)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASEFLAGS) -w -DLLHTTP_STRICT_MODE=1 $(LLHTTP_CFLAGS) -c -o $@ $<
endif

define MODULE_template
$(call archive,$(1)): $(call objs,lib/$(1)) $(if $(filter http,$(1)),$(LLHTTP_OBJS))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)ar rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call MODULE_template,$(m))))

# ---- programs ------------------------------------------------------------------------------------------------------
CONTROLLER_OBJS := $(foreach k,$(KINDS),$(call objs,controllers/$(k)))

# The CRDs become one C file: the embedded API takes its kinds from the very files that kubectl applies.
$(O)/gen/crds.c: $(wildcard deploy/crds/*.yaml) lib/embedded/embed-crds.sh
	@mkdir -p $(@D)
	bash lib/embedded/embed-crds.sh $(wildcard deploy/crds/*.yaml) > $@.tmp && mv $@.tmp $@
# So does the root of trust of the public Sigstore.
$(O)/gen/sigstore_root.c: lib/source/sigstore-root.json lib/source/embed-root.sh
	@mkdir -p $(@D)
	bash lib/source/embed-root.sh $< > $@.tmp && mv $@.tmp $@
$(O)/gen/%.o: $(O)/gen/%.c
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/oci-source-controller: $(call objs,cmd/oci-source-controller) $(CONTROLLER_OBJS) $(O)/gen/crds.o $(O)/gen/sigstore_root.o $(call archives,$(REV_MODULES))
	$(Q)$(CC) $(LDFLAGS) $(LDSAN) -o $@ $^ $(LINK_LIBS)
# It reads a policy with the controllers' own code.
POLICY_OBJS := $(addprefix $(O)/controllers/,imagepolicy/spec.o imagerepository/spec.o)
$(O)/ocictl: $(call objs,cmd/ocictl) $(POLICY_OBJS) $(call archives,image source $(DEPS_source))
	$(Q)$(CC) $(LDFLAGS) $(LDSAN) -o $@ $^ $(LINK_LIBS)
LINK_LIBS = $(if $(SAN)$(FUZZ)$(SHARED),$(LIBS_SHARED),$(LIBS_STATIC))

# ---- unit tests: one Check program per module; test_NAME.c defines `Suite *suite_NAME(void)` ------------------------
UNIT_MODULES := $(notdir $(patsubst %/,%,$(sort $(dir $(wildcard test/unit/*/test_*.c)))))
define UNIT_template
$(O)/test/unit/$(1)/main.c: $(wildcard test/unit/$(1)/test_*.c) test/unit/main.sh
	@mkdir -p $$(@D)
	bash test/unit/main.sh $(1) $(wildcard test/unit/$(1)/test_*.c) > $$@
$(O)/test/unit/$(1)/main.o: $(O)/test/unit/$(1)/main.c test/unit/end.h
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $$@ $$<
$(O)/unit-$(1): $(call objs,test/unit/$(1)) $(O)/test/unit/$(1)/main.o $(if $(wildcard controllers/$(1)),$(call objs,controllers/$(1))) $(if $(filter embedded,$(1)),$(O)/gen/crds.o) $(if $(filter cmd,$(1)),$(addprefix $(O)/cmd/,oci-source-controller/flags.o oci-source-controller/share.o ocictl/objects.o) $(POLICY_OBJS)) $(call objs,test/fake) \
		$(if $(filter $(1),$(MODULES)),$(call archive,$(1))) $(call archives,$(DEPS_$(1)))
	$(Q)$(CC) $(LDFLAGS) $(LDSAN) -o $$@ $$(filter-out $(if $(filter http,$(DEPS_$(1)) $(1)),,$(call objs,test/fake)),$$^) $(LIBS_SHARED) -lcheck -lsubunit -lrt -lm
unit-$(1): $(O)/unit-$(1)
	$(O)/unit-$(1)
.PHONY: unit-$(1)
endef
$(foreach m,$(UNIT_MODULES),$(eval $(call UNIT_template,$(m))))



# lib/text held to tables that Go's own modules print: test/e2e/textdiff.sh makes them.
$(O)/textdiff: $(O)/test/e2e/textdiff.o $(O)/test/unit/text/table.o $(call archives,text $(DEPS_text))
	$(Q)$(CC) $(LDFLAGS) $(LDSAN) -o $@ $^ $(LIBS_SHARED)

# lib/image/choose.h likewise: test/e2e/policydiff.sh.
$(O)/policydiff: $(O)/test/e2e/policydiff.o $(O)/test/unit/image/choice_table.o $(call archives,image $(DEPS_image))
	$(Q)$(CC) $(LDFLAGS) $(LDSAN) -o $@ $^ $(LIBS_SHARED)

# lib/http/proxy_env.h likewise: test/e2e/proxydiff.sh.
$(O)/proxydiff: $(O)/test/e2e/proxydiff.o $(call archives,http $(DEPS_http))
	$(Q)$(CC) $(LDFLAGS) $(LDSAN) -o $@ $^ $(LIBS_SHARED)

# lib/pack: test/e2e/untardiff.sh.
$(O)/untardiff: $(O)/test/e2e/untardiff.o $(O)/test/unit/pack/build.o $(call archives,pack $(DEPS_pack))
	$(Q)$(CC) $(LDFLAGS) $(LDSAN) -o $@ $^ $(LIBS_SHARED)

# ---- fuzzing: `make fuzz-semver FUZZ_TIME=60` builds test/fuzz/fuzz_semver.c and what it includes
# with clang, in $(O)/fuzz, and runs it on its corpus. What it finds beyond the corpus in git stays in
# $(O)/fuzz/corpus, a crash in $(O)/fuzz. `make fuzz-corpus` builds all and runs what git has, once.
FUZZ_TIME ?= 60
FUZZ_CC ?= clang-19
FUZZ_CXX ?= clang++-19
FUZZERS := $(patsubst test/fuzz/fuzz_%.c,%,$(wildcard test/fuzz/fuzz_*.c))
# NAME:MODULE for each include of each target, by one program: every make reads this.
FUZZ_INCLUDES := $(shell awk -F '["/]' '/^.include "[a-z]*\// {n = FILENAME; gsub(/^.*\/fuzz_|\.c$$/, "", n); print n ":" $$2}' test/fuzz/fuzz_*.c)
fuzz_includes = $(patsubst $(1):%,%,$(filter $(1):%,$(FUZZ_INCLUDES)))
fuzz_modules = $(filter $(foreach m,$(call fuzz_includes,$(1)),$(m) $(DEPS_$(m))),$(REV_MODULES))
define FUZZ_template
$(O)/fuzz-$(1): $(O)/test/fuzz/fuzz_$(1).o $(call archives,$(call fuzz_modules,$(1)))
	$(Q)$(CXX) $(LDFLAGS) $(LDSAN) -fsanitize=fuzzer -o $$@ $$^ $(LIBS_SHARED)
fuzz-$(1):
	@bash .ci/deps build fuzz
	+@$(MAKE) --no-print-directory O=$(O)/fuzz FUZZ=1 SAN= CC='$(FUZZ_CC)' CXX='$(FUZZ_CXX)' $(O)/fuzz/fuzz-$(1)
	@mkdir -p $(O)/fuzz/corpus/$(1)
	$(O)/fuzz/fuzz-$(1) -max_total_time=$(FUZZ_TIME) -print_final_stats=1 -artifact_prefix=$(O)/fuzz/ $(O)/fuzz/corpus/$(1) $(wildcard test/fuzz/corpus/$(1))
.PHONY: fuzz-$(1)
endef
$(foreach f,$(FUZZERS),$(eval $(call FUZZ_template,$(f))))

.PHONY: fuzz-corpus fuzz-corpus-run
fuzz-corpus: ## builds all fuzz targets, runs them once on what git has
	@bash .ci/deps build fuzz
	$(AGAIN) O=$(O)/fuzz FUZZ=1 SAN= CC='$(FUZZ_CC)' CXX='$(FUZZ_CXX)' fuzz-corpus-run
fuzz-corpus-run: $(FUZZERS:%=$(O)/fuzz-%)
	@bash test/fuzz/corpus.sh $(O) $(FUZZERS)

# What people type; `make help` prints the targets with a ## behind them.

.PHONY: help
help: ## this list
	@echo "unit-MODULE            one unit program, built and run: make O=build/san SAN=1 unit-oci"
	@echo "fuzz-NAME              one fuzz target for FUZZ_TIME seconds (60)"
	@awk -F ':.*## ' '/^[a-z0-9_.-]+:.*## / {printf "%-22s %s\n", $$1, $$2} \
		/^# var / {sub(/^# var /, ""); vars = vars $$0 "\n"} END {printf "\nVariables\n%s", vars}' Makefile
# var O=DIR                  the build directory (build)
# var SAN=1                  with the sanitizers of addresses and undefined behaviour
# var V=1                    whole commands
# var CC=clang CXX=clang++   another compiler; CC="ccache gcc" works too
# var TESTS="a b"            make e2e, make test-isolation: these scripts only
# var UNIT=NAME              unit programs: one suite only, test_NAME.c

.PHONY: all clean fmt fmt-check check-deps check-tree print-cppflags unit
all: $(O)/oci-source-controller $(O)/ocictl ## both programs, with hardening

clean: ## removes the build directory
	rm -rf $(O)

UNITS := $(addprefix $(O)/unit-,$(UNIT_MODULES))
unit: $(UNITS) ## the unit programs, built as O and SAN say
	@export LSAN_OPTIONS=suppressions=$(CURDIR)/test/lsan.supp:print_suppressions=0; rc=0; for u in $(UNITS); do $$u || rc=1; done; exit $$rc

# The fast loop: what is quick to check, and the sanitized suites of the modules that differ from BASE. That is where HEAD left
# origin/main; without it, where HEAD left main; on main itself, the commit before.
BASE ?= $(shell git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null | grep -vx "$$(git rev-parse HEAD)" || \
	git rev-parse -q --verify HEAD~1 || echo HEAD)
CHANGED = $(shell { git diff --name-only $(BASE); git ls-files --others --exclude-standard; } | \
	sed -nE 's,^(lib|controllers|test/unit)/([a-z]+)/.*,\2,p; s,^cmd/.*,cmd,p')
.PHONY: quick quick-units
quick: check-deps fmt-check ## check-deps, fmt-check, sanitized suites of what changed (BASE=COMMIT)
	@bash .ci/deps test
	$(AGAIN) O=build/san SAN=1 BASE=$(BASE) quick-units
QUICK_UNITS = $(addprefix $(O)/unit-,$(filter $(CHANGED),$(UNIT_MODULES)))
quick-units: $(if $(filter quick-units,$(MAKECMDGOALS)),$(QUICK_UNITS))
	@$(if $(QUICK_UNITS),bash test/all.sh $(QUICK_UNITS),echo "quick: no module differs from $(BASE)")

# For editors and clang tools: how each C file of the sanitized build is compiled.
EDITOR_ALSO = $(FUZZERS:%=fuzz-%) textdiff policydiff proxydiff untardiff
compile_commands.json: ## for editors: how each file is compiled
	@bash .ci/deps test
	@$(MAKE) -nB --no-print-directory O=build/san SAN=1 all unit $(EDITOR_ALSO:%=build/san/%) | jq -nR --arg directory '$(CURDIR)' \
		'[inputs | capture("^ *(?<command>.* -c -o [^ ]+ (?<file>[^ ]+))$$") | {$$directory} + .]' > $@.tmp
	@mv $@.tmp $@
.PHONY: compile_commands.json

FMT_FILES = $(shell git ls-files --cached --others --exclude-standard '*.c' '*.h' '*.cc')
fmt: ## formats the C files
	@bash .ci/deps fmt
	@clang-format-19 -i $(FMT_FILES)
# One version decides: the newest that Debian 12 and 13 both have.
fmt-check: ## says what make fmt would change
	@bash .ci/deps fmt
	@clang-format-19 --dry-run --Werror $(FMT_FILES)
check-deps: ## layers only point down; who may include and call what
	@bash .ci/check-deps
CHECKS ?= headers banned names callers circles columns
check-tree: ## headers alone, banned and dead names, callers, circles (CHECKS=...)
	@bash .ci/deps build check
	@python3 .ci/check-tree $(CHECKS)
print-cppflags:
	@echo '$(CPPFLAGS) $(LLHTTP_CFLAGS)'

# Packages first, then a second make: what pkg-config says is read when a makefile is read.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
AGAIN = +@$(MAKE) --no-print-directory $(JOBS)
PREFIX ?= /usr/local
.PHONY: deps install run test test-all test-isolation e2e image bench bench-serving
deps: ## installs the Debian packages that the targets need
	bash .ci/deps

install: all ## to DESTDIR and PREFIX (/usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -s -m 755 $(O)/oci-source-controller $(O)/ocictl $(DESTDIR)$(PREFIX)/bin

run: ## a registry, the controller and some objects, until Ctrl-C
	@bash .ci/deps run
	$(AGAIN) all
	@RUN_FOR=$(RUN_FOR) bash test/run.sh

test: ## sanitized: unit programs, then scripts with a real registry
	@bash .ci/deps test
	$(AGAIN) O=build/san SAN=1 test-all
test-all: all $(UNITS)
	@BUILD=$(abspath $(O)) bash test/all.sh $(UNITS) $(sort $(wildcard test/integration/*_test.sh))

# Each check of a signature switched off in turn: docs/verification.md, "Each check is needed". Takes about half an hour.
.PHONY: mutate-verify
mutate-verify: ## each check of signatures switched off: does a test notice?
	@bash .ci/deps test
	@python3 test/mutation/run.py $(if $(filter -j%,$(MAKEFLAGS)),$(filter -j%,$(MAKEFLAGS)),-j $(shell nproc)) --out $(abspath $(O))/mutation

e2e: ## against a real kube-apiserver; needs Go
ifeq ($(NO_E2E),1)
	@echo "make e2e: SKIPPED, because NO_E2E=1"
else
	@bash .ci/deps e2e
	$(AGAIN) all
	@bash test/e2e/run.sh $(TESTS)
endif

# No registry, tenant or client takes what the others need: docs/isolation.md. TESTS="dead_registry ..." runs those only.
test-isolation: ## one bad registry, tenant or client hurts nobody else
	@bash .ci/deps isolation
	$(AGAIN) all
	@BUILD=$(abspath $(O)) bash test/isolation/run.sh $(TESTS)

image: ## builds and tries the image; needs root
ifeq ($(NO_E2E),1)
	@echo "make image: SKIPPED, because NO_E2E=1"
else
	@bash .ci/deps run image
	@bash test/image.sh
endif

# One JSON line a scenario; needs Go, as e2e does. PEER_SC, PEER_IRC, PEER_IAC and PEER_NC name programs of Flux to
# measure beside (test/bench/image.sh, test/bench/git.sh).
bench: ## what a reconcile costs, one JSON line a scenario; needs Go
	@bash .ci/deps e2e
	$(AGAIN) all
	@bash test/bench/run.sh
	@BUILD=$(abspath $(O)) bash test/bench/signed.sh
	@BUILD=$(abspath $(O)) bash test/bench/image.sh
	@BUILD=$(abspath $(O)) bash test/bench/git.sh

# docs/serving.md, "Measured". PARTS="restart outage beside replicas" runs those only.
bench-serving: ## how well artifacts stay available, in JSON lines; needs Go and root
	@bash .ci/deps e2e
	$(AGAIN) all
	@BUILD=$(abspath $(O)) bash test/bench/serving.sh $(PARTS)

-include $(shell find $(O) -name "*.d" 2>/dev/null)
