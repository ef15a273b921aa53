"""Whole customers: what touches every record of one at once.

A merge makes two customers one. The source stays as a redirect: its id, e-mails, phones, code and
refs lead to the survivor, which has the points and answers for every record of both. A merge is one
step: it is done or it is not, however many records there are.

An export answers everything that is stored about a customer. An anonymization removes what is
personal, and leaves what analysis needs. A deletion removes everything, and answers a signed
receipt; ``customer-deleted`` tells others to erase their copies. Both reach the customer and
everyone merged into it, and both are jobs:

| job | what it means | who sets it |
| --- | --- | --- |
| ``running`` | writes are ``busy``; during a deletion reads are 404 | a call |
| ``done`` | the result is final; the same call answers it again | whoever ends it |

A customer of up to about 800 records is done in the call. Otherwise the answer has ``job``, and the
service ends it within minutes by itself. A ``legal_hold`` flag forbids both erasures, and a merge
of its customer into another one.
"""
