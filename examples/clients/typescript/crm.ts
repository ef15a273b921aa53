/**
 * A caller of the CRM: the generated client, made fit for tills that lose their network.
 *
 * `make clients` generates `client` from the API document. It has one typed function for each
 * route, and knows nothing of retries. This module adds what every caller needs:
 *
 * - Each call gets an idempotency key. All its attempts have the same, so a retry has no second
 *   effect.
 * - What may succeed later is tried again, with growing random pauses, within a budget of time.
 * - A refusal is thrown, with its tag.
 * - An answer that somebody else gave in the place of the service, such as a gateway, is told apart.
 * - A list is an iterator over its pages.
 */

import { createClient, type Client } from "./client/client";
import type { Error as Told, ErrorEnvelope, ErrorMinor, ErrorTag } from "./client";

/** The service did not do what was asked, and says why. */
export class Refusal extends Error {
  readonly tag: ErrorTag;
  readonly faults: ErrorMinor[];
  readonly retryable: boolean;
  readonly detail: Told["detail"];
  readonly requestId: string;

  constructor(
    readonly status: number,
    readonly answer: ErrorEnvelope,
  ) {
    const { error, stats } = answer;
    super(`${error.major.tag}: ${error.major.message}`);
    this.tag = error.major.tag;
    this.faults = error.minor;
    this.retryable = error.retryable;
    this.detail = error.detail;
    this.requestId = stats.request_id;
  }

  /** Whether `problem` is a refusal with this tag. */
  static is(problem: unknown, tag: ErrorTag): problem is Refusal {
    return problem instanceof Refusal && problem.tag === tag;
  }
}

/**
 * Somebody on the way answered, and not the service: there is no envelope. Whether the service did
 * what was asked, nobody knows; where it is `retryable`, the same call with the same key is safe.
 */
export class ForeignAnswer extends Error {
  readonly retryable: boolean;

  constructor(
    readonly status: number,
    readonly body: string,
    readonly retryAfterMs: number,
  ) {
    super(`status ${status} without an envelope: ${JSON.stringify(body.slice(0, 80))}`);
    this.retryable = status === 429 || status >= 500;
  }
}

export type Fetch = (request: Request) => Promise<Response>;

export interface Access {
  url: string;
  orgcode: string;
  session?: string;
  apiKey?: string;
  /** How long one call may go on trying, in milliseconds. */
  budgetMs?: number;
  /** The network; for tests. */
  fetch?: Fetch;
}

/** What the functions of the generated client take and return. */
type Route<Options, Envelope> = (
  options: Options & { client: Client; throwOnError: true },
) => Promise<{ data: Envelope }>;

interface Paged {
  data: { next_token?: string };
}

/** An org of a CRM, as one session or API key sees it. */
export class Crm {
  private readonly client: Client;

  constructor(access: Access) {
    const headers = new Headers({ "x-orgcode": access.orgcode });
    if (access.session) headers.set("x-session-guid", access.session);
    if (access.apiKey) headers.set("x-api-key", access.apiKey);
    const network = access.fetch ?? ((request) => fetch(request));
    this.client = createClient({
      baseUrl: access.url,
      headers,
      fetch: patient(network, access.budgetMs ?? 15_000) as typeof fetch,
    });
    this.client.interceptors.error.use((problem, response) =>
      isErrorEnvelope(problem) && response ? new Refusal(response.status, problem) : problem,
    );
  }

  /**
   * Calls a route. Returns the `data` of its answer, or throws a `Refusal`; or, once the budget is
   * spent, what kept the answer away: a `ForeignAnswer` or an error of the network.
   */
  async call<Options, Envelope extends { data: unknown }>(
    route: Route<Options, Envelope>,
    options: Options,
  ): Promise<Envelope["data"]> {
    const answer = await route({ ...options, client: this.client, throwOnError: true });
    return answer.data.data as Envelope["data"];
  }

  /** Yields the items of all the pages of a list; `of` takes them out of a page. */
  async *items<Body extends object, Envelope extends Paged, Item>(
    route: Route<{ body: Body }, Envelope>,
    body: Body,
    of: (data: Envelope["data"]) => Item[],
  ): AsyncGenerator<Item> {
    for (let token: string | undefined; ; ) {
      const more = token === undefined ? body : { ...body, next_token: token };
      const data = await this.call(route, { body: more });
      yield* of(data);
      token = data.next_token;
      if (token === undefined) return;
    }
  }
}

/** Returns a `fetch` that tries again. Its key makes every attempt the same request. */
function patient(network: Fetch, budgetMs: number): Fetch {
  return async (request) => {
    if (!request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    }
    const ends = Date.now() + budgetMs;
    for (let longestMs = 100; ; longestMs = Math.min(2 * longestMs, 5_000)) {
      let waitMs = Math.random() * longestMs;
      try {
        const answer = await network(request.clone());
        const body = await envelopeOf(answer);
        waitMs = Math.max(waitMs, retryAfterMs(answer));
        if (answer.ok || Date.now() + waitMs > ends || !isRetryable(body)) return answer;
      } catch (problem) {
        // Nobody knows whether it arrived.
        if (problem instanceof ForeignAnswer) {
          if (!problem.retryable) throw problem;
          waitMs = Math.max(waitMs, problem.retryAfterMs);
        }
        if (Date.now() + waitMs > ends) throw problem;
      }
      await new Promise((done) => setTimeout(done, waitMs));
    }
  };
}

/** Returns the body of an answer of the service; throws a `ForeignAnswer` for any other. */
async function envelopeOf(answer: Response): Promise<object> {
  const text = await answer.clone().text();
  const body = parsed(text);
  if (typeof body === "object" && body !== null && "success" in body && "stats" in body) return body;
  throw new ForeignAnswer(answer.status, text, retryAfterMs(answer));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function retryAfterMs(answer: Response): number {
  const said = answer.headers.get("Retry-After") ?? "";
  // The service sends seconds. Others may send a date, which says no more than our own pauses.
  return /^\d+$/.test(said) ? 1_000 * Number(said) : 0;
}

function isRetryable(body: object): boolean {
  return isErrorEnvelope(body) && body.error.retryable;
}

function isErrorEnvelope(body: unknown): body is ErrorEnvelope {
  return typeof body === "object" && body !== null && "error" in body && "stats" in body;
}
