#!/usr/bin/env bash
# What: two readers of one YAML file disagree on what is a number and what is text, OmegaConf resting on PyYAML itself.
# Versions: pyyaml 6.0.4, omegaconf 2.4.0.
# Most expect: OmegaConf.load and yaml.safe_load give the same values.
# Seen: 1e-3 is the text "1e-3" in PyYAML and 0.001 in OmegaConf; 2026-11-28 is a date in PyYAML and text in OmegaConf.
# 16:9 is the number 969 in both.
# Why it matters here: a recipe with "lr: 1e-3" trains when OmegaConf reads it and fails, or compares as text, in a script
# that reads the same file with PyYAML to list or hash the settings.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" pyyaml==6.0.4 omegaconf==2.4.0
PYTHONPATH="$folder" python3 - <<'PYTHON'
import importlib.metadata
import sys

import yaml
from omegaconf import OmegaConf

print("pyyaml", yaml.__version__, "omegaconf", importlib.metadata.version("omegaconf"))
seen = {}
for text in ("1e-3", "2026-11-28", "16:9"):
    line = f"value: {text}"
    seen[text] = type(yaml.safe_load(line)["value"]).__name__, type(OmegaConf.create(line)["value"]).__name__
    print(f"{line:18} PyYAML {yaml.safe_load(line)['value']!r}, OmegaConf {OmegaConf.create(line)['value']!r}")
sys.exit(0 if seen == {"1e-3": ("str", "float"), "2026-11-28": ("date", "str"), "16:9": ("int", "int")} else 1)
PYTHON
