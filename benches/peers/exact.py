"""Exact search by others over sets of the size that `benches/dense.rs` has: usearch, faiss, and a loop over numpy rows
such as the Python program before this one had.

    python3 -m venv peers && peers/bin/pip install numpy usearch faiss-cpu
    peers/bin/python benches/peers/exact.py

Random unit vectors of 1,536 numbers, top 10, all cores; the best and the median of the tries, in milliseconds. The best
says what the code can do, the median what it did on this machine as loaded as it was. A plain read of the same memory
stands beside them. Nothing of this is needed to build or run the program.
"""

import argparse
import os
import statistics
import time

import faiss
import numpy as np
import usearch
from usearch.index import MetricKind, search

DIMENSION = 1_536
TOP = 10


def tried(act, least_tries, seconds=3.0):
    """Milliseconds of every try: at least so many, for at least so long."""
    act()
    took, end = [], time.perf_counter() + seconds
    while len(took) < least_tries or time.perf_counter() < end:
        start = time.perf_counter()
        act()
        took.append((time.perf_counter() - start) * 1_000)
    return took


def loop(rows, query):
    """One cosine at a time, as the ancestor did: both norms anew for every row, then a sort of everything."""
    length = np.linalg.norm
    scores = [(float(np.dot(row, query) / (length(row) * length(query))), at) for at, row in enumerate(rows)]
    scores.sort(reverse=True)
    return scores[:TOP]


def main():
    parser = argparse.ArgumentParser(description="Exact search by usearch, faiss and a numpy loop.")
    parser.add_argument("rows", nargs="*", type=int, default=[10_000, 100_000])
    sizes = parser.parse_args().rows
    cores = os.cpu_count()
    faiss.omp_set_num_threads(cores)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"usearch {usearch.__version__}, faiss {faiss.__version__}, numpy {np.__version__}; {cores} cores, load {load}")
    for count in sizes:
        numbers = np.random.default_rng(1)
        rows = numbers.standard_normal((count, DIMENSION), dtype=np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        query = numbers.standard_normal((1, DIMENSION), dtype=np.float32)
        query /= np.linalg.norm(query)
        flat = faiss.IndexFlatIP(DIMENSION)
        flat.add(rows)
        acts = {
            "plain read (numpy sum, one core)": (lambda: rows.sum(), 5),
            "usearch exact, f32": (
                lambda: search(rows, query, TOP, MetricKind.IP, exact=True, threads=cores),
                5,
            ),
            "faiss IndexFlatIP": (lambda: flat.search(query, TOP), 5),
            "the ancestor's loop": (lambda: loop(rows, query[0]), 1),
        }
        for name, (act, tries) in acts.items():
            took = tried(act, tries)
            print(f"{count:>7} rows  {name:<34} best {min(took):9.2f}  median {statistics.median(took):9.2f}")
        agree(rows, query, flat, cores)


def agree(rows, query, flat, cores):
    """All must find the same: a wrong search is quickly done."""
    best = set(np.argsort(-(rows @ query[0]), kind="stable")[:TOP].tolist())
    by_faiss = set(flat.search(query, TOP)[1][0].tolist())
    by_usearch = set(np.asarray(search(rows, query, TOP, MetricKind.IP, exact=True, threads=cores).keys).ravel().tolist())
    if not best == by_faiss == by_usearch:
        raise SystemExit(f"they differ: numpy {sorted(best)}, faiss {sorted(by_faiss)}, usearch {sorted(by_usearch)}")


if __name__ == "__main__":
    main()
