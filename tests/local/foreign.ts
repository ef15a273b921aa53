/**
 * Calls behind something that answers in the place of the service: `node foreign.js URL`.
 * See `foreign.py`, which does the same.
 */

import { customerGet, customerUpdate } from "./client";
import { Crm, ForeignAnswer, Refusal } from "./crm";

async function main([url]: string[]): Promise<void> {
  const answer = await new Crm({ url: url!, orgcode: "PASSING" }).call(customerUpdate, {
    body: {
      customer_guid: "cust_1",
      expected_revision: 1,
      customer: { first_name: "Ada" },
      reason: "A typing mistake",
      source_refs: [{ kind: "ticket", id: "T-1" }],
    },
  });
  console.log("PASSING", answer.customer.status);
  for (const orgcode of ["DOWN", "WALL", "PORTAL", "LATER"]) {
    const crm = new Crm({ url: url!, orgcode, budgetMs: 500 });
    try {
      await crm.call(customerGet, { body: { customer_guid: "cust_1" } });
    } catch (problem) {
      if (problem instanceof Refusal) {
        console.log(orgcode, problem.status, problem.tag);
        continue;
      }
      if (!(problem instanceof ForeignAnswer)) throw problem;
      console.log(orgcode, problem.status, problem.retryable ? "retryable" : "final");
    }
  }
}

void main(process.argv.slice(2));
