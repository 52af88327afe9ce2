/** Three hours that everybody can picture, to show what rules would charge in them. */
import { NOTHING_KNOWN, type PriceInputs } from "../../../domain/price-inputs.ts";

export interface ExampleHour {
  name: "ordinary" | "peak" | "scarce";
  /** What is going on, for people. */
  about: string;
  inputs: PriceInputs;
}

/** Of what no event told anything, such as stock and competitors, an ordinary state is taken. */
const ORDINARY: PriceInputs = {
  ...NOTHING_KNOWN,
  demandScore: 0.5,
  availableSupply: 20,
  utilization: 0.5,
  recentDemand: 20,
  searchCount15m: 60,
  cancelRate15m: 0.05,
  activeSessions30m: 80,
  localHour: 12,
  dayOfWeek: 3,
  weatherSeverity: 0,
  trafficIndex: 0.2,
  eventScore: 0,
  holiday: 0,
  stockOnHand: 500,
  stockCoverDays: 30,
  competitorPriceRatio: 1,
};

export const EXAMPLE_HOURS: readonly ExampleHour[] = [
  {
    name: "ordinary",
    about: "Wednesday noon, demand as usual, as much free as booked",
    inputs: ORDINARY,
  },
  {
    name: "peak",
    about: "Wednesday 18:00, half more demand than usual, half as much free as booked",
    inputs: {
      ...ORDINARY,
      localHour: 18,
      demandScore: 0.6,
      availableSupply: 10,
      utilization: 0.75,
      trafficIndex: 0.6,
      stockOnHand: 100,
      stockCoverDays: 10,
    },
  },
  {
    name: "scarce",
    about: "Saturday 18:00 in heavy rain, three times the usual demand, hardly anything free",
    inputs: {
      ...ORDINARY,
      localHour: 18,
      dayOfWeek: 6,
      demandScore: 0.75,
      recentDemand: 60,
      availableSupply: 2,
      utilization: 0.97,
      weatherSeverity: 0.8,
      trafficIndex: 0.9,
      stockOnHand: 10,
      stockCoverDays: 1,
    },
  },
];
