"""A new process that reads the org, and ends. It imports what the table needs, and no family."""

from __future__ import annotations

from shared.identity import OrgRecord
from shared.keys import of_org
from shared.records import Get
from shared.table import Table


def main() -> None:
    get = Get(of_org("BENCH").org_record(), OrgRecord)
    Table().load([get]).require(get)


if __name__ == "__main__":
    main()
