/// <reference types="@cloudflare/vitest-plugin/types" />
/// <reference types="vite/client" />

/** Lets tests call the Worker through `exports` of cloudflare:workers. */
declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import("../../../workers/pricing/index.ts");
  }
}
