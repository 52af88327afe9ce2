/** Which route an address leads to. The matching itself is Hono's router, without the framework around it. */
import { RegExpRouter } from "hono/router/reg-exp-router";

export type Match<Route> =
  | { route: Route; params: Record<string, string> }
  /** Methods the address takes; none when there is nothing there. */
  | { route: null; methods: string[] };

const METHODS = ["GET", "POST", "PUT"];
const NO_PARAMS: Record<string, string> = {};

export class RouteTable<Route> {
  private readonly router = new RegExpRouter<Route>();

  /** `path` as an operation has it, with `{name}` for a parameter. */
  add(method: string, path: string, route: Route): void {
    this.router.add(method, path.replaceAll(/\{(\w+)\}/g, ":$1"), route);
  }

  match(method: string, path: string): Match<Route> {
    const [[found], stash] = this.router.match(method === "HEAD" ? "GET" : method, path);
    if (!found) {
      const methods = METHODS.filter((other) => this.router.match(other, path)[0].length > 0);
      return { route: null, methods };
    }
    const [route, indices] = found;
    return { route, params: stash?.length ? paramsOf(indices, stash) : NO_PARAMS };
  }
}

/** This router names a parameter's place in the match, not its text. */
function paramsOf(
  places: Record<string, number | string>,
  stash: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(places).map(([name, place]) => [name, stash[Number(place)] ?? ""]),
  );
}
