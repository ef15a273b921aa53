"""Search without a search service, by keyed hashes of parts of names, codes and numbers.

A search entry says only that a record has a token. Tokens are hashed per org, so the entries
contain no readable part of a name. A consumer of the table's stream writes them, so they lag
behind: therefore every hit is checked against the current record before it is shown. The entries
and the check use the same parts of a record, folded in the same way (``shared.folding``).
"""

from shared.search.parts import SEARCHED, matched_fields
from shared.search.query import Number, Query, Term, Word, asked
from shared.search.reading import SearchEntryRecord, find
from shared.search.signatures import signature
from shared.search.tokens import MOST, MOST_SIGNED, VERSION, narrowed, signed, signed_tokens, tokens
from shared.search.traits import DEDUPED, Trait, trait_tokens, traits

__all__ = [
    "DEDUPED",
    "MOST",
    "MOST_SIGNED",
    "SEARCHED",
    "VERSION",
    "Number",
    "Query",
    "SearchEntryRecord",
    "Term",
    "Trait",
    "Word",
    "asked",
    "find",
    "matched_fields",
    "narrowed",
    "signature",
    "signed",
    "signed_tokens",
    "tokens",
    "trait_tokens",
    "traits",
]
