/** An answer of the shape and size of a real price, so that a bare server sends the bytes that ours does. */
export const CONSTANT_PRICE = JSON.stringify({
  price: 15.75,
  currency: "USD",
  base_price: 12,
  surge_multiplier: 1.3125,
  demand_score: 0.6131,
  confidence: 0.9412,
  factors: { demand: 0.4523, supply: -0.1241, time_of_day: 0.15, weather: 0.0812, events: 0.1 },
  adjustments: { constraint: -0.3394, rounding: -0.0075 },
  model_version: "mdl_0123456789ab",
  rules_version: "rul_0123456789ab",
  experiment: null,
  source: "model",
  disclosure: { personal_data_used: false, text: null, lowest_price_30d: null },
  request_id:
    "req_nyc-161.standard_ride.1204.rul_0123456789ab.mdl_0123456789ab.model.1575.k3j9x2m4p7q1",
  trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
  valid_until: "2026-11-20T15:00:30.000Z",
  stale: false,
  cached: true,
});
