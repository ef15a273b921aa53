"""Whole customers: what touches every record of one at once.

A merge makes two customers one. The source stays as a redirect: its id, e-mails, phones, code and
refs lead to the survivor, which has the points and answers for every record of both. A merge is one
step: it is done or it is not, however many records there are.
"""
