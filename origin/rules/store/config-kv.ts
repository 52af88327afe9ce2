/** The KV namespace CONFIG, as the rules command line uses it. */
export interface ConfigKv {
  /** For people: `local KV in .data`. */
  readonly where: string;
  /** The values of keys, in their order; null for one that is not there. */
  read(keys: readonly string[]): Promise<(string | null)[]>;
  put(key: string, value: string): Promise<void>;
  /** Names of keys. */
  list(prefix: string): Promise<string[]>;
}
