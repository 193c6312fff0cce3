// Opens a page in Chromium as a phone at night would: look.mjs URL SCREENSHOT TEXT
// Says `open` when the page is there and its picture taken; then waits until TEXT is in it and says `seen`.
// Ends with 1 where that takes more than half a minute. Talks to Chromium over a pipe: nothing listens on a port.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [url, shot, text] = process.argv.slice(2);
const home = mkdtempSync(join(tmpdir(), "ira-chromium-"));
const browser = spawn("chromium", [
  "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--proxy-server=direct://",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
  `--user-data-dir=${home}`, "about:blank",
], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], env: { ...process.env, HOME: home } });

function end(code) {
  browser.once("exit", () => {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    process.exit(code);
  });
  browser.kill("SIGKILL");
}
setTimeout(() => { console.error("it takes too long"); end(1); }, 60_000).unref();
process.once("SIGTERM", () => end(1));

const [, , , to, from] = browser.stdio;
const waiting = new Map();
let rest = "", last = 0;
from.on("data", (piece) => {
  const all = (rest + piece).split("\0");
  rest = all.pop();
  for (const one of all) {
    const message = JSON.parse(one);
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  }
});
function ask(method, params = {}, sessionId) {
  return new Promise((answered, failed) => {
    const id = ++last;
    waiting.set(id, (message) => message.error ? failed(new Error(message.error.message)) : answered(message.result));
    to.write(JSON.stringify({ id, method, params, sessionId }) + "\0");
  });
}
const pause = (ms) => new Promise((go) => setTimeout(go, ms));

const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
const { sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true });
const page = (method, params) => ask(method, params, sessionId);
const value = async (expression) => (await page("Runtime.evaluate", { expression, returnByValue: true })).result.value;
await page("Emulation.setDeviceMetricsOverride", { width: 390, height: 844, deviceScaleFactor: 2, mobile: true });
await page("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
await page("Page.navigate", { url });
while (await value("document.readyState") !== "complete" || !(await value("location.href")).startsWith("http")) await pause(50);
const facts = await value(`JSON.stringify({
  wider: document.documentElement.scrollWidth > innerWidth,
  back: getComputedStyle(document.documentElement).backgroundColor,
  text: document.body.innerText,
})`);
const { data } = await page("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
writeFileSync(shot, Buffer.from(data, "base64"));
console.log(`open ${facts}`);
for (let tries = 0; tries < 300; tries++) {
  if ((await value("document.body.innerText")).includes(text)) {
    const { data } = await page("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
    writeFileSync(shot.replace(".png", "-after.png"), Buffer.from(data, "base64"));
    console.log("seen");
    end(0);
    await pause(10_000);
  }
  await pause(100);
}
console.error(await value("document.body.innerText"));
end(1);
