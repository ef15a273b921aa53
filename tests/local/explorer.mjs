// Uses the explorer as a person does, in a real browser. Prints what it saw, as JSON.
//
// usage: node explorer.mjs ADDRESS BROWSER

import { chromium } from "playwright-core";

const [address, browserPath] = process.argv.slice(2);
const PATIENCE_MS = 15_000;
const seen = { outside: [], faults: [] };

const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(PATIENCE_MS);
  watch(page);
  await page.goto(address);
  seen.found = await searchFor(page, "consume");
  await chooseCaller(page, "acme-key");
  await moveClock(page, "2031-05-06T07:08:09");
  seen.sent = await sendExample(page, "/account/credit/consume");
  await resetClock(page);
  seen.story = await tellStory(page, "sale-and-return");
  seen.erasure = await tellStory(page, "merge-and-erasure");
  seen.year = await tellStory(page, "a-year");
  seen.events = await eventsOf(page, "giftcard");
  seen.yearInRealTime = await tellStory(await pageInRealTime(), "a-year");
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));

// Notes every request that leaves the server of the page, and every fault that the page reports.
function watch(page) {
  page.on("request", (request) => {
    const url = new URL(request.url());
    const ours = url.origin === new URL(address).origin;
    if (!ours && !["data:", "blob:"].includes(url.protocol)) seen.outside.push(url.href);
  });
  page.on("pageerror", (error) => seen.faults.push(error.message));
  page.on("console", (line) => line.type() === "error" && seen.faults.push(line.text()));
}

async function searchFor(page, word) {
  await page.getByRole("button", { name: "Search" }).first().click();
  await page.getByRole("dialog").getByRole("combobox").fill(word);
  const first = page.getByRole("option").filter({ hasText: word }).first();
  const text = await first.textContent();
  await first.click();
  return text;
}

async function chooseCaller(page, secret) {
  const caller = page.locator("#caller option").filter({ hasText: secret });
  await page.selectOption("#caller", await caller.getAttribute("value"));
}

// Sends the example of a route as it is filled in. Returns who called, when, and the status.
async function sendExample(page, path) {
  await page.getByRole("button", { name: `Test Request (post ${path})` }).click();
  const answered = page.waitForResponse((response) => response.url().endsWith(`/crm${path}`));
  await page.getByRole("button", { name: "Send" }).first().click();
  const response = await answered;
  await page.getByRole("region", { name: "Response" }).getByText("200 OK").waitFor();
  await page.keyboard.press("Escape");
  const headers = await response.request().allHeaders();
  const { stats } = await response.json();
  return { status: response.status(), key: headers["x-api-key"], at: stats.timestamp_utc };
}

// Clicks through the story. Returns the status of each step, and the events that came with it.
async function tellStory(page, id) {
  const story = page.locator(`#story-${id}`);
  const steps = story.locator(".step");
  while ((await story.getAttribute("data-state")) !== "ended") {
    const next = (await steps.count()) + 1;
    await story.locator(".next").click();
    await steps.nth(next - 1).waitFor();
    await story.and(page.locator(":not([data-state=working])")).waitFor();
  }
  return steps.evaluateAll((lines) =>
    lines.map((line) => ({
      status: line.dataset.status,
      says: line.querySelector(".says").textContent,
      passed: line.querySelector(".passed")?.textContent,
      events: [...line.querySelectorAll(".event b")].map((name) => name.textContent),
    })),
  );
}

async function eventsOf(page, family) {
  await page.getByRole("tab", { name: "Events" }).click();
  await page.selectOption("#family", family);
  const lines = page.locator("#event-list > li .event b");
  await lines.filter({ hasText: `${family}-reversed` }).first().waitFor();
  return lines.allTextContents();
}

// A page of a server that was started without a clock that can be moved.
async function pageInRealTime() {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  watch(page);
  await page.route("**/_local/facts", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), test_clock: false } });
  });
  await page.route("**/*", (route) => {
    if (route.request().headers()["x-test-now"]) seen.faults.push("a clock was sent");
    return route.fallback();
  });
  await page.goto(address);
  return page;
}

async function moveClock(page, time) {
  await page.getByRole("tab", { name: "Clock" }).click();
  await page.locator("#clock-field").fill(time);
  await page.locator("#clock-field").dispatchEvent("change");
}

async function resetClock(page) {
  await page.getByRole("button", { name: "back to the real time" }).click();
  await page.getByRole("tab", { name: "Story" }).click();
}
