"""What the runner costs beside a bare PyTorch loop that only fuses and saves.

    python benchmarks/perf/runner.py [--method refinefuse] [--pairs 8] [--rounds 3] [--data-root DIR --dataset msrs]
                                     [--device cuda --batch-size auto]

Both fuse the same pairs with the same weights, by turns, in processes of their own: the loop as a PhD student writes
it (read, to tensor, network, to uint8, save as PNG), and `fusionbench run`. Printed are the medians over the rounds
of the loop's seconds, of the fuse phase that run.json records, and of the whole call with start-up and scoring; on a
GPU also how busy nvidia-smi saw it while it was busy at all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fusionbench.provenance import nvidia_smi

LOOP = """
import sys, time
from pathlib import Path
import cv2, numpy as np, torch
from fusionbench.data import dataset, find_split
from fusionbench.registry.methods import load, spec
from fusionbench.weights.methods import load_weights, shipped_weights

name, data, limit, root, device, out = sys.argv[1:7]
method = load(name).eval()
weights = shipped_weights(spec(name), dataset(data).family, spec(name).config().args)
if weights is not None:
    load_weights(method, weights.path)
method.to(device)
pairs = find_split(dataset(data), "test", root or None, int(limit)).pairs
Path(out).mkdir(parents=True)
started = time.perf_counter()
with torch.inference_mode():
    for pair in pairs:
        a = cv2.imread(str(pair.a), cv2.IMREAD_GRAYSCALE)
        ycc = cv2.cvtColor(cv2.imread(str(pair.b)), cv2.COLOR_BGR2YCrCb)
        pads = [(-side) % method.multiple for side in a.shape]
        planes = [np.pad(x, ((0, pads[0]), (0, pads[1])), mode="edge") for x in (a, ycc[..., 0])]
        a_, b_ = (torch.from_numpy(x)[None, None].to(device).float() / 255 for x in planes)
        y = method.fuse(a_, b_)[0, 0, : a.shape[0], : a.shape[1]]
        ycc[..., 0] = (y.clamp(0, 1) * 255).round().byte().cpu().numpy()
        cv2.imwrite(f"{out}/{pair.id}.png", cv2.cvtColor(ycc, cv2.COLOR_YCrCb2BGR))
print(time.perf_counter() - started)
"""


def loop(options: argparse.Namespace, folder: Path) -> float:
    arguments = [options.method, options.dataset, str(options.pairs), options.data_root]
    arguments += [options.device, str(folder / "loop")]
    done = subprocess.run(
        [sys.executable, "-c", LOOP, *arguments], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def runner(options: argparse.Namespace, folder: Path) -> tuple[float, float, float, float]:
    """Return the seconds of fusing, of scoring and of the whole call, and the GPU's utilisation in per cent."""
    command = ["-m", "fusionbench", "run", "-m", options.method, "-d", options.dataset, "--no-baselines"]
    command += ["--limit", str(options.pairs), "--out", str(folder / "runs"), "--json"]
    command += ["--device", options.device, "--batch-size", options.batch_size]
    command += ["--data-root", options.data_root] if options.data_root else []
    started = time.perf_counter()
    called = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with called as run, ThreadPoolExecutor(1) as other:
        watched = other.submit(utilisation, run)
        words = run.communicate()[1]
    took = time.perf_counter() - started
    if run.returncode:
        raise SystemExit(words.decode())
    record = json.loads(next((folder / "runs").glob("*/*/*/run.json")).read_text())
    seconds = record["provenance"]["seconds"]
    return seconds["fuse"], seconds["score"], took, watched.result()


def utilisation(run: subprocess.Popen) -> float:
    """Return the median of the utilisation of the busiest GPU, in per cent, while a process runs and it is above 0."""
    seen = [0.0]
    while run.poll() is None and (cards := nvidia_smi("utilization.gpu")):
        seen.append(max(float(card[0].removesuffix("%")) for card in cards))
        time.sleep(0.1)
    return statistics.median([busy for busy in seen if busy] or [0.0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", default="refinefuse")
    parser.add_argument("--dataset", default="demo")
    parser.add_argument("--data-root", default="")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", default="1")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    loops, runs = [], []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            loops.append(loop(options, Path(folder)))
            runs.append(runner(options, Path(folder)))
    bare = statistics.median(loops)
    fuse, score, whole, busy = (statistics.median(column) for column in zip(*runs, strict=True))
    ratios = [run[0] / alone for run, alone in zip(runs, loops, strict=True)]
    where = f"{options.device}, batches of {options.batch_size}"
    print(
        f"{options.method} on {options.pairs} pairs of {options.dataset}, {where}, medians of {options.rounds}:"
    )
    print(f"  bare loop, fuse and save   {bare:8.2f} s")
    print(
        f"  runner, fuse and save      {fuse:8.2f} s   {statistics.median(ratios):.3f} of the loop, {options.pairs / fuse:.1f} images a second"
    )
    print(f"  runner, score              {score:8.2f} s")
    print(f"  whole call with start-up   {whole:8.2f} s")
    if options.device != "cpu":
        print(f"  GPU, while it was busy     {busy:8.0f} %")


if __name__ == "__main__":
    main()
