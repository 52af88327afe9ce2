/**
 * Unsent events in IndexedDB, shared by all tabs of an origin.
 *
 * Each tab owns what it tracked, and holds a Web Lock that bears its name for as long as it lives: events whose owner's lock
 * nobody holds are orphans, and the next tab that looks takes them over in one transaction, so one tab at a time has them.
 * Where there are no Web Locks (pages not served securely) what is a minute old counts as orphaned: a living tab's backlog
 * may then be sent by two tabs, each event under its one key.
 */
import type { EventStore, StoredEvent } from "./event-store.ts";
import { committed, openDatabase, resultOf, uniqueKeys } from "./indexed-db.ts";
import { randomUuid } from "./platform.ts";

interface Row extends StoredEvent {
  owner: string;
}

const EVENTS = "events";
const BY_OWNER = "owner";
const ADOPT_EVERY_MS = 60_000;
const ORPHANED_AFTER_MS = 60_000;

export function hasIndexedDb(): boolean {
  return typeof indexedDB !== "undefined";
}

/** A store in the database `name`. Queues with different endpoints or keys need different ones. */
export function indexedDbStore({ name = "edge-demand-pricing" } = {}): EventStore {
  const owner = randomUuid();
  const locks: LockManager | undefined = globalThis.navigator?.locks;
  const lockOf = (someone: string) => `${name}/${someone}`;
  let letGo = (): void => undefined;
  let opening: Promise<IDBDatabase> | undefined;

  async function open(): Promise<IDBDatabase> {
    // Our lock first: nobody must find our rows without a living owner.
    if (locks) await new Promise<void>((held, failed) => holdLock(locks, held).catch(failed));
    const database = await openDatabase(name, (fresh) => {
      fresh.createObjectStore(EVENTS, { keyPath: "id" }).createIndex(BY_OWNER, "owner");
    });
    // The browser closes it when a user clears the site's data.
    database.onclose = () => {
      opening = undefined;
    };
    return database;
  }

  async function holdLock(manager: LockManager, held: () => void): Promise<void> {
    letGo();
    await manager.request(lockOf(owner), () => {
      held();
      return new Promise<void>((resolve) => {
        letGo = resolve;
      });
    });
  }

  /** Opened once; after a failure the next call tries again. */
  function opened(): Promise<IDBDatabase> {
    opening ??= open().catch((cause) => {
      opening = undefined;
      throw cause;
    });
    return opening;
  }

  async function change(job: (events: IDBObjectStore) => void): Promise<void> {
    const transaction = (await opened()).transaction(EVENTS, "readwrite");
    job(transaction.objectStore(EVENTS));
    await committed(transaction);
  }

  /** Who of these is gone for good. They held their locks before they wrote anything, so asking afterwards is safe. */
  async function goneOf(owners: readonly string[]): Promise<string[]> {
    if (!locks) return [...owners];
    const { held = [] } = await locks.query();
    const living = new Set(held.map((lock) => lock.name));
    return owners.filter((someone) => !living.has(lockOf(someone)));
  }

  async function takeOver(database: IDBDatabase, gone: string): Promise<StoredEvent[]> {
    const latest = locks ? Number.POSITIVE_INFINITY : Date.now() - ORPHANED_AFTER_MS;
    const transaction = database.transaction(EVENTS, "readwrite");
    const events = transaction.objectStore(EVENTS);
    const rows: Row[] = await resultOf(events.index(BY_OWNER).getAll(gone));
    const orphans = rows.filter(({ trackedAt }) => trackedAt <= latest);
    for (const row of orphans) events.put({ ...row, owner });
    await committed(transaction);
    return orphans.map(({ id, trackedAt, text }) => ({ id, trackedAt, text }));
  }

  return {
    isPersistent: true,
    adoptEveryMs: ADOPT_EVERY_MS,
    async adopt() {
      const database = await opened();
      const reading = database.transaction(EVENTS).objectStore(EVENTS);
      const owners = await uniqueKeys(reading.index(BY_OWNER));
      for (const gone of await goneOf(owners.filter((someone) => someone !== owner))) {
        const orphans = await takeOver(database, gone);
        if (orphans.length > 0) return orphans;
      }
      return [];
    },
    append: (events) =>
      change((table) => {
        for (const event of events) table.put({ ...event, owner });
      }),
    remove: (ids) =>
      change((table) => {
        for (const id of ids) table.delete(id);
      }),
    async close() {
      (await opened()).close();
      letGo();
    },
  };
}
