"""Articles in, ranked passages out: read -> passages -> embed -> store -> search.

types.py, errors.py                      the values that pass between the stages, the errors raised on purpose
articles.py, formats.py, sandbox.py      files, folders and web addresses -> articles, what is left out, and why
passages.py, dates.py, duplicates.py     article -> passages with sentence offsets, its dates, its copies
embed.py, embed_fast.py                  text -> unit vectors
segment.py, vectors.py                   articles, words and vectors on disk, written once
manifest.py, writer.py, store.py         generations of segments: stated, published, read
query.py, search.py                      question -> ranked passages
build.py, maintenance.py                 paths -> a new generation; status, remove, verify, repair
"""
