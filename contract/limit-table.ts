import { Lease, type Policy } from "./limit-lease.ts";

/** Leases of one generation; twice as many are kept at most. */
const GENERATION = 2_500;

/**
 * The leases of one policy by whose they are: those used lately, in two generations.
 *
 * When the younger is full the elder is forgotten, with its leases, which end by themselves, and its debts: a few tokens of users
 * who were not here for thousands of others. Few, because whatever lives here is marked by every garbage collection.
 */
export class LeaseTable {
  private readonly policy: Policy;
  private younger = new Map<string, Lease>();
  private elder = new Map<string, Lease>();

  constructor(policy: Policy) {
    this.policy = policy;
  }

  of(id: string): Lease {
    return this.younger.get(id) ?? this.rejuvenated(id);
  }

  private rejuvenated(id: string): Lease {
    const lease = this.elder.get(id) ?? new Lease(this.policy, id);
    if (this.younger.size >= GENERATION) {
      this.elder = this.younger;
      this.younger = new Map();
    }
    this.younger.set(id, lease);
    return lease;
  }
}
