// How the page talks to the server: plain JSON, with the clock of the page.

// The time that every call of the page carries; null for the real time.
let movedTo = null;

export function moveClock(time) {
  movedTo = time;
}

export async function getJson(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

// Returns {status, body, replayed, tookMs} of one call of the API.
export async function callApi(path, body, caller) {
  const began = performance.now();
  const answer = await fetchWithClock(`/crm${path}`, {
    method: "POST",
    headers: callerHeaders(caller),
    body: JSON.stringify(body),
  });
  return {
    status: answer.status,
    body: await answer.json(),
    replayed: answer.headers.get("idempotent-replay") === "true",
    tookMs: Math.round(performance.now() - began),
  };
}

export function callerHeaders(caller) {
  return {
    "content-type": "application/json",
    "x-orgcode": caller.org,
    [caller.header]: caller.secret,
  };
}

// A fetch that adds the clock of the page to calls of the API.
export async function fetchWithClock(resource, options) {
  const request = new Request(resource, options);
  const path = new URL(request.url).pathname;
  if (movedTo !== null && path.startsWith("/crm/")) {
    request.headers.set("x-test-now", movedTo);
  }
  return fetch(request);
}

export async function settle() {
  await fetch("/_local/settle", { method: "POST" });
}

export async function eventsAfter(sequence) {
  return getJson(`/_local/events?after=${sequence}`);
}
