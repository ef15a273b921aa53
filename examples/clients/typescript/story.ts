/**
 * A day at a till, with the generated TypeScript client: `node story.js URL ORG SESSION`.
 *
 * The org has a loyalty policy in EUR, as the local server's ACME does. Each step prints a line. The
 * story ends with an error where the service does not behave as told here.
 */

import assert from "node:assert/strict";
import {
  customerCreate,
  customerGet,
  customerUpdate,
  giftcardGet,
  giftcardIssue,
  giftcardRedeem,
  giftcardReverse,
  loyaltyBalanceGet,
  loyaltyEarn,
  loyaltyLedgerList,
} from "./client";
import { Crm, Refusal } from "./crm";

const WHY = { reason: "A sale at the till", source_refs: [{ kind: "receipt", id: "R-1" }] };
const euro = (cents: number) => ({ currency: "EUR" as const, amount: cents });
const say = (...words: unknown[]) => console.log(...words);

/** A network that delivers the next request, and loses its answer. */
const network = {
  armed: false,
  async fetch(request: Request): Promise<Response> {
    const answer = await fetch(request);
    if (!network.armed) return answer;
    network.armed = false;
    throw new TypeError("the answer was lost");
  },
};

async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (problem) {
    if (problem instanceof Refusal) return problem;
    throw problem;
  }
  throw new Error("this was to be refused");
}

async function newCustomer(crm: Crm): Promise<string> {
  const customer = { first_name: "Ada", last_name: "Lovelace" };
  const made = await crm.call(customerCreate, { body: { customer, ...WHY } });
  say("customer", made.customer.status);
  return made.customer.customer_guid;
}

async function earnsPoints(crm: Crm, customer_guid: string, orders: string[]): Promise<void> {
  for (const order_ref of orders) {
    await crm.call(loyaltyEarn, { body: { customer_guid, order_ref, amount: euro(1_000), ...WHY } });
  }
  const { balance } = await crm.call(loyaltyBalanceGet, { body: { customer_guid } });
  say("points", balance.available_points);
  const told: unknown[] = [];
  const page = { customer_guid, limit: 1 };
  for await (const entry of crm.items(loyaltyLedgerList, page, (data) => data.transactions)) {
    told.push(entry.order_ref);
  }
  assert.deepEqual(told, orders.reverse());
  say("ledger", told.length, "entries, a page each");
}

async function paysWithACard(crm: Crm): Promise<void> {
  const issued = await crm.call(giftcardIssue, { body: { amount: euro(5_000), ...WHY } });
  const card_code = String(issued.stored_value.card_code);
  const pay = { card_code, order_ref: "SO-1", amount: euro(2_000), ...WHY };
  network.armed = true;
  await crm.call(giftcardRedeem, { body: pay });
  const card = await crm.call(giftcardGet, { body: { card_code } });
  say("card", card.stored_value.balance.amount, "after a lost answer");
  const back = {
    body: { card_code, order_ref: "SO-1", ...WHY },
    headers: { "Idempotency-Key": crypto.randomUUID() },
  };
  const first = await crm.call(giftcardReverse, back);
  assert.deepEqual(await crm.call(giftcardReverse, back), first);
  const refused = await refusalOf(crm.call(giftcardRedeem, { body: pay }));
  const reversed = refused.detail.reversed as { amount: number };
  say("refused", refused.tag, reversed.amount);
}

async function twoWriteAtOnce(crm: Crm, customer_guid: string): Promise<void> {
  const renamed = (first_name: string) => ({
    body: { customer_guid, expected_revision: 1, customer: { first_name }, ...WHY },
  });
  await crm.call(customerUpdate, renamed("Augusta"));
  const refused = await refusalOf(crm.call(customerUpdate, renamed("Byron")));
  say("conflict", refused.detail.current_revision);
}

async function asksForNobody(crm: Crm): Promise<void> {
  const asked = crm.call(customerGet, { body: { customer_guid: "cust_nobody" } });
  say("nobody", (await refusalOf(asked)).status);
}

async function main([url, orgcode, session]: string[]): Promise<void> {
  const crm = new Crm({ url: url!, orgcode: orgcode!, session: session!, fetch: network.fetch });
  const customer = await newCustomer(crm);
  const orders = [1, 2, 3].map(() => `SO-${crypto.randomUUID()}`);
  await earnsPoints(crm, customer, orders);
  await paysWithACard(crm);
  await twoWriteAtOnce(crm, customer);
  await asksForNobody(crm);
}

void main(process.argv.slice(2));
