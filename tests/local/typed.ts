/**
 * What the compiler must refuse: the fields that a request has from its parts are typed like its own,
 * and it takes no others. Each line below an expected error has one; the compiler fails if it has not.
 */

import type { AccountGetRequest, AccountEnvelope, CustomerHit, LoyaltyEarnRequest } from "./client";

const WHAT = { customer_guid: "c", order_ref: "o", amount: { currency: "EUR" as const, amount: 1 } };
const WHY = { reason: "r", source_refs: [{ kind: "ticket", id: "T-1" }] };

export const requests: LoyaltyEarnRequest[] = [
  { ...WHAT, ...WHY, idempotency_key: "K-1", expected_revision: 1 },
  // @ts-expect-error a field that nobody knows
  { ...WHAT, ...WHY, nonsense: 1 },
  // @ts-expect-error another type
  { ...WHAT, ...WHY, reason: 5 },
  // @ts-expect-error another type
  { ...WHAT, ...WHY, idempotency_key: 5 },
  // @ts-expect-error another type within
  { ...WHAT, ...WHY, source_refs: [{ kind: 5 }] },
  // @ts-expect-error no reason
  { ...WHAT, source_refs: WHY.source_refs },
];
// @ts-expect-error another type, where nothing of it is required
export const read: AccountGetRequest = { account_guid: "a", expected_revision: "1" };

export const told = (answer: AccountEnvelope, hit: CustomerHit): [string, number, boolean, string] => [
  answer.data.account.company_name,
  answer.revision,
  answer.success,
  hit.customer_guid,
];
// @ts-expect-error an answer has no such field
export const untold = (answer: AccountEnvelope): unknown => answer.nonsense;
