/** Lead times are grouped: a day more matters before the weekend that comes, and not half a year ahead. */

/** The first day of each group; the last has no end. */
export const LEAD_TIME_FROM_DAYS = [0, 2, 8, 22, 46, 91, 181] as const;

/** A lead time that stands for its group: about the mean of the bookings in it. */
export const LEAD_TIME_OF_GROUP_DAYS = [0, 4, 14, 33, 66, 130, 240] as const;
