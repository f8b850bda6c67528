#!/usr/bin/env bash
# Versions: DuckDB 2.0.0.
# Expected: a checkpoint writes free blocks, then the header; interrupted before the header, the former checkpoint is whole, and with
#     the log nothing is lost.
# Seen: a checkpoint writes blocks of metadata, each of many small pieces, where they are, while the header still needs other pieces
#     of them. With half of such a write done, the file is refused for a wrong checksum, its log of no use.
# Matters: a process killed as it stores results, or a power cut, can cost the whole database (3 of 483 processes killed as they
#     committed one small result after the other, on a file system in memory). Copy these blocks, or the file, before a checkpoint.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import shutil
from pathlib import Path

import duckdb

HEADERS, BLOCK = 3 * 4096, 2**18
results = Path("results.duckdb")
client = duckdb.connect()
client.execute("attach 'results.duckdb' as results")
client.execute("create table results.models (id bigint primary key, name varchar)")
client.execute("detach results")


def commit(row):
    """Attach, commit, and detach, which is a checkpoint; returns the file and its log as they were before that."""
    client.execute("attach 'results.duckdb' as results")
    client.execute("insert into results.models values (?, 'vae')", [row])
    state = results.read_bytes(), Path("results.duckdb.wal").read_bytes()
    client.execute("detach results")
    return state


for row in range(5):
    commit(row)
with duckdb.connect("results.duckdb", read_only=True) as reader:
    needed = {block for (block,) in reader.execute("select block_id from pragma_metadata_info()").fetchall()}
before, log = commit(5)
after = results.read_bytes()
places = {block: HEADERS + block * BLOCK for block in needed}
overwritten = [block for block, at in places.items() if before[at : at + BLOCK] != after[at : at + BLOCK]]
print("blocks of metadata of the former checkpoint:", sorted(needed), "of these written again in place:", overwritten)
assert overwritten

# The checkpoint, interrupted after some pages of that block: the header is the former one, the log is there.
half = bytearray(before)
at = places[overwritten[0]]
pages = [page for page in range(at, at + BLOCK, 4096) if before[page : page + 4096] != after[page : page + 4096]]
print("pages of 4096 bytes that differ:", len(pages))
half[at : pages[-1]] = after[at : pages[-1]]
Path("half.duckdb").write_bytes(half)
Path("half.duckdb.wal").write_bytes(log)
Path("whole.duckdb").write_bytes(before)
Path("whole.duckdb.wal").write_bytes(log)
with duckdb.connect("whole.duckdb") as reader:
    assert reader.execute("select count(*) from models").fetchone() == (6,)
try:
    duckdb.connect("half.duckdb")
except duckdb.Error as error:
    print("all but the last of them written:", str(error).split(" does not match")[0][:60], "...")
    assert "checksum" in str(error)
else:
    raise SystemExit("it was opened")
PYTHON
