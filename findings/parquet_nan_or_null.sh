#!/usr/bin/env bash
# What: the same column with a NaN is stored as null by pandas and as NaN by pyarrow, and means of the files differ.
# Versions: pandas 3.1.1, pyarrow 26.0.1, numpy 2.4.6.
# Most expect: a float column keeps its NaN; Parquet knows both.
# Seen: DataFrame.to_parquet writes null, which every mean leaves out; pyarrow.table of the array writes NaN, which makes
# every mean NaN. Read back by pandas both look the same.
# Why it matters here: a table of scores with an undefined value has one mean in pandas and another in the tool that reads
# its Parquet file, by the library that wrote it. The scores here say why a value is missing in a column of their own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
PYTHONPATH="$folder" python3 - "$folder" <<'PYTHON'
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

print("pandas", pd.__version__, "pyarrow", pa.__version__, "numpy", np.__version__)
values = np.array([1.0, np.nan, 3.0])
pd.DataFrame({"score": values}).to_parquet(f"{sys.argv[1]}/pandas.parquet")
pq.write_table(pa.table({"score": values}), f"{sys.argv[1]}/pyarrow.parquet")
seen = {}
for writer in ("pandas", "pyarrow"):
    column = pq.read_table(f"{sys.argv[1]}/{writer}.parquet").column("score")
    again = pd.read_parquet(f"{sys.argv[1]}/{writer}.parquet")["score"]
    seen[writer] = column.null_count, pc.mean(column).as_py()
    print(f"written by {writer:8} expected the same file, seen", column.null_count, "nulls, mean", seen[writer][1], "- in pandas again", again.tolist())
same = seen["pandas"] == (1, 2.0) and seen["pyarrow"][0] == 0 and np.isnan(seen["pyarrow"][1])
sys.exit(0 if same else 1)
PYTHON
