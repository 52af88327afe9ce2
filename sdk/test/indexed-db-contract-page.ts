/** Runs the contract of stores on IndexedDB, in a page: each user of the store is a frame, and crashes by being removed. */
import {
  SHARED_STORE_CONTRACT,
  STORE_CONTRACT,
  type StorePlace,
} from "../../test/domain/sdk/store-contract.ts";
import type { EventStore } from "../src/event-store.ts";

declare global {
  interface Window {
    /** Of a frame with store-user.html. */
    store?: EventStore;
    /** Throws when the store does not hold. */
    runCase(name: string): Promise<void>;
  }
}

window.runCase = async (name) => {
  const holds = { ...STORE_CONTRACT, ...SHARED_STORE_CONTRACT }[name];
  if (!holds) throw new Error(`no such case: ${name}`);
  await holds(databaseOf(name));
};

function databaseOf(name: string): StorePlace {
  const frames = new Map<EventStore, HTMLIFrameElement>();
  return {
    async open() {
      const frame = document.createElement("iframe");
      frame.src = `/sdk/test/store-user.html?name=${encodeURIComponent(name)}`;
      const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
      document.body.append(frame);
      await loaded;
      const store = frame.contentWindow?.store;
      if (!store) throw new Error("the frame has no store");
      frames.set(store, frame);
      return store;
    },
    async crash(store) {
      const heldBefore = await heldLocks();
      frames.get(store)?.remove();
      // The browser gives back what the frame held, in its own time.
      while (heldBefore > 0 && (await heldLocks()) >= heldBefore) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}

/** None in a page that was not served securely. */
async function heldLocks(): Promise<number> {
  const locks: LockManager | undefined = navigator.locks;
  const { held = [] } = (await locks?.query()) ?? {};
  return held.length;
}
