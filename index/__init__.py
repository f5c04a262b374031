"""Articles in, ranked passages out: read -> passages -> embed -> store -> search.

types.py, errors.py                      values passed between the stages; errors with a message for the user
articles.py, formats.py, sandbox.py      files, folders and URLs -> articles, and rejected files with a reason
passages.py, dates.py, duplicates.py     article -> passages with sentence offsets, resolved dates, near-duplicates
embed.py, embed_fast.py                  text -> unit vectors
segment.py, vectors.py                   immutable files of articles, words and vectors
manifest.py, writer.py, store.py         generations of segments: their manifests, publishing, reading
query.py, search.py                      question -> ranked passages
build.py, maintenance.py                 paths -> a new generation; status, remove, verify, repair
"""
