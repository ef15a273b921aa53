"""Comments on any record: of this service, which must exist, or of another system.

A comment has a caption and a body, and says of whom and of what it speaks. Its author may revise
it. Every text that it ever had is kept under a number of its own, and nothing overwrites it.

| comment | what it may | goes on to |
| --- | --- | --- |
| ``current`` | be revised; lists and the report show it | ``archived``, ``deleted`` |
| ``archived`` | be read | ``current``, ``deleted`` |
| ``deleted`` | be read, without its texts; their sizes stay | none |

Comments on a record of this service are for those who may read such a record; all others are for
every member of the org. Comments on a customer who was merged are the survivor's as well. A reply
stands below a comment on the same record, one level deep. Once a record is gone, nothing new is
said about it, and what was said may still be changed and taken back; what was said about a deleted
customer is gone as well. Events tell no id of another system's record.

Lists by author and the report show a change a moment later; every other call shows it at once.
"""
