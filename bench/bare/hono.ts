/** The framework alone: the same constant behind Hono's router. */
import { Hono } from "hono";
import { CONSTANT_PRICE } from "./constant.ts";

const app = new Hono();
app.post("/api/v1/pricing/compute", (c) =>
  c.body(CONSTANT_PRICE, 200, { "content-type": "application/json" }),
);

export default app;
