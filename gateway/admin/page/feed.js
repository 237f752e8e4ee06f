// What the whole page lives on: the gateway at a glance, its origins, and how the migration goes.

import { Failure, get } from "./api.js";
import { setClock } from "./format.js";
import { every } from "./poll.js";
import { Timeline } from "./series.js";

const glance = 2000; // milliseconds
const slower = 10_000;

export const feed = {
  overview: null,
  origins: [],
  originsError: "",
  migration: null,
  migrationError: "",
  error: null, // {message, since, locked}: the last look failed
  timeline: new Timeline(),
  readOnly: () => feed.overview?.read_only === true,
};

const readers = new Set();

// onFeed calls read now and whenever there is news, until the function returned is called.
export function onFeed(read) {
  readers.add(read);
  read();
  return () => readers.delete(read);
}

const tell = () => readers.forEach((read) => read());

export function startFeed() {
  every(glance, look);
  every(slower, lookAtMigration);
}

// look does not go on by itself without the token: it would ask for it again and again.
export async function look() {
  if (feed.error?.locked) return;
  try {
    const overview = await get("overview");
    await lookAtOrigins();
    setClock(overview.now);
    Object.assign(feed, { overview, error: null });
    feed.timeline.add(overview, feed.origins);
  } catch (e) {
    const locked = e instanceof Failure && e.status === 401;
    feed.error = { message: e.message, since: feed.error?.since ?? Date.now(), locked };
  }
  tell();
}

async function lookAtOrigins() {
  try {
    feed.origins = (await get("origins")) ?? [];
    feed.originsError = "";
  } catch (e) {
    feed.originsError = e.message;
  }
}

export async function lookAtMigration() {
  if (feed.error?.locked) return;
  try {
    feed.migration = await get("migration");
    feed.migrationError = "";
  } catch (e) {
    feed.migrationError = e.message;
  }
  tell();
}

// unlock asks for the token anew, after it was not given.
export async function unlock() {
  feed.error = null;
  await look();
  await lookAtMigration();
}
