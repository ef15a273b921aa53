// How the page talks to the server: plain JSON, with the clock of the page.

// The time that every call of the page carries; null for the real time.
let movedTo = null;

const DAY_MS = 24 * 60 * 60 * 1000;

export function moveClock(time) {
  movedTo = time;
}

// Returns the time of the page so many days on, as a header carries it; null for the real time.
export function timeAfter(days) {
  if (days === 0) return movedTo;
  const now = movedTo === null ? Date.now() : Date.parse(movedTo);
  return new Date(now + days * DAY_MS).toISOString();
}

// Returns the date of the page so many days on.
export function dateAfter(days) {
  return (timeAfter(days) ?? new Date().toISOString()).slice(0, 10);
}

export async function getJson(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

// Returns {status, body, replayed, tookMs} of one call of the API at a time, as timeAfter gives it.
export async function callApi(path, body, caller, time) {
  const began = performance.now();
  const answer = await fetch(`/crm${path}`, {
    method: "POST",
    headers: { ...callerHeaders(caller), ...clockHeaders(time) },
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

function clockHeaders(time) {
  return time === null ? {} : { "x-test-now": time };
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

// Has everything done that is due at a time.
export async function settle(time) {
  await fetch("/_local/settle", { method: "POST", headers: clockHeaders(time) });
}

export async function eventsAfter(sequence) {
  return getJson(`/_local/events?after=${sequence}`);
}
