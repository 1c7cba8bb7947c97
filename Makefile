# `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
PYTHON := $(VENV)/bin/python
WEGWIJZER := $(VENV)/bin/wegwijzer
RASA := $(PYTHON) -m bot.rasa_cli
MODELS := $(or $(WEGWIJZER_MODELS_DIR),models)
# What a model is made of.
MODEL_SOURCES := config.yml domain.yml data/nlu data/stories data/lexicon content/platforms.yml content/helplines.yml
# More arguments for the command of a target: make test ARGS="-k crisis"
ARGS ?=

# No usage figures and no crash reports leave this machine.
export RASA_TELEMETRY_ENABLED := false
export SENTRY_DSN :=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 } /^##@ / { printf "\n%s\n", substr($$0, 5) }' $(firstword $(MAKEFILE_LIST))

##@ Daily use

.PHONY: run
run: model ## install, train if there is no model, start the bot and say which address to open
	@$(WEGWIJZER) run $(ARGS)

.PHONY: talk
talk: model ## talk to the bot in this terminal
	@$(WEGWIJZER) talk $(ARGS)

.PHONY: demo
demo: model ## fill an empty store with made-up conversations, to try the console
	@$(WEGWIJZER) demo $(ARGS)

.PHONY: test
test: model ## install, train if there is no model, run every test
	@$(PYTHON) -m pytest $(ARGS)

.PHONY: install
install: $(VENV)/.ready ## make .venv/ with what uv.lock names

$(VENV)/.ready: pyproject.toml uv.lock scripts/bootstrap.sh
	@scripts/bootstrap.sh
	@touch $@

.PHONY: train
train: install ## check content and data, train, write a model to models/
	@$(WEGWIJZER) train $(ARGS)

.PHONY: model
model: install
	@newest=$$(ls -t $(MODELS)/*.tar.gz 2>/dev/null | head -n 1); \
	if [ -z "$$newest" ]; then \
	    echo "No model yet: training one, which takes a few minutes."; $(WEGWIJZER) train; \
	elif [ -n "$$(find $(MODEL_SOURCES) -newer "$$newest")" ]; then \
	    echo "Note: $$newest is older than what it is made of; 'make train' makes a new one." >&2; \
	fi

##@ Before you hand in a change

.PHONY: check
check: check-style check-format check-types check-content check-docs ## style, types, content, generated pages

.PHONY: check-style
check-style: install
	$(VENV)/bin/ruff check

.PHONY: check-format
check-format: install
	$(VENV)/bin/ruff format --check

.PHONY: check-types
check-types: install
	$(VENV)/bin/mypy

.PHONY: check-content
check-content: install
	$(WEGWIJZER) content check

.PHONY: check-docs
check-docs: install
	$(WEGWIJZER) content docs --check

.PHONY: format
format: install ## put the code in the project's format
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format

.PHONY: docs
docs: install ## write the pages of docs/ that are made from content/ and from the settings
	@$(WEGWIJZER) content docs

.PHONY: conversations
conversations: model ## write docs/conversations.md with what the bot answers today
	@$(PYTHON) scripts/conversations.py

.PHONY: bench
bench: model ## measure beside the example bot of Rasa
	@$(PYTHON) -m benchmarks $(ARGS)

.PHONY: curves
curves: model ## draw what the thresholds of the language understanding are chosen from, into docs/images/
	@$(PYTHON) -m benchmarks.curves $(ARGS)

.PHONY: bench-robustness
bench-robustness: model ## measure what sloppy writing costs each facet
	@$(PYTHON) -m benchmarks.robustness $(ARGS)

.PHONY: bench-nlu
bench-nlu: install ## train and compare classifiers on the same messages, DIET among them
	@$(PYTHON) -m benchmarks.nlu_models $(ARGS)

.PHONY: bench-redaction
bench-redaction: install ## measure redaction on the labelled messages, figures into docs/redaction.md
	@$(PYTHON) -m bot.transcripts.measure --write $(ARGS)

.PHONY: bench-telegram
bench-telegram: model ## measure the time to an answer on Telegram beside Rasa's own channel
	@$(PYTHON) -m benchmarks.telegram $(ARGS)

.PHONY: bench-transcripts
bench-transcripts: model ## measure lists and searches over 100,000 transcripts, and what writing them costs a turn
	@$(PYTHON) -m benchmarks.transcripts $(ARGS)
	@$(PYTHON) -m benchmarks.transcripts_turn

.PHONY: bench-archiving
bench-archiving: model ## measure what putting turns into the database costs, by how many are put in together
	@$(PYTHON) -m benchmarks.archiving $(ARGS)

.PHONY: bench-load
bench-load: model ## measure the big day: two bots on Redis and PostgreSQL beside stock Rasa on Redis, a growing crowd
	@$(PYTHON) -m benchmarks.big_day $(ARGS)

.PHONY: cost-model
cost-model: install ## what 1,000, 20,000 and 1,000,000 conversations an hour take, from the last bench-load
	@$(PYTHON) -m benchmarks.cost_model $(ARGS)

.PHONY: bench-redis
bench-redis: install ## measure what Redis costs a web message, without its turn
	@$(PYTHON) -m benchmarks.redis_steps $(ARGS)

.PHONY: bench-unsure
bench-unsure: model ## measure from which confidence on a conversation is worth a moderator's look
	@$(PYTHON) -m benchmarks.unsure $(ARGS)

.PHONY: bench-web
bench-web: model ## measure the web channel: first message on a slow phone, 2,000 open streams
	@$(PYTHON) benchmarks/web_streams.py $(ARGS)

.PHONY: fuzz
fuzz: model ## many made-up requests at everything that can be reached, a few minutes; says how many
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),250) $(PYTHON) -m pytest tests/fuzz --reruns 0 -q $(ARGS)

##@ Rasa's own commands (telemetry off, no TensorFlow)

.PHONY: rasa
rasa: install ## any command: make rasa ARGS="train nlu"
	@$(RASA) $(ARGS)

.PHONY: rasa-train
rasa-train: install ## rasa train
	@$(RASA) train $(ARGS)

.PHONY: rasa-validate
rasa-validate: install ## rasa data validate
	@$(RASA) data validate $(ARGS)

.PHONY: rasa-shell
rasa-shell: model ## rasa shell; needs 'make rasa-actions' in another terminal
	@$(RASA) shell $(ARGS)

.PHONY: rasa-run
rasa-run: model ## rasa run, on this machine only; needs 'make rasa-actions' in another terminal
	@$(RASA) run $(ARGS)

.PHONY: rasa-actions
rasa-actions: install ## rasa run actions, on this machine only
	@$(RASA) run actions $(ARGS)

.PHONY: rasa-test-nlu
rasa-test-nlu: model ## rasa test nlu, report in results/
	@$(RASA) test nlu $(ARGS)

.PHONY: rasa-test-core
rasa-test-core: model ## rasa test core on the dialogues of tests/, report in results/
	@$(RASA) test core --stories tests/test_stories.yml $(ARGS)

##@ Other installs

.PHONY: install-diet
install-diet: ## bring TensorFlow back, to compare with Rasa's DIET (then set WEGWIJZER_TENSORFLOW=1)
	@scripts/bootstrap.sh --extra diet
	@touch $(VENV)/.ready

.PHONY: image
image: ## build the container image
	docker build --tag wegwijzer .

.PHONY: image-size
image-size: model ## do the steps of the Dockerfile by hand, without an engine, and say what each part weighs
	@sh scripts/image_size.sh

.PHONY: secrets
secrets: ## make the secrets that compose.scale.yml hands out, in deploy/secrets/
	@sh deploy/make-secrets.sh

.PHONY: sbom
sbom: install ## write what the image holds of others to results/sbom.json (CycloneDX)
	@sh scripts/sbom.sh
