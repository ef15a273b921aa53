"""The API document and the events' schema, generated from the route table, models and kinds.

``python -m infra.openapi`` writes the committed files. Nothing here is deployed.

================  =====================================================================
``document``      the OpenAPI document: paths, tags, security
``schemas``       its component schemas, made from the models of the rows
``responses``     its shared responses, headers, parameters and examples
``longhand``      the document with what it says once at each route
``envelopes``     the envelope around every answer, as models
``events``        the JSON Schema of the events, and the page about them
``naming``        names of the enums
``examples``      example values made from schemas
``words``         what the document says of each property, and which lack words
``source``        what only the source of a model says: words below fields, names of types
``released``      the last released document, and what would break its readers
``text``          how the files are written
================  =====================================================================
"""

from infra.openapi.document import document
from infra.openapi.events import event_schema
from infra.openapi.longhand import in_full
from infra.openapi.text import minified, written

__all__ = ["document", "event_schema", "in_full", "minified", "written"]
