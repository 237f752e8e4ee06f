// The admin API, and the token that it wants.

import { askToken } from "./dialogs.js";

const readWithin = 10_000; // milliseconds
const changeWithin = 120_000;

// Failure is an answer other than 2xx, or none (status 0).
export class Failure extends Error {
  constructor(status, message, mistakes = []) {
    super(message);
    this.status = status;
    this.mistakes = mistakes;
  }
}

// The token lives as long as the tab. Nobody but this file touches it.
const token = {
  get: () => sessionStorage.getItem("token") ?? "",
  keep: (value) => sessionStorage.setItem("token", value),
  forget: () => sessionStorage.removeItem("token"),
};

export const hasToken = () => token.get() !== "";

export function forgetToken() {
  token.forget();
  told();
}

// told lets the page know that there is a token, or none any more.
function told() {
  document.dispatchEvent(new Event("token"));
}

// path makes an API path of its parts.
export const path = (...parts) => parts.map(encodeURIComponent).join("/");

export const get = (at, query = {}) => call("GET", at + search(query), undefined, undefined, readWithin);

export const change = (method, at, body, etag) => call(method, at, body, etag, changeWithin);

function search(query) {
  const given = new URLSearchParams(Object.entries(query).flatMap(([name, value]) =>
    [value].flat().filter((v) => v !== "" && v !== undefined).map((v) => [name, v])));
  return given.size ? `?${given}` : "";
}

// attempt is under way while somebody gives the token. All that want it wait for the one that tries it, so that a wrong
// token is shown to the gateway once.
const open = { attempt: null };

async function call(method, at, body, etag, within) {
  const ask = (shown) => send(method, at, body, etag, within, shown);
  let sent = token.get();
  let answer = await ask(sent);
  while (answer.status === 401) {
    if (open.attempt) {
      await open.attempt;
    } else if (sent === token.get()) {
      open.attempt = admitted(ask).finally(() => { open.attempt = null; });
      return read(await open.attempt);
    }
    sent = token.get();
    answer = await ask(sent);
  }
  return read(answer);
}

// admitted asks for the token until one is right, keeps that, and gives the answer that it brought.
async function admitted(ask) {
  let problem = hasToken() ? "This token is wrong." : "";
  if (problem) forgetToken();
  for (;;) {
    const shown = await askToken(problem);
    if (!shown) throw new Failure(401, "This needs the token.");
    const answer = await ask(shown);
    if (answer.status !== 401 && answer.status !== 429) {
      token.keep(shown);
      told();
      return answer;
    }
    problem = answer.status === 401 ? "This token is wrong." :
      `Too many were wrong. Wait ${answer.headers.get("Retry-After")} s before the next.`;
  }
}

async function send(method, at, body, etag, within, shown) {
  const headers = {};
  if (shown) headers.Authorization = `Bearer ${shown}`;
  if (etag) headers["If-Match"] = `"${etag}"`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  try {
    const signal = AbortSignal.timeout(within);
    return await fetch(`api/v1/${at}`, { method, headers, body: text, signal, redirect: "error" });
  } catch (e) {
    if (e.name === "TimeoutError") throw new Failure(0, `The gateway has not answered within ${within / 1000} s.`);
    throw new Failure(0, "The gateway cannot be reached.");
  }
}

async function read(answer) {
  const text = await answer.text();
  let json = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch {
    throw new Failure(answer.status, `The answer is no JSON (status ${answer.status}).`);
  }
  if (answer.ok) return json;
  const wait = answer.headers.get("Retry-After");
  const message = (json?.error ?? `status ${answer.status}`) + (wait ? ` Try again in ${wait} s.` : "");
  throw new Failure(answer.status, message, json?.mistakes ?? []);
}
