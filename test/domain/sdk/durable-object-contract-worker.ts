/** A Worker that runs the contract of stores inside a Durable Object: the case that the path names. */
import { durableObjectStore, type ObjectStorage } from "../../../sdk/src/durable-object.ts";
import { STORE_CONTRACT } from "./store-contract.ts";

interface Env {
  CONTRACT: { getByName(name: string): { fetch(request: Request): Promise<Response> } };
}

export class Contract {
  readonly #storage: ObjectStorage;

  constructor(state: { storage: ObjectStorage }) {
    this.#storage = state.storage;
  }

  async fetch(request: Request): Promise<Response> {
    const holds = STORE_CONTRACT[nameOf(request)];
    if (!holds) return new Response("no such case", { status: 404 });
    try {
      // An object that crashed is constructed anew on its storage.
      await holds({ open: () => durableObjectStore(this.#storage), crash: () => undefined });
      return new Response("holds");
    } catch (error) {
      return new Response(error instanceof Error ? error.message : String(error), { status: 500 });
    }
  }
}

function nameOf(request: Request): string {
  return decodeURIComponent(new URL(request.url).pathname.slice(1));
}

export default {
  // An object for each case: its storage is empty at first.
  fetch: (request: Request, env: Env) => env.CONTRACT.getByName(nameOf(request)).fetch(request),
};
