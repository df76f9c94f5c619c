# Everything is in run.py, so that `python run.py demo` does the same where there is no make.
PYTHON ?= python3

.PHONY: demo test lint test-ardour bench clean
demo test lint test-ardour bench clean:
	@$(PYTHON) run.py $@
