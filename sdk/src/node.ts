/** For Node: unsent events in files, and a last flush before the process ends by itself. */
export { type FileStoreOptions, fileStore } from "./file-store.ts";
export { flushBeforeExit } from "./flush-before-exit.ts";
