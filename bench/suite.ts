/** What every suite of the bench gives back. */
export interface SuiteResult {
  /** For the terminal and for Markdown. */
  tables: string[];
  /** Everything measured, for the JSON file. */
  figures: object;
  /** What makes the run a failure: an answer that was wrong, a total that is not exact. Never a time. */
  failures: string[];
}

export interface SuiteOptions {
  /** Short: shows that the bench runs, not what the product can do. */
  smoke: boolean;
  /** First of the ports to use; a suite takes twenty. */
  port: number;
  say(text: string): void;
}

export type Suite = (options: SuiteOptions) => Promise<SuiteResult>;
