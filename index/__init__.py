"""Articles in, ranked passages out: read -> passages -> embed -> store -> search.

types.py     the values that pass between the stages
errors.py    the errors raised on purpose
articles.py  files and folders -> articles, with the reason for every file that is left out
passages.py  article -> passages with sentence offsets
embed.py     text -> unit vectors (the only importer of sentence_transformers)
store.py     the index on disk: generations, FAISS, SQLite (the only importer of faiss)
search.py    question -> ranked passages
build.py     all of it: paths -> a new generation of an index
"""
