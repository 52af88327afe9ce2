/** Which route an address leads to. The matching itself is Hono's routers, without the framework around them. */
import type { Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { TrieRouter } from "hono/router/trie-router";

export type Match<Route> =
  | { route: Route; params: Record<string, string> }
  /** Methods the address takes; none when there is nothing there. */
  | { route: null; methods: string[] };

const METHODS = ["GET", "POST", "PUT", "DELETE"];
const NO_PARAMS: Record<string, string> = {};

export class RouteTable<Route> {
  /** The fastest there is. It takes no word where another address of the method has a parameter. */
  private readonly router = new RegExpRouter<Route>();
  /** It takes any addresses; under /admin/ nobody waits for it. */
  private readonly administration = new TrieRouter<Route>();

  /** `path` as an operation has it, with `{name}` for a parameter. */
  add(method: string, path: string, route: Route): void {
    this.routerOf(path).add(method, path.replaceAll(/\{(\w+)\}/g, ":$1"), route);
  }

  match(method: string, path: string): Match<Route> {
    const router = this.routerOf(path);
    const result = router.match(method === "HEAD" ? "GET" : method, path);
    const found = result[0][0];
    const stash = result[1];
    if (!found) {
      const methods = METHODS.filter((other) => router.match(other, path)[0].length > 0);
      return { route: null, methods };
    }
    const [route, places] = found;
    return { route, params: stash ? paramsOf(places, stash) : (places as Record<string, string>) };
  }

  private routerOf(path: string): Router<Route> {
    return path.startsWith("/admin/") ? this.administration : this.router;
  }
}

/** The fast router names a parameter's place in the match, not its text. */
function paramsOf(
  places: Record<string, number | string>,
  stash: readonly string[],
): Record<string, string> {
  if (stash.length === 0) return NO_PARAMS;
  return Object.fromEntries(
    Object.entries(places).map(([name, place]) => [name, stash[Number(place)] ?? ""]),
  );
}
