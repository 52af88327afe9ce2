/// <reference types="@cloudflare/vitest-plugin/types" />

/** Lets tests call the Worker through `exports` of cloudflare:workers. */
declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import("../../../workers/ingest/index.ts");
  }
}
