CREATE TABLE `imports` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`sha256` text NOT NULL,
	`entity` text NOT NULL,
	`name` text NOT NULL,
	`rows` integer NOT NULL,
	`imported_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `imports_sha256_unique` ON `imports` (`sha256`);--> statement-breakpoint
CREATE TABLE `publications` (
	`kind` text NOT NULL,
	`target` text NOT NULL,
	`version` text NOT NULL,
	`published_at` integer NOT NULL,
	PRIMARY KEY(`kind`, `target`)
);
