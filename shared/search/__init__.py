"""Search without a search service: keyed hashes of what names begin with, hold and end with.

An entry says "this record has this token" and nothing else; tokens are hashed per org, so the
entries hold no word of anybody's name. They are kept by a consumer of the table's stream, so they
lag; every hit is therefore checked against the live record before it is shown. Entries and check
read a record by the same parts, folded by the same table (``shared.folding``).
"""

from shared.search.parts import SEARCHED, matched_fields
from shared.search.query import Number, Query, Term, Word, asked
from shared.search.reading import SearchEntryRecord, find
from shared.search.tokens import MOST, VERSION, narrowed, tokens

__all__ = [
    "MOST",
    "SEARCHED",
    "VERSION",
    "Number",
    "Query",
    "SearchEntryRecord",
    "Term",
    "Word",
    "asked",
    "find",
    "matched_fields",
    "narrowed",
    "tokens",
]
