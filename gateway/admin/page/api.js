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

// call asks for the token when there is none or a wrong one, and goes on with it. A token is kept once it was good.
async function call(method, at, body, etag, within) {
  let shown = token.get();
  for (;;) {
    const answer = await send(method, at, body, etag, within, shown);
    if (answer.status !== 401) {
      if (shown && shown !== token.get() && answer.status !== 429) {
        token.keep(shown);
        told();
      }
      return read(answer);
    }
    if (shown && shown === token.get()) forgetToken();
    shown = await askToken(shown ? "This token is wrong." : "");
    if (!shown) throw new Failure(401, "This needs the token.");
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
