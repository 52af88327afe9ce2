/** Accepted events and deliveries of a region since it began. */
export interface Totals {
  search: number;
  view: number;
  booking: number;
  cancellation: number;
  /** Deliveries past the allowed lateness. */
  late: number;
  /** Deliveries of an event that was counted before. */
  duplicates: number;
}
